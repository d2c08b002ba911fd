/** Plays the schedule of a simulated chain: the past at once, the present by the clock. */

import { delay } from "@std/async/delay";
import type { ChainEvents } from "./chain_events.ts";
import type { NodeClock } from "../node/node_clock.ts";
import { seededWords } from "../node/random.ts";
import type { SimulatedBlock } from "./simulated_block.ts";
import type { SimulatedChain } from "./simulated_chain.ts";
import {
  AGGREGATE_DUE_BPS,
  ATTESTATION_DUE_BPS,
  type SlotPlan,
  type SlotSchedule,
} from "./slot_schedule.ts";

/** Attestations of a slot come in so many bursts, over a tenth of the slot. */
const BURSTS = 16;

/** A chain up to this many slots long is built from its genesis. */
const REPLAYED_SLOTS = 8_192;

/** Options for {@linkcode SlotPlayer}. */
export interface SlotPlayerOptions {
  /** Tells the time. */
  clock: NodeClock;
  /** The chain to build. */
  chain: SimulatedChain;
  /** What happens in each slot. */
  schedule: SlotSchedule;
  /** Who is told. */
  events: ChainEvents;
  /** Decides the content of attestations. */
  seed: number;
  /** How many attestations of each kind come in a slot. */
  attestationsPerSlot: number;
}

/** A moment of a slot and what happens then. */
interface Moment {
  at: number;
  act: () => void;
}

/** Lets the chain grow by its schedule. */
export class SlotPlayer {
  readonly #options: SlotPlayerOptions;

  constructor(options: SlotPlayerOptions) {
    this.#options = options;
  }

  /** Builds the blocks after the head up to a slot, at once and untold. */
  replay(upTo: number): void {
    const { chain, schedule } = this.#options;
    for (let slot = chain.head.slot + 1; slot <= upTo; slot++) {
      const block = this.#propose(slot, schedule.plan(slot));
      if (block) chain.setHead(block);
    }
  }

  /** Plays slot after slot by the clock until the signal aborts. */
  async play(from: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    try {
      for (let slot = from;; slot++) {
        // Lets others run, also where the clock is ahead and nothing is waited for.
        await delay(0, { signal });
        slot = Math.max(slot, clock.resumedAt);
        for (const { at, act } of this.#moments(slot)) {
          await clock.until(slot, at, signal);
          act();
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #moments(slot: number): Moment[] {
    const { chain, schedule, events } = this.#options;
    const plan = schedule.plan(slot);
    let block: SimulatedBlock | undefined;
    let headBefore: SimulatedBlock;
    const moments: Moment[] = [{
      at: plan.moments.gossip,
      act: () => {
        headBefore = chain.head;
        block = this.#propose(slot, plan);
        if (block) events.gossip(block);
      },
    }, {
      at: plan.moments.import,
      act: () => block && events.imported(block),
    }, {
      at: plan.moments.head,
      // Where a script has moved the head meanwhile, its choice stands.
      act: () => block && chain.head === headBefore && events.head(block),
    }];
    return [...moments, ...this.#attestationMoments(slot)].sort((a, b) =>
      a.at - b.at
    );
  }

  #attestationMoments(slot: number): Moment[] {
    const { events, seed, attestationsPerSlot } = this.#options;
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

  /** The planned block of a slot, if there is one and the chain is not there yet. */
  #propose(slot: number, plan: SlotPlan): SimulatedBlock | undefined {
    const { chain } = this.#options;
    if (!plan.proposed || chain.head.slot >= slot) return undefined;
    return chain.add(slot, this.#parent(slot, plan.reorgDepth));
  }

  /** The head, or where a reorg is planned the block to branch off at. */
  #parent(slot: number, reorgDepth: number): SimulatedBlock {
    const { chain } = this.#options;
    const { head, finalized } = chain;
    if (reorgDepth === 0) return head;
    const planned = chain.ancestorAt(head, slot - reorgDepth);
    // After empty slots that may still be the head: then one block more.
    const parent = planned === head
      ? chain.ancestorAt(head, head.slot - 1)
      : planned;
    return parent.slot >= finalized.block.slot ? parent : head;
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
