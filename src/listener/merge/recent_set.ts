/** The keys seen last, a bounded number of them. */
export class RecentSet {
  readonly #capacity: number;
  readonly #keys = new Set<string>();

  /** @param capacity How many keys are remembered. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  /** Whether a key is remembered. */
  has(key: string): boolean {
    return this.#keys.has(key);
  }

  /** Forgets a key. Returns whether it was remembered. */
  delete(key: string): boolean {
    return this.#keys.delete(key);
  }

  /** Remembers a key as the latest. Returns whether it was not remembered already. */
  add(key: string): boolean {
    const isNew = !this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size > this.#capacity) {
      this.#keys.delete(this.#keys.keys().next().value!);
    }
    return isNew;
  }
}
