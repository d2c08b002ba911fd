/**
 * The head of all nodes together. A node that lags behind, or starts over after a restart, reports
 * heads of the past; delivered, they would move the merged head backwards.
 */
export class MergedHead {
  #slot = -1;

  /** -1 where there is no head yet. */
  get slot(): number {
    return this.#slot;
  }

  /**
   * Compares a node's head with the merged one. An older head is accepted only if no other node is
   * at the merged head, and this node was there, as after a reorg that all nodes have made, or is
   * far behind and will not be there soon. Until then the node is behind.
   *
   * @param node What is known of the node; is brought up to date.
   * @param currentSlot The slot by the clock. A head from the future is delivered, but does not
   * lead: one node's false report must not make the others' heads look old.
   * @param far How many slots behind is far.
   * @param isHeld Whether another node's head is of that slot or a later one.
   */
  place(
    node: ComparedNode,
    slot: number,
    currentSlot: number,
    far: number,
    isHeld: (slot: number) => boolean,
  ): HeadPlace {
    if (slot > currentSlot) return "leading";
    const last = node.comparedSlot;
    node.comparedSlot = slot;
    const merged = this.#slot;
    const isComing = last < merged && slot >= merged - far;
    if (slot < merged && (isComing || isHeld(merged))) {
      this.fallBehind(node, slot);
      return "behind";
    }
    this.#slot = slot;
    if (slot > node.behindUntil) {
      node.behindUntil = -1;
      return "leading";
    }
    // It may report the same head twice, as head and as head_v2.
    node.behindUntil = Math.min(node.behindUntil, slot);
    return "caught up";
  }

  fallBehind(node: ComparedNode, slot: number): void {
    node.comparedSlot = slot;
    node.behindUntil = Infinity;
  }
}

export interface ComparedNode {
  /** Slot of the node's last head that was compared; -1 where there is none. */
  comparedSlot: number;
  /** Up to this slot the node may repeat what was delivered already. */
  behindUntil: number;
}

/** What a node's head is to the merged one. */
export type HeadPlace =
  /** The merged head from now on, if it is not that already. */
  | "leading"
  /** The same, from a node that was behind and so may repeat what was delivered. */
  | "caught up"
  /** Older, and not to be delivered. */
  | "behind";
