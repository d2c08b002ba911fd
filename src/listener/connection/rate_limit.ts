/** Lets a warning of each kind through once in a while, so that a broken node cannot flood a log. */
export class RateLimit {
  readonly #now: () => number;
  readonly #lastAt = new Map<string, number>();

  /** @param now Wall clock, Unix time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether a warning of this kind may be given now. Kinds must be few. */
  allows(kind: string): boolean {
    const now = this.#now();
    const last = this.#lastAt.get(kind);
    if (last !== undefined && now >= last && now - last < INTERVAL_MS) {
      return false;
    }
    this.#lastAt.set(kind, now);
    return true;
  }
}

const INTERVAL_MS = 10_000;
