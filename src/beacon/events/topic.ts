/**
 * The topics of `/eth/v1/events` and what each delivers: the 24 of the specification, one that it
 * dropped, and any other name that a node may know
 * (https://ethereum.github.io/beacon-APIs/#/Events/eventstream).
 */

import type { TopicRecord } from "./members.ts";
import {
  attestation,
  type AttestationEvent,
  single_attestation,
  type SingleAttestationEvent,
} from "./topics/attestation.ts";
import {
  block,
  block_gossip,
  type BlockEvent,
  type BlockGossipEvent,
} from "./topics/block.ts";
import {
  chain_reorg,
  type ChainReorgEvent,
  fast_confirmation,
  type FastConfirmationEvent,
  finalized_checkpoint,
  type FinalizedCheckpointEvent,
} from "./topics/chain.ts";
import {
  execution_payload,
  execution_payload_available,
  execution_payload_bid,
  execution_payload_gossip,
  type ExecutionPayloadAvailableEvent,
  type ExecutionPayloadBidEvent,
  type ExecutionPayloadEvent,
  type ExecutionPayloadGossipEvent,
  payload_attestation_message,
  type PayloadAttestationMessageEvent,
} from "./topics/execution_payload.ts";
import {
  head,
  head_v2,
  type HeadEvent,
  type HeadV2Event,
} from "./topics/head.ts";
import {
  light_client_finality_update,
  light_client_optimistic_update,
  type LightClientFinalityUpdateEvent,
  type LightClientOptimisticUpdateEvent,
} from "./topics/light_client.ts";
import {
  payload_attributes,
  type PayloadAttributesEvent,
  proposer_preferences,
  type ProposerPreferencesEvent,
} from "./topics/proposal.ts";
import {
  blob_sidecar,
  type BlobSidecarEvent,
  data_column_sidecar,
  type DataColumnSidecarEvent,
} from "./topics/sidecar.ts";
import {
  attester_slashing,
  type AttesterSlashingEvent,
  proposer_slashing,
  type ProposerSlashingEvent,
} from "./topics/slashing.ts";
import {
  bls_to_execution_change,
  type BlsToExecutionChangeEvent,
  contribution_and_proof,
  type ContributionAndProofEvent,
  voluntary_exit,
  type VoluntaryExitEvent,
} from "./topics/validator.ts";

/** What each known topic delivers. */
export interface EventDataMap {
  /** New head block; deprecated in favour of `head_v2`. */
  readonly head: HeadEvent;
  /** New head block, or a new payload status of it. */
  readonly head_v2: HeadV2Event;
  /** Block imported by fork choice. */
  readonly block: BlockEvent;
  /** Block that passed gossip validation. */
  readonly block_gossip: BlockGossipEvent;
  /**
   * Attestation that passed gossip validation; from electra on an aggregate. Some nodes send single
   * attestations here.
   */
  readonly attestation: AttestationEvent | SingleAttestationEvent;
  /** One validator's attestation that passed gossip validation. */
  readonly single_attestation: SingleAttestationEvent;
  /** A validator's signed request to exit. */
  readonly voluntary_exit: VoluntaryExitEvent;
  /** Change of withdrawal credentials. */
  readonly bls_to_execution_change: BlsToExecutionChangeEvent;
  /** Proof that a proposer signed two blocks for one slot. */
  readonly proposer_slashing: ProposerSlashingEvent;
  /** Proof that attesters signed conflicting votes. */
  readonly attester_slashing: AttesterSlashingEvent;
  /** New finalized checkpoint. */
  readonly finalized_checkpoint: FinalizedCheckpointEvent;
  /** Switch to another branch. */
  readonly chain_reorg: ChainReorgEvent;
  /** Sync committee contribution. */
  readonly contribution_and_proof: ContributionAndProofEvent;
  /** Newer finality update for light clients. */
  readonly light_client_finality_update: LightClientFinalityUpdateEvent;
  /** Newer optimistic update for light clients. */
  readonly light_client_optimistic_update: LightClientOptimisticUpdateEvent;
  /** New attributes for building an execution payload. */
  readonly payload_attributes: PayloadAttributesEvent;
  /** Data column that passed gossip validation. */
  readonly data_column_sidecar: DataColumnSidecarEvent;
  /** Execution payload imported by fork choice. */
  readonly execution_payload: ExecutionPayloadEvent;
  /** Execution payload that passed gossip validation. */
  readonly execution_payload_gossip: ExecutionPayloadGossipEvent;
  /** Execution payload and blobs that are available. */
  readonly execution_payload_available: ExecutionPayloadAvailableEvent;
  /** A builder's bid. */
  readonly execution_payload_bid: ExecutionPayloadBidEvent;
  /** Vote on the presence of a payload. */
  readonly payload_attestation_message: PayloadAttestationMessageEvent;
  /** Result of the fast confirmation rule. */
  readonly fast_confirmation: FastConfirmationEvent;
  /** A proposer's preferences for its payload. */
  readonly proposer_preferences: ProposerPreferencesEvent;
  /** Blob that passed gossip validation; no longer in the specification. */
  readonly blob_sidecar: BlobSidecarEvent;
}

/** A topic whose payload is known and checked. */
export type KnownTopic = keyof EventDataMap;

/** Any topic: a known one, or another name that some nodes know. */
export type Topic = KnownTopic | (string & Record<never, never>);

/** What a topic delivers: its interface, or `unknown` for a topic that is not known. */
export type EventData<T extends string> = T extends KnownTopic ? EventDataMap[T]
  : unknown;

/** The records of the known topics, in the order of the specification; last the one that it dropped. */
const RECORDS: {
  readonly [T in KnownTopic]: TopicRecord<T, EventDataMap[T]>;
} = {
  head,
  head_v2,
  block,
  block_gossip,
  attestation,
  single_attestation,
  voluntary_exit,
  bls_to_execution_change,
  proposer_slashing,
  attester_slashing,
  finalized_checkpoint,
  chain_reorg,
  contribution_and_proof,
  light_client_finality_update,
  light_client_optimistic_update,
  payload_attributes,
  data_column_sidecar,
  execution_payload,
  execution_payload_gossip,
  execution_payload_available,
  execution_payload_bid,
  payload_attestation_message,
  fast_confirmation,
  proposer_preferences,
  blob_sidecar,
};

export type AnyTopicRecord = TopicRecord<string, unknown>;

// A map, so that no topic finds what every object inherits.
const recordByTopic: ReadonlyMap<string, AnyTopicRecord> = new Map(
  Object.entries(RECORDS) as unknown as [string, AnyTopicRecord][],
);

export function topicRecord(topic: string): AnyTopicRecord | undefined {
  return recordByTopic.get(topic);
}

/**
 * The known topics, in the order of the specification; last the one that it dropped.
 *
 * @example
 * ```ts
 * import { KNOWN_TOPICS } from "@org/beacon-sse";
 * import { assert } from "@std/assert";
 *
 * assert(KNOWN_TOPICS.includes("chain_reorg"));
 * ```
 */
export const KNOWN_TOPICS: readonly KnownTopic[] = Object.freeze(
  Object.keys(RECORDS) as KnownTopic[],
);

/**
 * Whether a topic is one of {@linkcode KNOWN_TOPICS}, whose payload is checked and typed.
 *
 * @param topic Name of a topic.
 * @returns Whether it is known.
 *
 * @example
 * ```ts
 * import { isKnownTopic } from "@org/beacon-sse";
 * import { assert, assertFalse } from "@std/assert";
 *
 * assert(isKnownTopic("head"));
 * assertFalse(isKnownTopic("weather_forecast"));
 * ```
 */
export function isKnownTopic(topic: string): topic is KnownTopic {
  return recordByTopic.has(topic);
}

/** Whether a name can be requested. A comma, for example, would request two topics. */
export function isTopicName(name: unknown): name is string {
  return typeof name === "string" && /^[a-z0-9_]{1,64}$/i.test(name);
}
