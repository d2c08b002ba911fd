/**
 * The topics of `/eth/v1/events` and what each delivers: the 24 of the specification, one that it
 * lost, and any other name that a node may know
 * (https://ethereum.github.io/beacon-APIs/#/Events/eventstream).
 */

import type { AttestationEvent } from "./topics/attestation.ts";
import type { AttesterSlashingEvent } from "./topics/attester_slashing.ts";
import type { BlobSidecarEvent } from "./topics/blob_sidecar.ts";
import type { BlockEvent } from "./topics/block.ts";
import type { BlockGossipEvent } from "./topics/block_gossip.ts";
import type { BlsToExecutionChangeEvent } from "./topics/bls_to_execution_change.ts";
import type { ChainReorgEvent } from "./topics/chain_reorg.ts";
import type { ContributionAndProofEvent } from "./topics/contribution_and_proof.ts";
import type { DataColumnSidecarEvent } from "./topics/data_column_sidecar.ts";
import type { ExecutionPayloadAvailableEvent } from "./topics/execution_payload_available.ts";
import type { ExecutionPayloadBidEvent } from "./topics/execution_payload_bid.ts";
import type { ExecutionPayloadEvent } from "./topics/execution_payload.ts";
import type { ExecutionPayloadGossipEvent } from "./topics/execution_payload_gossip.ts";
import type { FastConfirmationEvent } from "./topics/fast_confirmation.ts";
import type { FinalizedCheckpointEvent } from "./topics/finalized_checkpoint.ts";
import type { HeadEvent } from "./topics/head.ts";
import type { HeadV2Event } from "./topics/head_v2.ts";
import type { LightClientFinalityUpdateEvent } from "./topics/light_client_finality_update.ts";
import type { LightClientOptimisticUpdateEvent } from "./topics/light_client_optimistic_update.ts";
import type { PayloadAttestationMessageEvent } from "./topics/payload_attestation_message.ts";
import type { PayloadAttributesEvent } from "./topics/payload_attributes.ts";
import type { ProposerPreferencesEvent } from "./topics/proposer_preferences.ts";
import type { ProposerSlashingEvent } from "./topics/proposer_slashing.ts";
import type { SingleAttestationEvent } from "./topics/single_attestation.ts";
import type { VoluntaryExitEvent } from "./topics/voluntary_exit.ts";

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
  /** Attestation that passed gossip validation; from electra on an aggregate. */
  readonly attestation: AttestationEvent;
  /** One validator's attestation that passed gossip validation. */
  readonly single_attestation: SingleAttestationEvent;
  /** A validator's wish to exit. */
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
  /** A proposer's wishes for its payload. */
  readonly proposer_preferences: ProposerPreferencesEvent;
  /** Blob that passed gossip validation; no longer in the specification. */
  readonly blob_sidecar: BlobSidecarEvent;
}

/** A topic whose payload is known and checked. */
export type KnownTopic = keyof EventDataMap;

/** Any topic: a known one, or a name that only some nodes know. */
export type Topic = KnownTopic | (string & Record<never, never>);

/** What a topic delivers: its interface, or `unknown` for a topic that is not known. */
export type EventData<T extends string> = T extends KnownTopic ? EventDataMap[T]
  : unknown;

/**
 * The known topics, in the order of the specification; last the one that it no longer has.
 *
 * @example
 * ```ts
 * import { KNOWN_TOPICS } from "@org/beacon-sse";
 * import { assert } from "@std/assert";
 *
 * assert(KNOWN_TOPICS.includes("chain_reorg"));
 * ```
 */
export const KNOWN_TOPICS: readonly KnownTopic[] = Object.freeze([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "attestation",
  "single_attestation",
  "voluntary_exit",
  "bls_to_execution_change",
  "proposer_slashing",
  "attester_slashing",
  "finalized_checkpoint",
  "chain_reorg",
  "contribution_and_proof",
  "light_client_finality_update",
  "light_client_optimistic_update",
  "payload_attributes",
  "data_column_sidecar",
  "execution_payload",
  "execution_payload_gossip",
  "execution_payload_available",
  "execution_payload_bid",
  "payload_attestation_message",
  "fast_confirmation",
  "proposer_preferences",
  "blob_sidecar",
]);

const KNOWN: ReadonlySet<string> = new Set(KNOWN_TOPICS);

/**
 * Tells whether the payload of a topic is known, and with it the type of its data.
 *
 * @param topic Name of a topic.
 * @returns Whether it is one of {@linkcode KNOWN_TOPICS}.
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
  return KNOWN.has(topic);
}

/**
 * Tells whether a name can be asked for: letters, digits and underscores, at most 64. A comma, for
 * one, would ask for two topics.
 *
 * @param name The name to check, of any type.
 * @returns Whether it may go into the query of the request.
 */
export function isTopicName(name: unknown): name is string {
  return typeof name === "string" && /^[a-z0-9_]{1,64}$/i.test(name);
}
