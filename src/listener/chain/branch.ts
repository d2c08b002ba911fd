/** The branch of a node, as its own heads have told it. */

import type { KnownHead } from "../recovery/branch_walk.ts";

/**
 * The latest blocks up to a node's head, each the parent of the next. A node may forget a block that
 * is on no branch any more; what the block's ancestors were is still known here.
 */
export class OwnBranch {
  #blocks: KnownHead[] = [];

  /** The blocks, in order of slot. */
  get blocks(): readonly KnownHead[] {
    return this.#blocks;
  }

  /** The node has told of a head; its branch goes on, or goes back to an earlier one. */
  add({ slot, root }: KnownHead): void {
    const blocks = this.#blocks;
    while (blocks.length > 0 && blocks.at(-1)!.slot >= slot) blocks.pop();
    // Not each time, since that moves all of them.
    if (blocks.length === 2 * CAPACITY) blocks.splice(0, CAPACITY);
    blocks.push({ slot, root });
  }

  /**
   * The node has changed its branch, and what is between the ancestor and the new head is not known.
   * Some clients say so behind the new head, others before it.
   */
  cut(newHeadRoot: string): void {
    this.#blocks = this.#blocks.filter(({ root }) => root === newHeadRoot);
  }

  /** The headers have told how the branch goes on from an ancestor. */
  follow(ancestor: KnownHead, blocks: readonly KnownHead[]): void {
    const last = blocks.at(-1) ?? ancestor;
    this.#blocks = [
      ...this.#blocks.filter(({ slot }) => slot <= ancestor.slot),
      ...blocks.map(({ slot, root }) => ({ slot, root })),
      ...this.#blocks.filter(({ slot }) => slot > last.slot),
    ].slice(-CAPACITY);
  }

  /** Something is missing before the node's head. */
  restart(head: KnownHead | undefined): void {
    this.#blocks = [];
    if (head !== undefined) this.add(head);
  }
}

/** Two epochs of mainnet, as far as a recovery goes back. */
const CAPACITY = 64;
