/**
 * The head of all nodes together. A node that lags behind tells of heads that are past; handed on,
 * they would move the merged head backwards.
 */
export class MergedHead {
  #leader = -1;
  #slot = -1;

  /**
   * Tells whether a node's head is to be handed on: it is not older than the merged head, or the
   * node that told that one has itself gone back, as in a reorg.
   *
   * @param node Index of the node.
   * @param slot Slot of its head.
   * @param currentSlot The slot by the clock. A head from the future is handed on, but does not
   * lead: one node's lie must not make the others' heads look old.
   */
  accepts(node: number, slot: number, currentSlot: number): boolean {
    if (slot > currentSlot) return true;
    if (slot < this.#slot && node !== this.#leader) return false;
    this.#leader = node;
    this.#slot = slot;
    return true;
  }
}
