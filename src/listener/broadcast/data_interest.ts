/** Which topics' payloads are needed in parsed form; the others are not parsed. */

export class DataInterest {
  /** Subscriptions that want a topic parsed; all topics under `undefined`. */
  readonly #wanting = new Map<string | undefined, number>();

  /**
   * @param topics All topics where `undefined`.
   * @returns A function to call when the subscription ends.
   */
  announce(topics: readonly string[] | undefined): () => void {
    const wanted = topics ?? [undefined];
    for (const topic of wanted) this.#add(topic, 1);
    return () => {
      for (const topic of wanted) this.#add(topic, -1);
    };
  }

  wants(topic: string): boolean {
    return NEEDED.has(topic) || this.#wanting.has(undefined) ||
      this.#wanting.has(topic);
  }

  #add(topic: string | undefined, amount: number): void {
    const sum = (this.#wanting.get(topic) ?? 0) + amount;
    if (sum === 0) this.#wanting.delete(topic);
    else this.#wanting.set(topic, sum);
  }
}

/** Metrics, reorgs, duties and recovery need these. */
const NEEDED = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "chain_reorg",
  "finalized_checkpoint",
]);
