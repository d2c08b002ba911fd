/** A tree of blocks that all virtual nodes of a run share, and the questions that one asks of it. */

/** A block of the tree. */
export interface VirtualBlock {
  /** Root, lower-case hex. */
  root: string;
  /** Root of the state behind it. */
  stateRoot: string;
  /** Slot. */
  slot: number;
  /** The block below it; none for the oldest one. */
  parent: VirtualBlock | undefined;
}

/** Grows blocks. */
export class VirtualChain {
  /** The head of the branch that the plan calls canonical. */
  head: VirtualBlock;
  /** Every block there is, by root. */
  readonly blocks: Map<string, VirtualBlock> = new Map();

  /**
   * @param slot Slot of the head.
   * @param history How many blocks there are below it, one in each slot.
   */
  constructor(slot: number, history: number) {
    let block = this.add(slot - history, undefined);
    while (block.slot < slot) block = this.add(block.slot + 1, block);
    this.head = block;
  }

  /** A new block on top of another one. */
  add(slot: number, parent: VirtualBlock | undefined): VirtualBlock {
    const number = this.blocks.size + 1;
    const root = rootOf(number);
    const block = { root, stateRoot: rootOf(number + STATES), slot, parent };
    this.blocks.set(root, block);
    return block;
  }

  /** Grows the canonical branch in a slot, from so many blocks below its head. */
  extend(slot: number, back: number): VirtualBlock {
    let parent = this.head;
    for (let i = 0; i < back && parent.parent !== undefined; i++) {
      parent = parent.parent;
    }
    return this.head = this.add(slot, parent);
  }
}

/** The latest block that is on the branches of both. */
export function commonAncestor(
  one: VirtualBlock,
  other: VirtualBlock,
): VirtualBlock {
  while (one !== other) {
    if (one.slot >= other.slot) one = one.parent!;
    else other = other.parent!;
  }
  return one;
}

/** Whether a block is on the branch of another one, or is it. */
export function isOnBranchOf(block: VirtualBlock, head: VirtualBlock): boolean {
  return ancestorAt(head, block.slot) === block;
}

/** The latest block of a head's branch at or before a slot; the oldest one if there is none. */
export function ancestorAt(head: VirtualBlock, slot: number): VirtualBlock {
  let block = head;
  while (block.slot > slot && block.parent !== undefined) block = block.parent;
  return block;
}

/** Far above every number of a block. */
const STATES = 2 ** 40;

function rootOf(number: number): string {
  // Letters in it, so that a node may write them in upper case.
  return `0xabcdef${number.toString(16).padStart(58, "0")}`;
}
