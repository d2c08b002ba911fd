/**
 * Topics `execution_payload`, `execution_payload_gossip`, `execution_payload_available`,
 * `execution_payload_bid` and `payload_attestation_message`: how the payload of a block comes to it
 * from gloas on.
 */

import {
  defineTopic,
  type ForkVersioned,
  list,
  object,
  optional,
  versioned,
} from "../members.ts";
import {
  address,
  boolean,
  type JsonObject,
  optimistic,
  pubkey,
  root,
  signature,
  uint,
  uint64,
} from "../primitives.ts";

/** Payload of `execution_payload_gossip`: an execution payload passed gossip validation. */
export interface ExecutionPayloadGossipEvent {
  /** Slot of the block that the payload belongs to. */
  readonly slot: number;
  /** Index of the builder, a decimal uint64; 2^64 - 1 where the proposer built it. */
  readonly builder_index: string;
  /** Hash of the execution block. */
  readonly block_hash: string;
  /** Root of the beacon block. */
  readonly block_root: string;
}

/** Payload of `execution_payload`: fork choice imported an execution payload. */
export interface ExecutionPayloadEvent extends ExecutionPayloadGossipEvent {
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/**
 * Payload of `execution_payload_available`: payload and blobs of a block are verified to be
 * available.
 */
export interface ExecutionPayloadAvailableEvent {
  /** Slot of the block. */
  readonly slot: number;
  /** Root of the beacon block. */
  readonly block_root: string;
}

/** What a builder offers to a proposer. */
export interface ExecutionPayloadBid {
  /** Hash of the parent's execution block. */
  readonly parent_block_hash: string;
  /** Root of the parent beacon block. */
  readonly parent_block_root: string;
  /** Hash of the execution block on offer. */
  readonly block_hash: string;
  /** RANDAO mix of the payload. */
  readonly prev_randao: string;
  /** Execution address that the proposer is paid at, in lower case. */
  readonly fee_recipient: string;
  /** Gas limit of the payload, a decimal uint64. */
  readonly gas_limit: string;
  /** Index of the builder, a decimal uint64; 2^64 - 1 where the proposer builds. */
  readonly builder_index: string;
  /** Slot that the bid is for. */
  readonly slot: number;
  /** Payment to the proposer in Gwei, a decimal uint64. */
  readonly value: string;
  /** Payment within the payload in Gwei, a decimal uint64. */
  readonly execution_payment: string;
  /** KZG commitments of the payload's blobs. */
  readonly blob_kzg_commitments: readonly string[];
  /** Root of the payload's execution requests; not every node sends it. */
  readonly execution_requests_root?: string;
}

/** A bid signed by its builder. */
export interface SignedExecutionPayloadBid {
  /** The bid. */
  readonly message: ExecutionPayloadBid;
  /** BLS signature of the builder. */
  readonly signature: string;
}

/**
 * Payload of `execution_payload_bid`: a builder's bid passed gossip validation. The version is
 * `"gloas"` where a node sent the bid bare.
 */
export type ExecutionPayloadBidEvent = ForkVersioned<SignedExecutionPayloadBid>;

/** What a member of the payload committee saw. */
export interface PayloadAttestationData {
  /** Root of the beacon block. */
  readonly beacon_block_root: string;
  /** Slot of the block. */
  readonly slot: number;
  /** Whether the payload was seen in time. */
  readonly payload_present: boolean;
  /** Whether the blobs were available in time. */
  readonly blob_data_available: boolean;
}

/** A vote of one member of the payload committee. */
export interface PayloadAttestationMessage {
  /** Validator index of the member. */
  readonly validator_index: number;
  /** What it saw. */
  readonly data: PayloadAttestationData;
  /** BLS signature of the member. */
  readonly signature: string;
}

/**
 * Payload of `payload_attestation_message`: a vote on the presence of a payload passed gossip
 * validation. The version is `"gloas"` where a node sent the vote bare.
 */
export type PayloadAttestationMessageEvent = ForkVersioned<
  PayloadAttestationMessage
>;

export const execution_payload = defineTopic({
  topic: "execution_payload",
  payload: object<ExecutionPayloadEvent>({
    slot: uint,
    builder_index: uint64,
    block_hash: root,
    block_root: root,
    execution_optimistic: optimistic,
  }),
  slot: ({ slot }) => slot,
  identity: { allBut: ["execution_optimistic"] },
});

export const execution_payload_gossip = defineTopic({
  topic: "execution_payload_gossip",
  payload: object<ExecutionPayloadGossipEvent>({
    slot: uint,
    builder_index: uint64,
    block_hash: root,
    block_root: root,
  }),
  slot: ({ slot }) => slot,
  identity: { allBut: [] },
});

export const execution_payload_available = defineTopic({
  topic: "execution_payload_available",
  payload: object<ExecutionPayloadAvailableEvent>({
    slot: uint,
    block_root: root,
  }),
  slot: ({ slot }) => slot,
  identity: { allBut: [] },
});

export const execution_payload_bid = defineTopic({
  topic: "execution_payload_bid",
  payload: versioned(
    object<SignedExecutionPayloadBid>({
      message: object<ExecutionPayloadBid>({
        parent_block_hash: root,
        parent_block_root: root,
        block_hash: root,
        prev_randao: root,
        fee_recipient: address,
        gas_limit: uint64,
        builder_index: uint64,
        slot: uint,
        value: uint64,
        execution_payment: uint64,
        blob_kzg_commitments: list(pubkey),
        execution_requests_root: optional(root),
      }),
      signature,
    }),
    (value) => gloasIfAny(value, "message", "signature"),
  ),
  slot: ({ data }) => data.message.slot,
  identity: { allBut: ["version", "execution_requests_root"] },
});

export const payload_attestation_message = defineTopic({
  topic: "payload_attestation_message",
  payload: versioned(
    object<PayloadAttestationMessage>({
      validator_index: uint,
      data: object<PayloadAttestationData>({
        beacon_block_root: root,
        slot: uint,
        payload_present: boolean,
        blob_data_available: boolean,
      }),
      signature,
    }),
    (value) => gloasIfAny(value, "validator_index", "signature"),
  ),
  slot: ({ data }) => data.data.slot,
  identity: { allBut: ["version"] },
});

/**
 * Of a payload without its envelope. Only gloas nodes sent such, before
 * https://github.com/ethereum/beacon-APIs/pull/587 reached them, so the fork is known.
 */
function gloasIfAny(value: JsonObject, ...names: string[]): string | undefined {
  return names.some((name) => name in value) ? "gloas" : undefined;
}
