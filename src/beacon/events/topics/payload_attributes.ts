/** Topic `payload_attributes`: the node has new attributes for building an execution payload. */

import * as v from "@valibot/valibot";
import { address, root, uint, uint64 } from "../schema.ts";
import { forkVersioned } from "./fork_versioned.ts";

/** A withdrawal that the payload must contain. */
export interface Withdrawal {
  /** Running number of the withdrawal, a decimal uint64. */
  readonly index: string;
  /** Index of the validator. */
  readonly validator_index: number;
  /** Execution address that is paid, in lower case. */
  readonly address: string;
  /** Amount in Gwei, a decimal uint64. */
  readonly amount: string;
}

/** What the execution client is told about the payload to build. */
export interface PayloadAttributes {
  /** Unix time of the payload, in seconds. */
  readonly timestamp: number;
  /** RANDAO mix of the payload. */
  readonly prev_randao: string;
  /**
   * Execution address for the fees, in lower case; what the node is configured with, often not the
   * proposer's.
   */
  readonly suggested_fee_recipient: string;
  /** Withdrawals that the payload must contain; since capella. */
  readonly withdrawals?: readonly Withdrawal[];
  /** Root of the parent block; since deneb. */
  readonly parent_beacon_block_root?: string;
}

/** Attributes for a payload, with its slot, proposer and parent. */
export interface PayloadAttributesData {
  /** Validator index of the proposer. */
  readonly proposer_index: number;
  /** Slot for which a block may be built. */
  readonly proposal_slot: number;
  /** Root of the parent block. */
  readonly parent_block_root: string;
  /** Hash of the parent's execution block. */
  readonly parent_block_hash: string;
  /** Number of the parent's execution block; until fulu. */
  readonly parent_block_number?: number;
  /** What the execution client is told. */
  readonly payload_attributes: PayloadAttributes;
}

/**
 * Payload of `payload_attributes`: the node has new attributes for building an execution payload.
 */
export interface PayloadAttributesEvent {
  /** Fork at `proposal_slot`, in lower case (Prysm: fork of the head block). */
  readonly version: string;
  /** The attributes. */
  readonly data: PayloadAttributesData;
}

/** Schema of {@linkcode PayloadAttributesEvent}. */
export const payloadAttributesSchema: v.GenericSchema<
  unknown,
  PayloadAttributesEvent
> = forkVersioned<
  PayloadAttributesData
>(v.object({
  proposer_index: uint,
  proposal_slot: uint,
  parent_block_root: root,
  parent_block_hash: root,
  parent_block_number: v.exactOptional(uint),
  payload_attributes: v.object({
    timestamp: uint,
    prev_randao: root,
    suggested_fee_recipient: address,
    withdrawals: v.exactOptional(v.array(v.object({
      index: uint64,
      validator_index: uint,
      address,
      amount: uint64,
    }))),
    parent_beacon_block_root: v.exactOptional(root),
  }),
}));
