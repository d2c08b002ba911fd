/** Plays the schedule of a simulated chain: the past at once, the present by the clock. */

import type { ChainEvents } from "./chain_events.ts";
import { type NodeClock, type SimulatedClock, sleep } from "../node/clock.ts";
import { seededWords } from "./random.ts";
import type { SimulatedBlock, SimulatedChain } from "./simulated_chain.ts";
import {
  AGGREGATE_DUE_BPS,
  ATTESTATION_DUE_BPS,
  type SlotSchedule,
} from "./slot_schedule.ts";

/** Attestations of a slot come in so many bursts, over a tenth of the slot. */
const BURSTS = 16;

/** A chain up to this many slots long is built from its genesis. */
const REPLAYED_SLOTS = 8_192;

/** What the chain is played with. */
export interface SlotPlayerParts {
  /** What time it is. */
  clock: SimulatedClock;
  /** The slots. */
  slots: NodeClock;
  /** The chain to build. */
  chain: SimulatedChain;
  /** What happens in each slot. */
  schedule: SlotSchedule;
  /** Where its events go. */
  events: ChainEvents;
  /** Decides the content of attestations. */
  seed: number;
  /** How many attestations of each kind come in a slot. */
  attestationsPerSlot: number;
  /** How late the node receives each block, in milliseconds. */
  lagMs: number;
  /** Names the blocks of a branch that only this node follows; `undefined` where it follows the schedule. */
  ownBranch: () => string | undefined;
}

/** A moment of a slot and what happens then. */
interface Moment {
  at: number;
  act: () => void;
}

/** Lets the chain grow by its schedule. */
export class SlotPlayer {
  readonly #parts: SlotPlayerParts;
  /** Head of the scheduled branch, while the node is on one of its own. */
  #scheduled: SimulatedBlock | undefined;

  constructor(parts: SlotPlayerParts) {
    this.#parts = parts;
  }

  /** Begins again, as the chain does. */
  forget(): void {
    this.#scheduled = undefined;
  }

  /** Builds the blocks after the head up to a slot, at once and without events. */
  replay(upTo: number): void {
    const { chain } = this.#parts;
    for (let slot = chain.head.slot + 1; slot <= upTo; slot++) {
      const block = this.#propose(slot, chain.head);
      if (block) chain.setHead(block);
    }
  }

  /** Plays slot after slot by the clock until the signal aborts. */
  async play(from: number, signal: AbortSignal): Promise<void> {
    const { clock, slots, lagMs } = this.#parts;
    const lag = lagMs / slots.slotDurationMs;
    try {
      for (let slot = from;; slot++) {
        // Lets others run, also where the clock is ahead and nothing is waited for.
        await sleep(clock, 0, signal);
        slot = Math.max(slot, slots.resumedAt);
        for (const { at, act } of this.#moments(slot)) {
          await slots.until(slot, at + lag, signal);
          act();
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #moments(slot: number): Moment[] {
    const { chain, schedule, events } = this.#parts;
    const { moments: { gossip, import: imported, head } } = schedule.plan(slot);
    let block: SimulatedBlock | undefined;
    let headBefore: SimulatedBlock;
    const moments: Moment[] = [{
      at: gossip,
      act: () => {
        headBefore = chain.head;
        block = this.#next(slot);
        if (block) events.gossip(block);
      },
    }, {
      at: imported,
      act: () => {
        for (const missed of this.#missed(block)) events.imported(missed);
        if (block) events.imported(block);
      },
    }, {
      at: head,
      // Where a script has moved the head meanwhile, its choice stands.
      act: () => block && chain.head === headBefore && events.head(block),
    }];
    return [...moments, ...this.#attestationMoments(slot)].sort((a, b) =>
      a.at - b.at
    );
  }

  /** The block of a slot as this node sees it: of the scheduled branch, or of its own. */
  #next(slot: number): SimulatedBlock | undefined {
    const { chain, ownBranch } = this.#parts;
    const name = ownBranch();
    const scheduled = this.#propose(slot, this.#scheduled ?? chain.head);
    if (name === undefined) {
      if (scheduled) this.#scheduled = undefined;
      return scheduled;
    }
    this.#scheduled = scheduled ?? this.#scheduled ?? chain.head;
    return chain.head.slot < slot
      ? chain.add(slot, chain.head, name)
      : undefined;
  }

  /** What a block builds on and the node does not have yet, as it was on a branch of its own. */
  #missed(block: SimulatedBlock | undefined): SimulatedBlock[] {
    const { chain } = this.#parts;
    const missed: SimulatedBlock[] = [];
    if (!block) return missed;
    const { slot } = chain.commonAncestor(block, chain.head);
    for (
      let parent = chain.byRoot(block.parentRoot);
      parent && parent.slot > slot;
      parent = chain.byRoot(parent.parentRoot)
    ) missed.unshift(parent);
    return missed;
  }

  #attestationMoments(slot: number): Moment[] {
    const { events, seed, attestationsPerSlot } = this.#parts;
    const next = seededWords(seed, "attestations", slot);
    const moments: Moment[] = [];
    for (let burst = 0; burst < BURSTS; burst++) {
      const first = Math.floor(attestationsPerSlot * burst / BURSTS);
      const count = Math.floor(attestationsPerSlot * (burst + 1) / BURSTS) -
        first;
      const spread = burst / BURSTS / 10;
      if (count > 0) {
        moments.push({
          at: ATTESTATION_DUE_BPS / 10_000 + spread,
          act: () => events.singleAttestations(slot, first, count, next),
        }, {
          at: AGGREGATE_DUE_BPS / 10_000 + spread,
          act: () => events.attestations(slot, count, next),
        });
      }
    }
    return moments;
  }

  /** The scheduled block of a slot on a branch, if there is one and the branch is not there yet. */
  #propose(slot: number, tip: SimulatedBlock): SimulatedBlock | undefined {
    const { chain, schedule } = this.#parts;
    const { proposed, reorgDepth } = schedule.plan(slot);
    const { block: final } = chain.finalized;
    // Nothing leads back from a branch of its own that was finalized.
    if (chain.ancestorAt(tip, final.slot) !== final) tip = chain.head;
    if (!proposed || tip.slot >= slot) return undefined;
    return chain.add(slot, this.#parent(slot, reorgDepth, tip), "0");
  }

  /** The tip of the branch, or where a reorg is planned the block to branch off at. */
  #parent(
    slot: number,
    reorgDepth: number,
    tip: SimulatedBlock,
  ): SimulatedBlock {
    const { chain } = this.#parts;
    if (reorgDepth === 0) return tip;
    const planned = chain.ancestorAt(tip, slot - reorgDepth);
    // After empty slots that may still be the tip: then one block more.
    const parent = planned === tip
      ? chain.ancestorAt(tip, tip.slot - 1)
      : planned;
    return parent.slot >= chain.finalized.block.slot ? parent : tip;
  }
}

/**
 * The slot to build a chain from, 0 being genesis: for a long chain one that
 * nodes which start at about the same time have in common.
 */
export function anchorSlotFor(slot: number): number {
  const step = REPLAYED_SLOTS / 2;
  return slot <= REPLAYED_SLOTS ? 0 : Math.floor(slot / step) * step - step;
}
