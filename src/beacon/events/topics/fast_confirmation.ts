/** Topic `fast_confirmation`: the fast confirmation rule ran; sent on every run, changed or not. */

import * as v from "@valibot/valibot";
import { root, uint } from "../schema.ts";

/** Payload of `fast_confirmation`: the fast confirmation rule ran. */
export interface FastConfirmationEvent {
  /** Root of the latest confirmed block. */
  readonly block: string;
  /** Slot of the latest confirmed block. */
  readonly slot: number;
  /** Slot at which the rule ran; early Nimbus builds leave it out. */
  readonly current_slot?: number;
}

/** Schema of {@linkcode FastConfirmationEvent}. */
export const fastConfirmationSchema: v.GenericSchema<
  unknown,
  FastConfirmationEvent
> = v.object({
  block: root,
  slot: uint,
  current_slot: v.exactOptional(uint),
});
