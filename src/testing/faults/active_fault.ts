/** Faults that were caused: what they are, how often they have struck, and the way to end them. */

import type { Fault, FaultOf } from "./fault.ts";

/** A fault that was caused. */
export interface ActiveFault<F extends Fault = Fault> extends Disposable {
  /** The fault as it was given. */
  readonly fault: Readonly<F>;
  /** How often it has struck: requests, streams, connections, or for `malformed` payloads. */
  readonly hits: number;
  /**
   * Waits until it has struck.
   *
   * @param count How often, 1 or more.
   * @throws {Error} It is over before.
   */
  whenHit(count?: number): Promise<void>;
  /** Ends it, if it is not over. Same as leaving `using`. */
  heal(): void;
}

/** An {@linkcode ActiveFault} for those parts that make it happen. */
export class FaultHandle<F extends Fault> implements ActiveFault<F> {
  readonly fault: Readonly<F>;
  readonly #healed = new AbortController();
  readonly #hits = new Occurrences();
  #claims: number;

  /** Up to so many times it may strike. */
  constructor(fault: F, times: number) {
    this.fault = { ...fault };
    this.#claims = times;
  }

  get hits(): number {
    return this.#hits.count;
  }

  /** Aborted when it is healed. */
  get healed(): AbortSignal {
    return this.#healed.signal;
  }

  /** Whether it may strike once more. */
  get isStriking(): boolean {
    return this.#claims > 0 && !this.healed.aborted;
  }

  /** Takes one of its times, for a later {@linkcode hit}; false where none is left. */
  claim(): boolean {
    if (!this.isStriking) return false;
    this.#claims--;
    return true;
  }

  /** Strikes what it was claimed for. */
  hit(): void {
    this.#hits.happen();
  }

  /** Takes one of its times and strikes; false where none is left. */
  strike(): boolean {
    const isStriking = this.claim();
    if (isStriking) this.hit();
    return isStriking;
  }

  /** Heals it where no time is left. */
  healIfSpent(): void {
    if (!this.isStriking) this.heal();
  }

  whenHit(count = 1): Promise<void> {
    return this.#hits.when(count);
  }

  heal(): void {
    this.#healed.abort();
    this.#hits.end(
      new Error(`Cannot wait: the fault ${this.fault.type} is over`),
    );
  }

  [Symbol.dispose](): void {
    this.heal();
  }
}

/** The faults of a node or a proxy, from when they are caused until they are healed. */
export class FaultSet<F extends Fault> {
  readonly #handles = new Set<FaultHandle<F>>();

  /** How many there are. */
  get size(): number {
    return this.#handles.size;
  }

  /** The faults as they were given, oldest first. */
  get faults(): Readonly<F>[] {
    return [...this.#handles].map(({ fault }) => fault);
  }

  /** Adds a fault that strikes as often as it is declared to, or else up to so many times. */
  add<T extends F>(fault: T, atMost = Infinity): FaultHandle<T> {
    const times = "times" in fault ? fault.times ?? atMost : atMost;
    const handle = new FaultHandle(fault, times);
    const member = handle as unknown as FaultHandle<F>;
    this.#handles.add(member);
    handle.healed.addEventListener(
      "abort",
      () => this.#handles.delete(member),
      { once: true },
    );
    return handle;
  }

  /** Those that may strike once more, oldest first. */
  striking(): FaultHandle<F>[] {
    return [...this.#handles].filter(({ isStriking }) => isStriking);
  }

  /** The oldest one of a type that may strike once more. */
  find<T extends F["type"]>(
    type: T,
  ): FaultHandle<FaultOf<F, T>> | undefined {
    for (const handle of this.#handles) {
      if (handle.fault.type === type && handle.isStriking) {
        return handle as unknown as FaultHandle<FaultOf<F, T>>;
      }
    }
  }

  /** Ends all of them. */
  heal(): void {
    for (const handle of this.#handles) handle.heal();
  }
}

/** A count that can be waited for, until nothing more will happen. */
export class Occurrences {
  #count = 0;
  #end: Error | undefined;
  readonly #waiting = new Set<{
    count: number;
    resolve: () => void;
    reject: (error: Error) => void;
  }>();

  /** How often it has happened. */
  get count(): number {
    return this.#count;
  }

  /** Counts once more. */
  happen(): void {
    this.#count++;
    for (const waiter of this.#waiting) {
      if (waiter.count > this.#count) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  /** Resolves once it has happened so often, rejects once it will not. */
  when(count: number): Promise<void> {
    if (!Number.isSafeInteger(count) || count < 1) {
      return Promise.reject(
        new RangeError(
          `Cannot wait: count must be a positive integer, got ${count}`,
        ),
      );
    }
    if (this.#count >= count) return Promise.resolve();
    if (this.#end) return Promise.reject(this.#end);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add({ count, resolve, reject });
    return promise;
  }

  /** Nothing more will happen. */
  end(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting) reject(this.#end);
    this.#waiting.clear();
  }
}
