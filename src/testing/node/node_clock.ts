/** The slot clock of a simulated node. */

import { delay } from "@std/async/delay";

/** Options for {@linkcode NodeClock}. */
export interface NodeClockOptions {
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Length of a slot in milliseconds. */
  slotDurationMs: number;
}

/** Tells the slot, and waits for moments of slots. */
export class NodeClock {
  /** Unix time of slot 0, in milliseconds. */
  readonly genesisTime: number;
  /** Length of a slot in milliseconds. */
  readonly slotDurationMs: number;
  #skewMs = 0;
  #resumedAt = 0;
  #stepped = new AbortController();

  constructor({ genesisTime, slotDurationMs }: NodeClockOptions) {
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

  /** Sets the clock forward, or back, by so many milliseconds. */
  step(byMs: number): void {
    this.#skewMs += byMs;
    if (byMs > 0) this.#resumedAt = this.slot;
    this.#stepped.abort();
    this.#stepped = new AbortController();
  }

  /** Waits for a moment of a slot, given as a fraction of it; at once if it has passed. */
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
        await delay(wait, { signal: AbortSignal.any([signal, stepped]) });
      } catch (error) {
        if (signal.aborted || !stepped.aborted) throw error;
      }
    }
  }

  #now(): number {
    return Date.now() + this.#skewMs;
  }
}
