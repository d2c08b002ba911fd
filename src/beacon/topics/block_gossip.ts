/** Topic `block_gossip`: a block passed gossip validation and is not yet imported. */

import * as v from "@valibot/valibot";
import { isJsonObject, readRoot, readUint, root, uint } from "../schema.ts";

/** Payload of `block_gossip`: a block passed gossip validation. */
export interface BlockGossipEvent {
  /** Slot of the block. */
  readonly slot: number;
  /** Root of the block. */
  readonly block: string;
}

/** Schema of {@linkcode BlockGossipEvent}. */
export const blockGossipSchema: v.GenericSchema<unknown, BlockGossipEvent> = v
  .object({ slot: uint, block: root });

/** Reads the usual form at once; `undefined` leaves it to {@linkcode blockGossipSchema}. */
export function readBlockGossip(value: unknown): BlockGossipEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const slot = readUint(value.slot);
  const block = readRoot(value.block);
  return slot === undefined || block === undefined
    ? undefined
    : { slot, block };
}
