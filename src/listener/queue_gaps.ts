/** What subscribers of events lost because they were too slow, told as gaps. */

import type { Lifecycle } from "./lifecycle.ts";

/** Gathers losses, so that a burst of them is told as one gap. */
export class QueueGaps {
  readonly #lifecycle: Lifecycle;
  #from = Infinity;
  #to = -Infinity;
  #count = 0;
  readonly #topics = new Set<string>();
  #toldAt = -Infinity;

  /** @param lifecycle Where gaps are told. */
  constructor(lifecycle: Lifecycle) {
    this.#lifecycle = lifecycle;
  }

  /**
   * While an event was handed on, a subscriber lost an older one.
   *
   * @param slot Slot of the event that was handed on, if it has one.
   * @param topic Its topic.
   * @param count How many subscribers lost one.
   * @param at When it arrived, Unix time in milliseconds.
   */
  add(
    slot: number | undefined,
    topic: string,
    count: number,
    at: number,
  ): void {
    this.#from = Math.min(this.#from, slot ?? Infinity);
    this.#to = Math.max(this.#to, slot ?? -Infinity);
    this.#topics.add(topic);
    this.#count += count;
    if (Math.abs(at - this.#toldAt) < INTERVAL_MS || this.#to === -Infinity) {
      return;
    }
    this.#toldAt = at;
    this.#lifecycle.gap(undefined, {
      kind: "queue",
      from: this.#from,
      to: this.#to,
      topics: [...this.#topics],
      count: this.#count,
    });
    this.#from = Infinity;
    this.#to = -Infinity;
    this.#count = 0;
    this.#topics.clear();
  }
}

const INTERVAL_MS = 1000;
