/** Topic `block_gossip`: a block passed gossip validation and is not yet imported. */

import * as v from "@valibot/valibot";
import { flatReader } from "../flat_payload.ts";
import { root, uint } from "../schema.ts";

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

/** Reads the usual form from its text; `undefined` leaves it to {@linkcode blockGossipSchema}. */
export const readBlockGossip: (raw: string) => BlockGossipEvent | undefined =
  flatReader<BlockGossipEvent>(
    { slot: "uint", block: "root" },
    ({ slot, block }) => ({ slot, block }),
  );
