/** Topic `chain_reorg`: the node switched to another branch. */

import * as v from "@valibot/valibot";
import { optimistic, root, uint } from "../schema.ts";

/** Payload of `chain_reorg`: the node switched to another branch. */
export interface ChainReorgEvent {
  /** Slot of the new head. */
  readonly slot: number;
  /**
   * How many slots the switch goes back, to the common ancestor of both branches; never above
   * `slot`.
   */
  readonly depth: number;
  /** Root of the head block that was left. */
  readonly old_head_block: string;
  /** Root of the new head block. */
  readonly new_head_block: string;
  /** Root of the state after the old head block. */
  readonly old_head_state: string;
  /** Root of the state after the new head block. */
  readonly new_head_state: string;
  /** Epoch of `slot`, as the node says; Nimbus leaves it out. */
  readonly epoch?: number;
  /** Whether the new head's execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Schema of {@linkcode ChainReorgEvent}; refuses a depth above the slot. */
export const chainReorgSchema: v.GenericSchema<unknown, ChainReorgEvent> = v
  .pipe(
    v.object({
      slot: uint,
      depth: uint,
      old_head_block: root,
      new_head_block: root,
      old_head_state: root,
      new_head_state: root,
      epoch: v.exactOptional(uint),
      execution_optimistic: optimistic,
    }),
    v.check(
      ({ depth, slot }) => depth <= slot,
      ({ input: { depth, slot } }) =>
        `depth must not exceed slot, got depth ${depth} and slot ${slot}`,
    ),
  );
