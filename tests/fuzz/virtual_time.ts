/**
 * Time that passes only when a test lets it, for code that knows of no other clock than the globals:
 * `setTimeout`, `setInterval`, `Date.now`, `performance.now`, `AbortSignal.timeout`, and chance
 * (`Math.random`), which is seeded here so that a run can be repeated.
 *
 * Between two timers there is nothing but promises, and one turn of the real event loop runs all of
 * those: so after each timer one turn is waited for, and the next moment begins.
 */

import type { SimulatedClock } from "@org/beacon-sse/testing";
import { setImmediate } from "node:timers";

/** Options for {@linkcode VirtualTime}. */
export interface VirtualTimeOptions {
  /** Unix time at which it begins, in milliseconds. */
  startAt: number;
  /** Stands in for `Math.random`. */
  random: () => number;
}

/** What is to run at a moment. */
interface Timer {
  id: number;
  at: number;
  /** Whether the code under test has set it, by `setTimeout` or `setInterval`. */
  isForeign: boolean;
  run: () => void;
}

/** Takes the place of the global clocks until it is disposed. */
export class VirtualTime implements Disposable {
  /** What callbacks of timers threw: uncaught exceptions, in real time. */
  readonly errors: unknown[] = [];
  readonly #startAt: number;
  /** Latest first, so that the next one is popped. */
  readonly #timers: Timer[] = [];
  readonly #restore: () => void;
  readonly #onTurn: (() => void)[] = [];
  #now: number;
  #turn = 0;
  #lastId = 0;

  /** @param options When it begins. */
  constructor({ startAt, random }: VirtualTimeOptions) {
    this.#startAt = this.#now = startAt;
    this.#restore = replaceGlobals(this, random);
  }

  /** Unix time in milliseconds. */
  get now(): number {
    return this.#now;
  }

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return this.#now - this.#startAt;
  }

  /** Counts the turns of the event loop: what happens in one turn happens at once. */
  get turn(): number {
    return this.#turn;
  }

  /** The clock of a simulated node, on the harness's own account. */
  get clock(): SimulatedClock {
    return {
      now: () => this.#now,
      setTimeout: (run, ms) => this.add(ms, false, run),
      clearTimeout: (timer) => this.remove(timer as number),
    };
  }

  /** Calls back at the end of each turn. */
  onTurn(run: () => void): void {
    this.#onTurn.push(run);
  }

  /** How many timers the code under test has set that have neither fired nor been cleared. */
  get foreignTimers(): number {
    return this.#timers.filter(({ isForeign }) => isForeign).length;
  }

  /** Runs something later, on the harness's own account. Returns what cancels it. */
  after(ms: number, run: () => void): () => void {
    const id = this.add(ms, false, run);
    return () => this.remove(id);
  }

  /** Resolves later, on the harness's own account. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Sets a timer; those of one moment run in the order in which they were set. */
  add(ms: number, isForeign: boolean, run: () => void): number {
    const id = ++this.#lastId;
    this.#insert({ id, at: this.#now + clampDelay(ms), isForeign, run });
    return id;
  }

  /** Sets a timer that is set again each time it fires, under the same number. */
  addRepeated(ms: number, run: () => void): number {
    const period = Math.max(1, clampDelay(ms));
    const id = ++this.#lastId;
    const arm = () => {
      const at = this.#now + period;
      this.#insert({ id, at, isForeign: true, run: () => (arm(), run()) });
    };
    arm();
    return id;
  }

  /** Takes a timer out. */
  remove(id: number): void {
    const index = this.#timers.findIndex((timer) => timer.id === id);
    if (index !== -1) this.#timers.splice(index, 1);
  }

  /** Lets so much time pass, each timer in its turn. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.settle();
    for (;;) {
      const next = this.#timers.at(-1);
      if (next === undefined || next.at > until) break;
      this.#timers.pop();
      this.#now = next.at;
      try {
        next.run();
      } catch (error) {
        this.errors.push(error);
      }
      await this.settle();
    }
    this.#now = until;
  }

  /** Lets everything happen that waits for no timer. */
  async settle(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(() => resolve()));
    for (const run of this.#onTurn) run();
    this.#turn++;
  }

  /** Gives the globals back. */
  [Symbol.dispose](): void {
    this.#restore();
  }

  #insert(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#timers[middle]!.at > timer.at) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }
}

const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** As runtimes do: a delay that does not fit into 31 bits is none. */
function clampDelay(ms: number): number {
  return ms > 0 && ms <= LONGEST_DELAY_MS ? Math.ceil(ms) : 0;
}

/** Puts the virtual clock into the globals. Returns what takes it out again. */
function replaceGlobals(time: VirtualTime, random: () => number): () => void {
  const real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  const dateNow = Date.now;
  const mathRandom = Math.random;
  const performanceNow = performance.now;
  const signalTimeout = AbortSignal.timeout;
  const startAt = time.now;

  const clear = (id: unknown) => {
    if (typeof id === "number") time.remove(id);
    // Of a timer from before, which is the real clock's.
    else if (id !== undefined && id !== null) real.clearTimeout(id as number);
  };
  const virtual = {
    setTimeout: (
      run: (...values: unknown[]) => void,
      ms = 0,
      ...values: unknown[]
    ) => time.add(ms, true, () => run(...values)),
    setInterval: (
      run: (...values: unknown[]) => void,
      ms = 0,
      ...values: unknown[]
    ) => time.addRepeated(ms, () => run(...values)),
    clearTimeout: clear,
    clearInterval: clear,
  };
  Object.assign(globalThis, virtual);
  Date.now = () => time.now;
  Math.random = random;
  performance.now = () => time.now - startAt;
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController();
    time.after(
      ms,
      () =>
        controller.abort(new DOMException("Signal timed out.", "TimeoutError")),
    );
    return controller.signal;
  };
  return () => {
    Object.assign(globalThis, real);
    Date.now = dateNow;
    Math.random = mathRandom;
    performance.now = performanceNow;
    AbortSignal.timeout = signalTimeout;
  };
}
