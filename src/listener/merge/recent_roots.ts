/** The roots seen last. Adding one is for every block, looking for one for few. */
export class RecentRoots {
  readonly #roots: string[] = new Array(CAPACITY).fill("");
  #next = 0;

  /** Whether a root was seen lately. */
  has(root: string): boolean {
    return this.#roots.includes(root);
  }

  /** Remembers a root, in place of the oldest. */
  add(root: string): void {
    this.#roots[this.#next] = root;
    this.#next = (this.#next + 1) % CAPACITY;
  }
}

/** Two epochs of mainnet, as far as a recovery goes back. */
const CAPACITY = 64;
