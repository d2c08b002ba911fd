/**
 * Topics `voluntary_exit`, `bls_to_execution_change` and `contribution_and_proof`: messages that
 * validators sign, besides votes.
 */

import { defineTopic, object } from "../members.ts";
import { address, bits, pubkey, root, signature, uint } from "../primitives.ts";

/** A validator's wish to exit. */
export interface VoluntaryExit {
  /** Earliest epoch at which the exit can be processed. */
  readonly epoch: number;
  /** Index of the validator that exits. */
  readonly validator_index: number;
}

/** Payload of `voluntary_exit`: a validator's signed wish to exit passed gossip validation. */
export interface VoluntaryExitEvent {
  /** The exit that is signed. */
  readonly message: VoluntaryExit;
  /** BLS signature of the validator. */
  readonly signature: string;
}

/** A change of withdrawal credentials from a BLS key to an execution address. */
export interface BlsToExecutionChange {
  /** Index of the validator. */
  readonly validator_index: number;
  /** BLS public key that the credentials belong to until now. */
  readonly from_bls_pubkey: string;
  /** Execution address that gets the withdrawals from now on, in lower case. */
  readonly to_execution_address: string;
}

/**
 * Payload of `bls_to_execution_change`: a change of withdrawal credentials passed gossip
 * validation.
 */
export interface BlsToExecutionChangeEvent {
  /** The change that is signed. */
  readonly message: BlsToExecutionChange;
  /** BLS signature by the withdrawal key. */
  readonly signature: string;
}

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

export const voluntary_exit = defineTopic({
  topic: "voluntary_exit",
  payload: object<VoluntaryExitEvent>({
    message: object<VoluntaryExit>({ epoch: uint, validator_index: uint }),
    signature,
  }),
  identity: { allBut: [] },
});

export const bls_to_execution_change = defineTopic({
  topic: "bls_to_execution_change",
  payload: object<BlsToExecutionChangeEvent>({
    message: object<BlsToExecutionChange>({
      validator_index: uint,
      from_bls_pubkey: pubkey,
      to_execution_address: address,
    }),
    signature,
  }),
  identity: { allBut: [] },
});

export const contribution_and_proof = defineTopic({
  topic: "contribution_and_proof",
  payload: object<ContributionAndProofEvent>({
    message: object<ContributionAndProof>({
      aggregator_index: uint,
      contribution: object<SyncCommitteeContribution>({
        slot: uint,
        beacon_block_root: root,
        subcommittee_index: uint,
        aggregation_bits: bits,
        signature,
      }),
      selection_proof: signature,
    }),
    signature,
  }),
  slot: ({ message }) => message.contribution.slot,
  identity: { allBut: [] },
});
