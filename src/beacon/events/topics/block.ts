/** Topics `block` and `block_gossip`: a block was imported, or passed gossip validation. */

import { defineTopic, object } from "../members.ts";
import { optimistic, root, uint } from "../primitives.ts";

/** Payload of `block_gossip`: a block passed gossip validation. */
export interface BlockGossipEvent {
  /** Slot of the block. */
  readonly slot: number;
  /** Root of the block. */
  readonly block: string;
}

/** Payload of `block`: fork choice imported a block. */
export interface BlockEvent extends BlockGossipEvent {
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

export const block = defineTopic({
  topic: "block",
  payload: object<BlockEvent>({
    slot: uint,
    block: root,
    execution_optimistic: optimistic,
  }),
  slot: ({ slot }) => slot,
  identity: { only: ["slot", "block"] },
});

export const block_gossip = defineTopic({
  topic: "block_gossip",
  payload: object<BlockGossipEvent>({ slot: uint, block: root }),
  slot: ({ slot }) => slot,
  identity: { only: ["slot", "block"] },
});
