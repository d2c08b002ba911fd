/** Topic `bls_to_execution_change`: a change of withdrawal credentials passed gossip validation. */

import * as v from "@valibot/valibot";
import { address, pubkey, signature, uint } from "../schema.ts";

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

/** Schema of {@linkcode BlsToExecutionChangeEvent}. */
export const blsToExecutionChangeSchema: v.GenericSchema<
  unknown,
  BlsToExecutionChangeEvent
> = v.object({
  message: v.object({
    validator_index: uint,
    from_bls_pubkey: pubkey,
    to_execution_address: address,
  }),
  signature,
});
