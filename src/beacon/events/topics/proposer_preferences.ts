/**
 * Topic `proposer_preferences`: a proposer's wishes for its payload passed gossip validation
 * (gloas).
 */

import * as v from "@valibot/valibot";
import { address, root, signature, uint, uint64 } from "../schema.ts";
import { forkVersioned } from "./fork_versioned.ts";

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
export interface ProposerPreferencesEvent {
  /** Fork of the preferences, in lower case. */
  readonly version: string;
  /** The signed preferences. */
  readonly data: SignedProposerPreferences;
}

/** Schema of {@linkcode ProposerPreferencesEvent}. */
export const proposerPreferencesSchema: v.GenericSchema<
  unknown,
  ProposerPreferencesEvent
> = forkVersioned<
  SignedProposerPreferences
>(v.object({
  message: v.object({
    dependent_root: root,
    proposal_slot: uint,
    validator_index: uint,
    fee_recipient: address,
    target_gas_limit: uint64,
  }),
  signature,
}));
