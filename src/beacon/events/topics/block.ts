/** Topic `block`: fork choice imported a block. */

import * as v from "@valibot/valibot";
import { flatReader } from "../flat_payload.ts";
import { optimistic, root, uint } from "../schema.ts";

/** Payload of `block`: fork choice imported a block. */
export interface BlockEvent {
  /** Slot of the block. */
  readonly slot: number;
  /** Root of the block. */
  readonly block: string;
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Schema of {@linkcode BlockEvent}. */
export const blockSchema: v.GenericSchema<unknown, BlockEvent> = v.object({
  slot: uint,
  block: root,
  execution_optimistic: optimistic,
});

/** Reads the usual form from its text; `undefined` leaves it to {@linkcode blockSchema}. */
export const readBlock: (raw: string) => BlockEvent | undefined = flatReader<
  BlockEvent
>(
  { slot: "uint", block: "root", execution_optimistic: "boolean" },
  ({ slot, block, execution_optimistic }) => ({
    slot,
    block,
    execution_optimistic,
  }),
);
