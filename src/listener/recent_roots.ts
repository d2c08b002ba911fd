/** The roots seen lately: at least the last {@linkcode CAPACITY}, at most twice as many. */
export class RecentRoots {
  #latest = new Set<string>();
  #before = new Set<string>();

  /** Whether a root was seen lately. */
  has(root: string): boolean {
    return this.#latest.has(root) || this.#before.has(root);
  }

  /** Remembers a root. */
  add(root: string): void {
    this.#latest.add(root);
    if (this.#latest.size < CAPACITY) return;
    this.#before = this.#latest;
    this.#latest = new Set();
  }
}

/** Two epochs of mainnet, as far as a recovery goes back. */
const CAPACITY = 64;
