/**
 * A beacon node to test against, and everything that can go wrong with one.
 *
 * {@linkcode SimulatedNode} lives by a slot clock, seeded and scriptable, and
 * is reached through its `fetch`, without a port and in any runtime:
 *
 * ```ts
 * import { subscribe } from "@org/beacon-sse";
 * import { SimulatedNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = new SimulatedNode({ slotDurationMs: 200 });
 * for await (const { topic } of subscribe(node.url, { topics: ["head"], fetch: node.fetch })) {
 *   assertEquals(topic, "head");
 *   break;
 * }
 * ```
 *
 * {@linkcode SimulatedBeaconNode} is the same behind a real HTTP server on
 * loopback:
 *
 * ```ts
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ seed: 7, autoplay: false });
 * const events = fetch(`${node.url}/eth/v1/events?topics=head`);
 * const connection = await node.whenConnected();
 * assertEquals([...connection.topics], ["head"]);
 * await node.produceBlock(); // one `head` event
 * node.disconnect();
 * assertEquals((await (await events).text()).split("\n")[0], "event:head");
 * ```
 *
 * Faults are plain data, {@linkcode Fault}. A node without a socket takes all
 * of them, one behind a server those of a node:
 *
 * ```ts
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * const fault = node.fault({ type: "status", status: 503, retryAfter: "3", times: 1 });
 * const statuses: number[] = [];
 * for (let attempt = 0; attempt < 2; attempt++) {
 *   const response = await fetch(`${node.url}/eth/v1/events?topics=head`);
 *   statuses.push(response.status);
 *   await response.body?.cancel();
 * }
 * assertEquals(statuses, [503, 200]);
 * assertEquals(fault.hits, 1);
 * ```
 *
 * Those of the wire are caused on a {@linkcode FaultProxy} in front of any
 * node, simulated or real:
 *
 * ```ts
 * import { FaultProxy, SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * await using proxy = await FaultProxy.start({ target: node.url });
 * {
 *   using _ = proxy.fault({ type: "refuse" });
 *   await assertRejects(() => fetch(`${proxy.url}/eth/v1/node/health`));
 * }
 * await proxy.whenListening();
 * const response = await fetch(`${proxy.url}/eth/v1/node/health`);
 * assertEquals(await response.text(), "");
 * ```
 *
 * {@linkcode randomFaults} draws a schedule of both from a seed, and
 * {@linkcode playFaults} plays it.
 *
 * {@linkcode SimulatedBeaconNode} and {@linkcode FaultProxy} need Deno and
 * `--allow-net`.
 *
 * @module
 */

export { NODE_FAULT_TYPES, WIRE_FAULT_TYPES } from "./faults/fault.ts";
export { playFaults } from "./faults/play_faults.ts";
export { randomFaults } from "./faults/random_faults.ts";
export { RecordedBeaconNode } from "./recording/recorded_beacon_node.ts";
export {
  openRecording,
  recordingHeader,
  recordingLine,
} from "./recording/recording.ts";
export { SimulatedBeaconNode } from "./node/simulated_beacon_node.ts";
export { SimulatedNode } from "./node/simulated_node.ts";
export { FaultProxy } from "./proxy/fault_proxy.ts";

export type {
  ProduceBlockOptions,
  ReorgOptions,
} from "./chain/block_script.ts";
export type {
  SimulatedBlock,
  SimulatedCheckpoint,
  SimulatedReorg,
} from "./chain/simulated_chain.ts";
export type { ActiveFault } from "./faults/active_fault.ts";
export type {
  AnswerFault,
  AnswerFaultScope,
  CompressedFault,
  ContentTypeFault,
  DelayFault,
  EmptyFault,
  Endpoint,
  ForgetOrphansFault,
  HangFault,
  JoinedTopicsFault,
  LateHeadersFault,
  OtherChainFault,
  RefuseTopicsFault,
  RepeatedTopicsFault,
  RequestFault,
  StatusFault,
  SyncStateFault,
  TopicFault,
} from "./faults/answer_faults.ts";
export type {
  BranchSwitchFault,
  BurstFault,
  CatchUpFault,
  ChainFault,
  ClockSkewFault,
  FlipFault,
  NewChainFault,
  OptimisticFault,
  OwnBranchFault,
} from "./faults/chain_faults.ts";
export type { FaultBase } from "./faults/declaration.ts";
export type { Fault, NodeFault } from "./faults/fault.ts";
export type { FaultStage, PlayFaultsOptions } from "./faults/play_faults.ts";
export type {
  RandomFaultsOptions,
  ScheduledFault,
} from "./faults/random_faults.ts";
export type {
  DeepReorgFault,
  DisconnectFault,
  DropFault,
  DuplicateFault,
  EndlessFrameFault,
  FutureSlotFault,
  GiantEventFault,
  LastingStreamFault,
  MalformedFault,
  MomentaryStreamFault,
  PaddedEventFault,
  PayloadFormFault,
  RetryFault,
  SilenceFault,
  StreamFault,
  UnaskedFault,
  WireFormFault,
} from "./faults/stream_faults.ts";
export type {
  BufferFault,
  CutFault,
  DripFault,
  HalfOpenFault,
  RefuseFault,
  ResetFault,
  SlamFault,
  StallFault,
  WireFault,
  WireFaultPoint,
  WireFaultScope,
} from "./faults/wire_faults.ts";
export type { IncomingRequest } from "./node/beacon_api.ts";
export type { SimulatedClock } from "./node/clock.ts";
export type { EventConnection } from "./node/event_connection.ts";
export type { SimulatedBeaconNodeOptions } from "./node/simulated_beacon_node.ts";
export type { ReceivedRequest } from "./node/simulated_node.ts";
export type { SimulatedNodeOptions } from "./node/simulated_node_options.ts";
export type { EventFrame, EventMessage } from "./node/stream_frames.ts";
export type { FaultProxyOptions } from "./proxy/fault_proxy.ts";
export type { RecordedBeaconNodeOptions } from "./recording/recorded_beacon_node.ts";
export type { RecordedEvent, Recording } from "./recording/recording.ts";
export type { ChainConfig } from "../beacon/api/chain_config.ts";
