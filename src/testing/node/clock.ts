/** The time of a simulated node: the clock that it is given, and the slots that follow from it. */

/** A clock with timers, the runtime's own or one that a test moves. */
export interface SimulatedClock {
  /** Unix time in milliseconds. */
  now(): number;
  /** Runs something later. */
  setTimeout(run: () => void, ms: number): unknown;
  /** Takes a timer back. */
  clearTimeout(timer: unknown): void;
}

/** The runtime's clock; its globals are looked up at each call, as a test may replace them. */
export const RUNTIME_CLOCK: SimulatedClock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as number),
};

/** Waits so long; rejects when the signal is aborted before. */
export function sleep(
  clock: SimulatedClock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const abort = () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = clock.setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** Waits so long, or as long as the signal is not aborted. */
export async function pause(
  clock: SimulatedClock,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  if (ms < Infinity) return await sleep(clock, ms, signal).catch(() => {});
  if (signal.aborted) return;
  await new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true })
  );
}

/** Options for {@linkcode NodeClock}. */
export interface NodeClockOptions {
  /** What time it is. */
  clock: SimulatedClock;
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Length of a slot in milliseconds. */
  slotDurationMs: number;
}

/** Knows the slot, and waits for moments of slots. */
export class NodeClock {
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Length of a slot in milliseconds. */
  readonly slotDurationMs: number;
  readonly #clock: SimulatedClock;
  #skewMs = 0;
  #resumedAt = 0;
  #stepped = new AbortController();

  constructor({ clock, genesisTime, slotDurationMs }: NodeClockOptions) {
    this.#clock = clock;
    this.genesisTime = genesisTime;
    this.slotDurationMs = slotDurationMs;
  }

  /** The slot that is under way. */
  get slot(): number {
    return Math.floor((this.#now() - this.genesisTime) / this.slotDurationMs);
  }

  /** The slot that was under way after the clock was last set forward: those before were skipped, if it was not there yet. */
  get resumedAt(): number {
    return this.#resumedAt;
  }

  /** Begins again with another genesis. */
  restart(genesisTime: number): void {
    this.genesisTime = genesisTime;
    this.#resumedAt = 0;
  }

  /** Sets the clock forward, or back, by so many milliseconds. */
  step(byMs: number): void {
    this.#skewMs += byMs;
    if (byMs > 0) this.#resumedAt = this.slot;
    this.#stepped.abort();
    this.#stepped = new AbortController();
  }

  /** Waits for a moment of a slot, given as a fraction of it; not at all if it has passed. */
  async until(
    slot: number,
    fraction: number,
    signal: AbortSignal,
  ): Promise<void> {
    const at = this.genesisTime + (slot + fraction) * this.slotDurationMs;
    while (true) {
      const wait = Math.ceil(at - this.#now());
      signal.throwIfAborted();
      if (wait <= 0) return;
      const stepped = this.#stepped.signal;
      try {
        await sleep(this.#clock, wait, AbortSignal.any([signal, stepped]));
      } catch (error) {
        if (signal.aborted || !stepped.aborted) throw error;
      }
    }
  }

  #now(): number {
    return this.#clock.now() + this.#skewMs;
  }
}
