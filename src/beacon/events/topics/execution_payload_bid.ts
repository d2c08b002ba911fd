/** Topic `execution_payload_bid`: a builder's bid passed gossip validation (gloas). */

import * as v from "@valibot/valibot";
import { address, pubkey, root, signature, uint, uint64 } from "../schema.ts";
import { forkVersionedOrBare } from "./fork_versioned.ts";

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

/** Payload of `execution_payload_bid`: a builder's bid passed gossip validation. */
export interface ExecutionPayloadBidEvent {
  /** Fork of the bid, in lower case; `"gloas"` where a node sent the bid bare. */
  readonly version: string;
  /** The signed bid. */
  readonly data: SignedExecutionPayloadBid;
}

/** Schema of {@linkcode ExecutionPayloadBidEvent}; a bare bid gets its envelope. */
export const executionPayloadBidSchema: v.GenericSchema<
  unknown,
  ExecutionPayloadBidEvent
> = forkVersionedOrBare<
  SignedExecutionPayloadBid
>(
  v.object({
    message: v.object({
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
      blob_kzg_commitments: v.array(pubkey),
      execution_requests_root: v.exactOptional(root),
    }),
    signature,
  }),
  ["message", "signature"],
);
