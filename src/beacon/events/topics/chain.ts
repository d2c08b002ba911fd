/**
 * Topics `chain_reorg`, `finalized_checkpoint` and `fast_confirmation`: which branch the node is on,
 * and how much of it is final or confirmed.
 */

import { defineTopic, object, optional } from "../members.ts";
import { optimistic, root, uint } from "../primitives.ts";

/** Payload of `chain_reorg`: the node switched to another branch. */
export interface ChainReorgEvent {
  /** Slot of the new head. */
  readonly slot: number;
  /**
   * How many slots the switch goes back to the common ancestor of both branches. Clients count it
   * from the old head, the new head, the higher of both, or in blocks, so that it may exceed `slot`.
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
  /** Epoch of `slot`, as the node reports it; Nimbus leaves it out. */
  readonly epoch?: number;
  /** Whether the new head's execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Payload of `finalized_checkpoint`: a new checkpoint is final. */
export interface FinalizedCheckpointEvent {
  /** Root of the finalized block. */
  readonly block: string;
  /** Root of the state after it; all zeros where Teku does not know it. */
  readonly state: string;
  /** Epoch of the checkpoint. */
  readonly epoch: number;
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Payload of `fast_confirmation`: the fast confirmation rule ran. */
export interface FastConfirmationEvent {
  /** Root of the latest confirmed block. */
  readonly block: string;
  /** Slot of the latest confirmed block. */
  readonly slot: number;
  /** Slot at which the rule ran; early Nimbus builds leave it out. */
  readonly current_slot?: number;
}

// Its identity has no depth, since clients count that differently.
export const chain_reorg = defineTopic({
  topic: "chain_reorg",
  payload: object<ChainReorgEvent>(
    {
      slot: uint,
      depth: uint,
      old_head_block: root,
      new_head_block: root,
      old_head_state: root,
      new_head_state: root,
      epoch: optional(uint),
      execution_optimistic: optimistic,
    },
    ({ depth, slot }) =>
      depth > slot + MOST_DEPTH_BEYOND_SLOT
        ? `depth must not exceed slot by more than ${MOST_DEPTH_BEYOND_SLOT}, got depth ${depth} and slot ${slot}`
        : undefined,
  ),
  slot: ({ slot }) => slot,
  identity: { only: ["slot", "old_head_block", "new_head_block"] },
});

/** An epoch of mainnet: near genesis some nodes count so far beyond it. */
const MOST_DEPTH_BEYOND_SLOT = 32;

export const finalized_checkpoint = defineTopic({
  topic: "finalized_checkpoint",
  payload: object<FinalizedCheckpointEvent>({
    block: root,
    state: root,
    epoch: uint,
    execution_optimistic: optimistic,
  }),
  identity: { only: ["epoch", "block"] },
});

export const fast_confirmation = defineTopic({
  topic: "fast_confirmation",
  payload: object<FastConfirmationEvent>({
    block: root,
    slot: uint,
    current_slot: optional(uint),
  }),
  slot: ({ slot }) => slot,
  identity: { allBut: [] },
});
