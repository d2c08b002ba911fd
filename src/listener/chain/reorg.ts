/** Reorgs as a scheduler needs them: how far back it must go. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";

/** A node's head moved to another branch. */
export interface ChainReorg {
  /**
   * The epoch that the reorg reaches back to, that of the common ancestor. Duties of this epoch and
   * later ones are in doubt. It is the lower of `floor((slot - depth) / slotsPerEpoch)` and the epoch
   * of `ancestorSlot`, since clients count the depth in different ways.
   */
  epoch: number;
  /** Slot of the new head. */
  slot: number;
  /** How many slots the common ancestor lies back, as the node reports it. */
  depth: number;
  /** Slot of the common ancestor, where the node's headers show it. */
  ancestorSlot?: number;
  /** Root of the head that was left. */
  oldHeadBlock: string;
  /** Root of the head that took its place. */
  newHeadBlock: string;
  /** Name of the node that reported it first. */
  node: string;
  /** When that arrived, Unix time in milliseconds. */
  receivedAt: number;
  /** Present where it was found by requests after a reconnect. */
  recovered?: true;
  /** How many other reorgs this entry stands for, where the subscriber was too slow for them. */
  merged?: number;
}

/** @param ancestorSlot Slot of the common ancestor, where it is known. */
export function toChainReorg(
  event: BeaconEvent<"chain_reorg">,
  slotsPerEpoch: number,
  ancestorSlot?: number,
): ChainReorg {
  const { slot, depth, old_head_block, new_head_block } = event.data;
  const reported = Math.max(0, slot - depth);
  const reorg: ChainReorg = {
    epoch: Math.floor(
      Math.min(reported, ancestorSlot ?? reported) / slotsPerEpoch,
    ),
    slot,
    depth,
    oldHeadBlock: old_head_block,
    newHeadBlock: new_head_block,
    node: event.node,
    receivedAt: event.receivedAt,
  };
  if (ancestorSlot !== undefined) reorg.ancestorSlot = ancestorSlot;
  if (event.recovered) reorg.recovered = true;
  return reorg;
}

/**
 * One entry for two, where a queue is full: the one that reaches further back, so that a slow
 * scheduler never misses how far to go.
 */
export function mergeReorgs(
  queued: ChainReorg,
  incoming: ChainReorg,
): ChainReorg {
  const further = incoming.epoch < queued.epoch ? incoming : queued;
  return {
    ...further,
    merged: (queued.merged ?? 0) + (incoming.merged ?? 0) + 1,
  };
}
