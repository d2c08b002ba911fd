/**
 * The head of all nodes together. A node that lags behind, or begins anew after a restart, tells of
 * heads that are past; handed on, they would move the merged head backwards.
 */
export class MergedHead {
  #slot = -1;
  /** The slot of each node's last head. */
  readonly #last = new Map<string, number>();
  /** The nodes that were behind, and up to which slot they may tell again what was told. */
  readonly #behind = new Map<string, number>();

  /**
   * Where a node's head stands. Older than the merged head is news only from a node that was at the
   * merged head itself, when no other node is there any more, as after a reorg that all have made.
   * Until then the node is behind.
   *
   * @param node Name of the node.
   * @param slot Slot of its head.
   * @param currentSlot The slot by the clock. A head from the future is handed on, but does not
   * lead: one node's lie must not make the others' heads look old.
   * @param isHeld Whether another node's head is of that slot or a later one.
   */
  place(
    node: string,
    slot: number,
    currentSlot: number,
    isHeld: (slot: number) => boolean,
  ): HeadPlace {
    if (slot > currentSlot) return "news";
    const last = this.#last.get(node) ?? -1;
    this.#last.set(node, slot);
    if (slot < this.#slot && (last < this.#slot || isHeld(this.#slot))) {
      this.#behind.set(node, Infinity);
      return "behind";
    }
    this.#slot = slot;
    const until = this.#behind.get(node) ?? -1;
    if (slot > until) {
      this.#behind.delete(node);
      return "news";
    }
    // It may tell of the same head twice, as head and as head_v2.
    this.#behind.set(node, Math.min(until, slot));
    return "caught up";
  }

  /** Forgets where a node's head was. */
  forget(node: string): void {
    this.#last.delete(node);
    this.#behind.delete(node);
  }
}

/** What a node's head is to the merged one. */
export type HeadPlace =
  /** The merged head from now on, if it is not that already. */
  | "news"
  /** The same, from a node that was behind and so may tell again what was told. */
  | "caught up"
  /** Not to be handed on. */
  | "behind";
