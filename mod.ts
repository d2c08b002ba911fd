/**
 * A listener for the events of Ethereum beacon nodes (`GET /eth/v1/events`) on web standards: typed
 * events, reorgs, Charon-compatible metrics, from one node or many. It reconnects for ever, holds
 * no frame that could exhaust memory, and loses no reorg to a slow subscriber.
 *
 * @example Events of one node
 * ```ts
 * import { subscribe } from "@org/beacon-sse";
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 *
 * // Stands in for a real one, such as "http://localhost:5052".
 * await using node = await SimulatedBeaconNode.start({ slotDurationMs: 500 });
 *
 * for await (const event of subscribe(node.url, { topics: ["head"] })) {
 *   console.log(event.data.slot, event.data.block);
 *   break; // without it the loop goes on for ever
 * }
 * ```
 *
 * @example Reorgs of several nodes, with metrics
 * ```ts
 * import { SseListener } from "@org/beacon-sse";
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * await using other = await SimulatedBeaconNode.start({ autoplay: false });
 *
 * await using listener = await SseListener.start({
 *   nodes: [node.url, { url: other.url, name: "backup", headers: { "X-Key": "secret" } }],
 * });
 * const reorgs = listener.reorgs();
 * await node.whenConnected();
 * await node.produceBlock();
 * node.reorg({ depth: 1 });
 *
 * for await (const reorg of reorgs) {
 *   console.log(`duties from epoch ${reorg.epoch} on are in doubt`);
 *   const text = await listener.registry.metrics(); // for Prometheus
 *   console.log(text.length, "characters of metrics");
 *   break;
 * }
 * ```
 *
 * @module
 */

export {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
  BeaconTimeoutError,
} from "./src/beacon/http/errors.ts";
export { eventIdentity } from "./src/beacon/events/event_identity.ts";
export { parseEventData } from "./src/beacon/events/beacon_event.ts";
export { SlotClock } from "./src/beacon/slot_clock.ts";
export { isKnownTopic, KNOWN_TOPICS } from "./src/beacon/events/topic.ts";
export { Broadcast } from "./src/listener/broadcast/broadcast.ts";
export {
  mirrorBroadcast,
  receiveBroadcast,
} from "./src/listener/broadcast/worker_channel.ts";
export { mergeReorgs } from "./src/listener/chain/reorg.ts";
export { WrongChainError } from "./src/listener/chain/chain_errors.ts";
export { SseListener } from "./src/listener/sse_listener.ts";
export { subscribe } from "./src/listener/subscribe.ts";
export { Subscription } from "./src/listener/broadcast/subscription.ts";
export {
  SseBatchDecoderStream,
  SseDecoder,
  SseDecoderStream,
  SseOversizeError,
} from "./src/sse/mod.ts";
export type {
  BeaconEvent,
  TopicEvent,
} from "./src/beacon/events/beacon_event.ts";
export type { Delivered } from "./src/listener/merge/stand_ins.ts";
export type { ChainConfig } from "./src/beacon/api/chain_config.ts";
export type { BeaconNodeOptions } from "./src/beacon/http/endpoint.ts";
export type { NodeSyncing } from "./src/beacon/api/syncing.ts";
export type { SlotClockOptions, SlotEra } from "./src/beacon/slot_clock.ts";
export type {
  BroadcastOptions,
  SubscribeOptions,
} from "./src/listener/broadcast/broadcast.ts";
export type { Mirrored } from "./src/listener/broadcast/worker_channel.ts";
export type { SubscriptionIterator } from "./src/listener/broadcast/subscription.ts";
export type { ChainReorg } from "./src/listener/chain/reorg.ts";
export type { SseListenerOptions } from "./src/listener/listener_options.ts";
export type {
  Log,
  LogEntry,
  LogFunction,
  LogMethods,
} from "./src/listener/log.ts";
export type {
  ConnectionState,
  NodeSnapshot,
} from "./src/listener/node_state.ts";
export type { DutiesChanged } from "./src/listener/chain/duties.ts";
export type {
  ChainStatus,
  ClockStatus,
  ConnectedStatus,
  DisconnectedStatus,
  DisconnectReason,
  GapStatus,
  HealthStatus,
  NodeStatus,
  StaleStatus,
  StatusOf,
  TopicsStatus,
  WrongChainStatus,
} from "./src/listener/node_status.ts";
export type {
  EventsOptions,
  SubscriptionOptions,
} from "./src/listener/sse_listener.ts";
export type {
  RaceRecord,
  RaceTopic,
} from "./src/listener/race/race_tracker.ts";
export type { SubscribeToNodeOptions } from "./src/listener/subscribe.ts";
export type { ServerSentEvent, SseDecoderOptions } from "./src/sse/mod.ts";
export type { ForkVersioned } from "./src/beacon/events/members.ts";
export type {
  AttestationData,
  AttestationEvent,
  Checkpoint,
  SingleAttestationEvent,
} from "./src/beacon/events/topics/attestation.ts";
export type {
  BlockEvent,
  BlockGossipEvent,
} from "./src/beacon/events/topics/block.ts";
export type {
  ChainReorgEvent,
  FastConfirmationEvent,
  FinalizedCheckpointEvent,
} from "./src/beacon/events/topics/chain.ts";
export type {
  ExecutionPayloadAvailableEvent,
  ExecutionPayloadBid,
  ExecutionPayloadBidEvent,
  ExecutionPayloadEvent,
  ExecutionPayloadGossipEvent,
  PayloadAttestationData,
  PayloadAttestationMessage,
  PayloadAttestationMessageEvent,
  SignedExecutionPayloadBid,
} from "./src/beacon/events/topics/execution_payload.ts";
export type {
  HeadEvent,
  HeadV2Data,
  HeadV2Event,
  PayloadStatus,
} from "./src/beacon/events/topics/head.ts";
export type {
  LightClientFinalityUpdate,
  LightClientFinalityUpdateEvent,
  LightClientHeader,
  LightClientOptimisticUpdate,
  LightClientOptimisticUpdateEvent,
  SyncAggregate,
} from "./src/beacon/events/topics/light_client.ts";
export type {
  PayloadAttributes,
  PayloadAttributesData,
  PayloadAttributesEvent,
  ProposerPreferences,
  ProposerPreferencesEvent,
  SignedProposerPreferences,
  Withdrawal,
} from "./src/beacon/events/topics/proposal.ts";
export type {
  BlobSidecarEvent,
  DataColumnSidecarEvent,
} from "./src/beacon/events/topics/sidecar.ts";
export type {
  AttesterSlashingEvent,
  BeaconBlockHeader,
  IndexedAttestation,
  ProposerSlashingEvent,
  SignedBeaconBlockHeader,
} from "./src/beacon/events/topics/slashing.ts";
export type {
  BlsToExecutionChange,
  BlsToExecutionChangeEvent,
  ContributionAndProof,
  ContributionAndProofEvent,
  SyncCommitteeContribution,
  VoluntaryExit,
  VoluntaryExitEvent,
} from "./src/beacon/events/topics/validator.ts";
export type {
  EventData,
  EventDataMap,
  KnownTopic,
  Topic,
} from "./src/beacon/events/topic.ts";
export type { MetricsRegistry } from "./src/listener/metrics/registry.ts";
