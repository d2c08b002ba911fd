/** Reorgs as a scheduler needs them: how far back it must go. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";

/** A node's head moved to another branch. */
export interface ChainReorg {
  /**
   * The epoch that the reorg reaches back to, that of the common ancestor:
   * `floor((slot - depth) / slotsPerEpoch)`. Duties of this epoch and later ones are in doubt.
   */
  epoch: number;
  /** Slot of the new head. */
  slot: number;
  /** How many slots the common ancestor lies back. */
  depth: number;
  /** Root of the head that was left. */
  oldHeadBlock: string;
  /** Root of the head that took its place. */
  newHeadBlock: string;
  /** Name of the node that told of it first. */
  node: string;
  /** When that arrived, Unix time in milliseconds. */
  receivedAt: number;
  /** Present where it was found by asking after a reconnect. */
  recovered?: true;
  /** How many other reorgs this entry stands for, where the subscriber was too slow for them. */
  merged?: number;
}

/** The reorg that a `chain_reorg` event tells of. */
export function toChainReorg(
  event: BeaconEvent<"chain_reorg">,
  slotsPerEpoch: number,
): ChainReorg {
  const { slot, depth, old_head_block, new_head_block } = event.data;
  const reorg: ChainReorg = {
    epoch: Math.floor((slot - depth) / slotsPerEpoch),
    slot,
    depth,
    oldHeadBlock: old_head_block,
    newHeadBlock: new_head_block,
    node: event.node,
    receivedAt: event.receivedAt,
  };
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
