/** What a test makes the simulated chain do, besides its schedule. */

import { checkObject } from "../../values/check.ts";
import type { ChainEvents } from "./chain_events.ts";
import type { NodeClock } from "../node/clock.ts";
import type {
  SimulatedBlock,
  SimulatedChain,
  SimulatedReorg,
} from "./simulated_chain.ts";
import type { SlotSchedule } from "./slot_schedule.ts";

/** Options for {@linkcode SimulatedBeaconNode.produceBlock}. */
export interface ProduceBlockOptions {
  /**
   * Slot of the block, after its parent's.
   * @default {the current slot, or the one after the head's if that is later}
   */
  slot?: number;
  /**
   * Root of the block to build on, on any branch. Any other one than the head
   * makes a reorg.
   * @default {the head}
   */
  parent?: string;
  /**
   * When the events come: `false` at the moments of a block in time, `true` at
   * those of one that comes after attestations are due, both counted from the
   * start of the block's slot. Moments that have passed are not waited for.
   * @default {all at once, before the call returns}
   */
  late?: boolean;
}

/** Options for {@linkcode SimulatedBeaconNode.reorg}. */
export interface ReorgOptions {
  /**
   * How many slots below the head the branches part. Where that slot is
   * empty they part at the block before, and the reorg is deeper.
   * @default {1}
   */
  depth?: number;
}

/** What a script moves. */
export interface BlockScriptParts {
  /** The time. */
  slots: NodeClock;
  /** The chain to build. */
  chain: SimulatedChain;
  /** Where its events go. */
  events: ChainEvents;
  /** When a block of a slot comes. */
  schedule: SlotSchedule;
  /** Ends waiting. */
  signal: AbortSignal;
}

/** Blocks and reorgs on demand. */
export class BlockScript {
  readonly #parts: BlockScriptParts;

  constructor(parts: BlockScriptParts) {
    this.#parts = parts;
  }

  /** Adds a block and makes it the head. */
  async produceBlock(options: ProduceBlockOptions): Promise<SimulatedBlock> {
    checkObject("produce a block", "options", options);
    const { chain, events, schedule, slots, signal } = this.#parts;
    const { slot = Math.max(slots.slot, chain.head.slot + 1), late } = options;
    const parent = options.parent === undefined
      ? chain.head
      : chain.byRoot(options.parent);
    if (!parent) {
      throw new RangeError(
        `Cannot produce a block: parent must be the root of a known block, got ${options.parent}`,
      );
    }
    const block = chain.add(slot, parent);
    const moments = late === undefined
      ? undefined
      : schedule.moments(slot, late);
    if (moments) await slots.until(slot, moments.gossip, signal);
    events.gossip(block);
    if (moments) await slots.until(slot, moments.import, signal);
    events.imported(block);
    if (moments) await slots.until(slot, moments.head, signal);
    events.head(block);
    return block;
  }

  /** Throws unless the branches can part so many slots below the head. */
  checkDepth(depth = 1): void {
    const { head, finalized } = this.#parts.chain;
    const most = head.slot - finalized.block.slot;
    if (!Number.isSafeInteger(depth) || depth < 1 || depth > most) {
      throw new RangeError(
        `Cannot reorg: depth must be an integer from 1 to ${most}, below which the chain is final, got ${depth}`,
      );
    }
  }

  /** Replaces the newest blocks by a branch of the same length. */
  reorg(options: ReorgOptions): SimulatedReorg {
    checkObject("reorg", "options", options);
    const { depth = 1 } = options;
    this.checkDepth(depth);
    const { chain, events } = this.#parts;
    const { head } = chain;
    let block = chain.ancestorAt(head, head.slot - depth);
    for (let slot = block.slot + 1; slot <= head.slot; slot++) {
      block = chain.add(slot, block);
      events.gossip(block);
      events.imported(block);
    }
    return events.head(block)!;
  }

  /** Moves the head to a block beside it, and back. */
  flip(): void {
    const { chain, events } = this.#parts;
    const { head } = chain;
    const parent = chain.byRoot(head.parentRoot);
    if (!parent) return;
    const other = chain.add(head.slot, parent, `flip ${events.count}`);
    events.imported(other);
    events.head(other);
    events.head(head);
  }

  /** Reports so many new blocks beside the head. */
  burst(count: number): void {
    const { chain, events } = this.#parts;
    const { head } = chain;
    const parent = chain.byRoot(head.parentRoot);
    if (!parent) return;
    for (let i = 0; i < count; i++) {
      events.gossip(chain.add(head.slot, parent, `burst ${events.count}`));
    }
  }

  /** Reports the blocks of the last slots again, each as if it were the head. */
  catchUp(slots: number): void {
    const { chain, events } = this.#parts;
    const blocks: SimulatedBlock[] = [];
    for (
      let block: SimulatedBlock | undefined = chain.head;
      block && block.slot > chain.head.slot - slots;
      block = chain.byRoot(block.parentRoot)
    ) blocks.unshift(block);
    for (const block of blocks) events.again(block);
  }
}
