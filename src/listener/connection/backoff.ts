/** Options for {@linkcode Backoff}. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. */
  baseMs: number;
  /** Upper bound of every wait, in milliseconds. */
  capMs: number;
  /** Uniform in [0, 1). */
  random: () => number;
}

/**
 * Waits between attempts: exponential with full jitter, so that a thousand listeners that lost the
 * same node do not come back at the same moment.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #baseMs: number;
  #attempts = 0;

  /** @param options Bounds and chance. */
  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#baseMs = options.baseMs;
  }

  /** The next wait in milliseconds: up to base × 2ⁿ or the cap, never zero. */
  next(): number {
    return this.#wait(
      Math.min(this.#options.capMs, this.#baseMs * 2 ** this.#attempts++),
    );
  }

  /** A wait as after many failures, for what will hardly mend itself soon. */
  nextAtCap(): number {
    this.#attempts++;
    return this.#wait(this.#options.capMs);
  }

  /** Begins anew, after a connection that was of use. */
  reset(): void {
    this.#attempts = 0;
  }

  /** Takes a server's `retry:` as the new base, within the bounds. */
  setBase(milliseconds: number): void {
    const { baseMs, capMs } = this.#options;
    this.#baseMs = Math.min(capMs, Math.max(baseMs, milliseconds));
  }

  #wait(boundMs: number): number {
    const waitMs = Math.round(this.#options.random() * boundMs);
    // A `random` of the user's that draws no number must not make the wait none.
    return Number.isNaN(waitMs) ? boundMs : Math.max(LEAST_WAIT_MS, waitMs);
  }
}

/** Jitter may draw zero; a busy loop against a node that refuses is what a backoff is there to prevent. */
const LEAST_WAIT_MS = 100;
