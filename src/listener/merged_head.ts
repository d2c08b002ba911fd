/**
 * The head of all nodes together. A node that lags behind, or begins anew after a restart, tells of
 * heads that are past; handed on, they would move the merged head backwards.
 */
export class MergedHead {
  #slot = -1;
  /** The nodes whose last head was older than the merged one. */
  readonly #behind = new Set<number>();

  /**
   * Where a node's head stands. Older than the merged head is news only if no other node is at the
   * merged head any more, as after a reorg that all have made; until then the node is behind.
   *
   * @param node Index of the node.
   * @param slot Slot of its head.
   * @param currentSlot The slot by the clock. A head from the future is handed on, but does not
   * lead: one node's lie must not make the others' heads look old.
   * @param isHeld Whether another node's head is of that slot or a later one.
   */
  place(
    node: number,
    slot: number,
    currentSlot: number,
    isHeld: (slot: number) => boolean,
  ): HeadPlace {
    if (slot > currentSlot) return "news";
    if (slot < this.#slot && isHeld(this.#slot)) {
      this.#behind.add(node);
      return "behind";
    }
    this.#slot = slot;
    return this.#behind.delete(node) ? "caught up" : "news";
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
