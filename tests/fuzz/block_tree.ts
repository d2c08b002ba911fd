/** All blocks that the nodes of a run had, on all branches, and what follows from the tree. */

import type { SimulatedBlock, SimulatedNode } from "@org/beacon-sse/testing";

/** Remembers blocks for good, also those that a node forgets. */
export class BlockTree {
  readonly #blocks = new Map<string, SimulatedBlock>();

  /** The block with this root, however its digits are written. */
  get(root = ""): SimulatedBlock | undefined {
    return this.#blocks.get(root.toLowerCase());
  }

  /** Takes a block of a node in, with its ancestors. */
  learn(node: SimulatedNode, root: string): void {
    let block = this.get(root) ? undefined : node.block(root);
    while (block && !this.#blocks.has(block.root)) {
      this.#blocks.set(block.root, block);
      block = node.block(block.parentRoot);
    }
  }

  /** The block below another one. */
  parentOf(block: SimulatedBlock): SimulatedBlock | undefined {
    return this.#blocks.get(block.parentRoot);
  }

  /** The latest block of a branch at or before a slot; the oldest one if there is none. */
  ancestorAt(head: SimulatedBlock, slot: number): SimulatedBlock {
    let block = head;
    while (block.slot > slot) {
      const parent = this.parentOf(block);
      if (!parent) break;
      block = parent;
    }
    return block;
  }

  /** Whether a block is on the branch of another one, or is it. */
  isOnBranchOf(block: SimulatedBlock, head: SimulatedBlock): boolean {
    return this.ancestorAt(head, block.slot) === block;
  }

  /** The latest block that is on the branches of both; `undefined` for two chains. */
  commonAncestor(
    one: SimulatedBlock,
    other: SimulatedBlock,
  ): SimulatedBlock | undefined {
    let [low, high]: (SimulatedBlock | undefined)[] = [one, other];
    while (low && high && low !== high) {
      if (low.slot > high.slot) [low, high] = [high, low];
      high = this.parentOf(high);
    }
    return low && high;
  }
}
