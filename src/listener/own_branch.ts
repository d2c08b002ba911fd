/** The branch of a node, as its own heads have told it. */

import type { ChainReorgEvent } from "../beacon/topics/chain_reorg.ts";
import type { KnownHead } from "./branch_walk.ts";

/**
 * The latest heads of a node, each an ancestor of the next. A node may forget a block that is on no
 * branch any more; what the block's ancestors were is still known here.
 */
export class OwnBranch {
  #heads: KnownHead[] = [];

  /** The heads, in order of slot. */
  get heads(): readonly KnownHead[] {
    return this.#heads;
  }

  /** The node has told of a head; its branch goes on, or goes back to an earlier one. */
  add({ slot, root }: KnownHead): void {
    const heads = this.#heads;
    while (heads.length > 0 && heads.at(-1)!.slot >= slot) heads.pop();
    if (heads.length === CAPACITY) heads.shift();
    heads.push({ slot, root });
  }

  /** The node has changed its branch; some clients say so behind the new head, others before it. */
  cut({ slot, depth, new_head_block }: ChainReorgEvent): void {
    this.#heads = this.#heads.filter((head) =>
      head.slot <= slot - depth || head.root === new_head_block
    );
  }
}

/** Two epochs of mainnet, as far as a recovery goes back. */
const CAPACITY = 64;
