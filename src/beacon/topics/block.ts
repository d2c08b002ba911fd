/** Topic `block`: fork choice imported a block. */

import * as v from "@valibot/valibot";
import {
  isJsonObject,
  optimistic,
  readOptimistic,
  readRoot,
  readUint,
  root,
  uint,
} from "../schema.ts";

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

/** Reads the usual form at once; `undefined` leaves it to {@linkcode blockSchema}. */
export function readBlock(value: unknown): BlockEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const slot = readUint(value.slot);
  const block = readRoot(value.block);
  const execution_optimistic = readOptimistic(value.execution_optimistic);
  return slot === undefined || block === undefined ||
      execution_optimistic === undefined
    ? undefined
    : { slot, block, execution_optimistic };
}
