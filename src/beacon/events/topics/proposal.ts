/** Topics `payload_attributes` and `proposer_preferences`: what a coming proposal is built from. */

import {
  defineTopic,
  type ForkVersioned,
  list,
  object,
  optional,
  versioned,
} from "../members.ts";
import { address, root, signature, uint, uint64 } from "../primitives.ts";

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

/** The attributes that the execution client gets for the payload to build. */
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
  /** The attributes that the execution client gets. */
  readonly payload_attributes: PayloadAttributes;
}

/**
 * Payload of `payload_attributes`: the node has new attributes for building an execution payload. The
 * version is the fork at `proposal_slot` (Prysm: fork of the head block).
 */
export type PayloadAttributesEvent = ForkVersioned<PayloadAttributesData>;

/** What a proposer wishes of the payload for its slot. */
export interface ProposerPreferences {
  /** Block root that decides the proposer duties of the slot's epoch. */
  readonly dependent_root: string;
  /** Slot of the proposal, up to the end of the next epoch. */
  readonly proposal_slot: number;
  /** Validator index of the proposer. */
  readonly validator_index: number;
  /** Execution address that the proposer is to be paid at, in lower case. */
  readonly fee_recipient: string;
  /** Gas limit that the proposer aims at, a decimal uint64. */
  readonly target_gas_limit: string;
}

/** Preferences signed by their proposer. */
export interface SignedProposerPreferences {
  /** The preferences. */
  readonly message: ProposerPreferences;
  /** BLS signature of the proposer. */
  readonly signature: string;
}

/**
 * Payload of `proposer_preferences`: a proposer's wishes for its payload passed gossip validation.
 */
export type ProposerPreferencesEvent = ForkVersioned<SignedProposerPreferences>;

export const payload_attributes = defineTopic({
  topic: "payload_attributes",
  payload: versioned(object<PayloadAttributesData>({
    proposer_index: uint,
    proposal_slot: uint,
    parent_block_root: root,
    parent_block_hash: root,
    parent_block_number: optional(uint),
    payload_attributes: object<PayloadAttributes>({
      timestamp: uint,
      prev_randao: root,
      suggested_fee_recipient: address,
      withdrawals: optional(list(object<Withdrawal>({
        index: uint64,
        validator_index: uint,
        address,
        amount: uint64,
      }))),
      parent_beacon_block_root: optional(root),
    }),
  })),
  slot: ({ data }) => data.proposal_slot,
  identity: { allBut: ["version", "parent_block_number"] },
});

// They are for a slot up to two epochs ahead, not of it.
export const proposer_preferences = defineTopic({
  topic: "proposer_preferences",
  payload: versioned(object<SignedProposerPreferences>({
    message: object<ProposerPreferences>({
      dependent_root: root,
      proposal_slot: uint,
      validator_index: uint,
      fee_recipient: address,
      target_gas_limit: uint64,
    }),
    signature,
  })),
  identity: { allBut: ["version"] },
});
