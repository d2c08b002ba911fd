/** What happens in each slot, and when: decided by a seed, slot by slot. */

import { seededFractions } from "./random.ts";

/** Attestations are due at 3333 of 10,000 parts of a slot (`ATTESTATION_DUE_BPS`). */
export const ATTESTATION_DUE_BPS = 3333;
/** Aggregated attestations are due at 6667 of 10,000 parts of a slot (`AGGREGATE_DUE_BPS`). */
export const AGGREGATE_DUE_BPS = 6667;

/** When the node sees a block, as fractions of the slot. */
export interface BlockMoments {
  /** The block passes the gossip checks (`block_gossip`). */
  gossip: number;
  /** The block is imported (`block`). */
  import: number;
  /** The block becomes the head (`head`). */
  head: number;
}

/** What happens in one slot. */
export interface SlotPlan {
  /** Whether a block is proposed. */
  proposed: boolean;
  /** How many slots back the block branches off; 0: it builds on the head. */
  reorgDepth: number;
  /** When its events come. */
  moments: BlockMoments;
}

/** Options for {@linkcode SlotSchedule}. */
export interface SlotScheduleOptions {
  /** Decides everything. */
  seed: number;
  /** Share of slots without a block, 0 to 1. */
  emptySlotRate: number;
  /** Share of blocks that come after attestations are due, 0 to 1. */
  lateBlockRate: number;
  /** Share of blocks that do not build on the head, 0 to 1. */
  reorgRate: number;
  /** Most slots that such a block branches off below itself, at least 2. */
  maxReorgDepth: number;
}

/** The plan of every slot; the same seed gives the same plans, in any order. */
export class SlotSchedule {
  readonly #options: SlotScheduleOptions;

  constructor(options: SlotScheduleOptions) {
    this.#options = options;
  }

  /** The plan of a slot. */
  plan(slot: number): SlotPlan {
    const { seed, emptySlotRate, lateBlockRate, reorgRate, maxReorgDepth } =
      this.#options;
    // Always drawn in this order, so that no rate changes what another one decides.
    const next = seededFractions(seed, "plan", slot);
    const proposed = next() >= emptySlotRate;
    const late = next() < lateBlockRate;
    const reorgs = next() < reorgRate;
    // Half of them 2 slots deep, a quarter 3, an eighth 4, as far as allowed.
    const depth = Math.min(
      maxReorgDepth,
      2 + Math.floor(-Math.log2(1 - next())),
    );
    return {
      proposed,
      reorgDepth: reorgs ? depth : 0,
      moments: this.moments(slot, late),
    };
  }

  /** When the events of a slot's block come, for a block in time or a late one. */
  moments(slot: number, late: boolean): BlockMoments {
    const next = seededFractions(this.#options.seed, "moments", slot);
    const gossip = late
      ? between(next(), 0.4, 0.7)
      : between(next(), 0.08, 0.2);
    const imported = gossip + between(next(), 0.02, 0.1);
    return {
      gossip,
      import: imported,
      head: imported + between(next(), 0.005, 0.02),
    };
  }
}

function between(fraction: number, from: number, to: number): number {
  return from + fraction * (to - from);
}
