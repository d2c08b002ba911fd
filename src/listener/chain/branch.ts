/** The branch of the chain that a node is on, as far as its own reports show it. */

export interface KnownBlock {
  slot: number;
  root: string;
  /** Root of the block before it, where a header has shown it. */
  parentRoot?: string;
}

/**
 * The latest blocks up to a node's head, in order of slot. A node may forget a block that is on no
 * branch any more; its ancestors are still known here.
 */
export class Branch {
  #blocks: KnownBlock[] = [];
  /** The branch before the last switch, or before events may have been missed. */
  #left: readonly KnownBlock[] = [];
  /** Whether the node has switched since then. */
  #hasSwitched = false;

  has(root: string): boolean {
    return this.#blocks.some((block) => block.root === root);
  }

  /** The blocks up to one of them, also on the branch that the node left last. */
  upTo(root: string): readonly KnownBlock[] {
    for (const blocks of [this.#blocks, this.#left]) {
      // Mostly it is one of the latest.
      const place = blocks.findLastIndex((block) => block.root === root);
      if (place !== -1) return blocks.slice(0, place + 1);
    }
    return [];
  }

  /** The node reports a head: the branch goes on, or goes back to an earlier block. */
  add(head: KnownBlock): void {
    const blocks = this.#blocks;
    const last = blocks.at(-1);
    if (last?.root === head.root) return;
    if (last !== undefined && last.slot >= head.slot) {
      this.#left = blocks;
      this.#set(blocks.filter(({ slot }) => slot < head.slot));
    } // Not each time, since that moves all of them.
    else if (blocks.length === 2 * CAPACITY) blocks.splice(0, CAPACITY);
    this.#blocks.push(head);
  }

  /**
   * The node reports a reorg, and what is between the ancestor and the new head is not known. Some
   * clients report it after the new head, others before it.
   */
  switchTo(newHead: KnownBlock, oldRoot: string): void {
    const blocks = this.#blocks;
    const place = blocks.findIndex(({ root }) => root === newHead.root);
    if (!this.#left.some(({ root }) => root === oldRoot)) {
      this.#left = place === -1 ? blocks : blocks.slice(0, place);
    }
    this.#hasSwitched ||= place === -1;
    this.#set(place === -1 ? [newHead] : blocks.slice(place));
  }

  /**
   * Headers have shown the branch: these blocks, and those above them as they are. They may be from
   * before a switch.
   */
  join(blocks: readonly KnownBlock[]): void {
    if (this.#hasSwitched && !blocks.some(({ root }) => this.has(root))) return;
    this.#hasSwitched = false;
    const top = blocks.at(-1)?.slot ?? -1;
    this.#set([
      ...blocks.map(({ slot, root, parentRoot }) =>
        parentRoot === undefined ? { slot, root } : { slot, root, parentRoot }
      ),
      ...this.#blocks.filter(({ slot }) => slot > top),
    ]);
  }

  /**
   * Events may be missing from now on, so the next head may be on any branch.
   *
   * @returns The blocks until now.
   */
  cut(): readonly KnownBlock[] {
    const blocks = this.#blocks;
    if (blocks.length > 0) this.#left = blocks;
    this.#blocks = [];
    this.#hasSwitched = false;
    return blocks;
  }

  #set(blocks: readonly KnownBlock[]): void {
    this.#blocks = blocks.slice(-CAPACITY);
  }
}

/** Two epochs of mainnet, as far as a recovery goes back. */
const CAPACITY = 64;
