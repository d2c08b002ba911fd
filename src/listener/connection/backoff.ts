/** How one wait is drawn. */
export interface Wait {
  /**
   * Its upper bound: `"growing"` doubles it with each wait, `"steady"` stays at the base and does
   * not count as a failure, `"longest"` is the cap at once.
   *
   * @default {"growing"}
   */
  bound?: "growing" | "steady" | "longest";
  capMs: number;
  leastMs?: number;
}

/**
 * Waits between attempts: exponential with full jitter, so that a thousand listeners that lost the
 * same node do not come back at the same moment.
 */
export class Backoff {
  readonly #random: () => number;
  #baseMs = BASE_MS;
  #failures = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The next wait in milliseconds, never zero. */
  next({ bound = "growing", capMs, leastMs = 0 }: Wait): number {
    const growth = bound === "steady" ? 1 : 2 ** this.#failures++;
    const boundMs = bound === "longest"
      ? capMs
      : Math.min(capMs, this.#baseMs * growth);
    const waitMs = Math.round(this.#random() * boundMs);
    // A user's `random` may return NaN; that must not become a wait of zero.
    const drawnMs = Number.isNaN(waitMs) ? boundMs : waitMs;
    return Math.max(LEAST_WAIT_MS, leastMs, drawnMs);
  }

  /** Starts from the base again, after a connection that was of use. */
  reset(): void {
    this.#failures = 0;
  }

  /** Takes a server's `retry:` as the new base; the cap bounds each wait all the same. */
  setBase(milliseconds: number): void {
    this.#baseMs = Math.max(BASE_MS, milliseconds);
  }
}

const BASE_MS = 1000;
/** Jitter may draw zero; a backoff must prevent a busy loop against a node that refuses. */
const LEAST_WAIT_MS = 100;
