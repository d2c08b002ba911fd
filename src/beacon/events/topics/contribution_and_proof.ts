/** Topic `contribution_and_proof`: a sync committee contribution passed gossip validation. */

import * as v from "@valibot/valibot";
import { bits, root, signature, uint } from "../schema.ts";

/** Votes of one sync subcommittee, gathered by an aggregator. */
export interface SyncCommitteeContribution {
  /** Slot of the votes. */
  readonly slot: number;
  /** Root of the block that is voted for. */
  readonly beacon_block_root: string;
  /** Index of the subcommittee. */
  readonly subcommittee_index: number;
  /** Members that took part, a bit vector in hex (128 bits on mainnet). */
  readonly aggregation_bits: string;
  /** Aggregate BLS signature of those members. */
  readonly signature: string;
}

/** A contribution with the proof that its sender is an aggregator. */
export interface ContributionAndProof {
  /** Validator index of the aggregator. */
  readonly aggregator_index: number;
  /** The contribution. */
  readonly contribution: SyncCommitteeContribution;
  /** BLS signature that makes the sender an aggregator. */
  readonly selection_proof: string;
}

/** Payload of `contribution_and_proof`: a sync committee contribution passed gossip validation. */
export interface ContributionAndProofEvent {
  /** The contribution and proof that are signed. */
  readonly message: ContributionAndProof;
  /** BLS signature of the aggregator. */
  readonly signature: string;
}

/** Schema of {@linkcode ContributionAndProofEvent}. */
export const contributionAndProofSchema: v.GenericSchema<
  unknown,
  ContributionAndProofEvent
> = v.object({
  message: v.object({
    aggregator_index: uint,
    contribution: v.object({
      slot: uint,
      beacon_block_root: root,
      subcommittee_index: uint,
      aggregation_bits: bits,
      signature,
    }),
    selection_proof: signature,
  }),
  signature,
});
