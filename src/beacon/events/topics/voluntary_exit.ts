/** Topic `voluntary_exit`: a validator's signed wish to exit passed gossip validation. */

import * as v from "@valibot/valibot";
import { signature, uint } from "../schema.ts";

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

/** Schema of {@linkcode VoluntaryExitEvent}. */
export const voluntaryExitSchema: v.GenericSchema<unknown, VoluntaryExitEvent> =
  v.object({
    message: v.object({ epoch: uint, validator_index: uint }),
    signature,
  });
