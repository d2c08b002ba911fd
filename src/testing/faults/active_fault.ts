/** A fault that was caused: what it is, how often it has struck, and the way to end it. */

import type { Fault } from "./fault.ts";
import { Occurrences } from "../chain/occurrences.ts";

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

/** An {@linkcode ActiveFault} as those see it who make it happen. */
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

  /** Whether it may strike something more. */
  get isStriking(): boolean {
    return this.#claims > 0 && !this.healed.aborted;
  }

  /** Takes one of its times, for something that it will strike; false where none is left. */
  claim(): boolean {
    if (!this.isStriking) return false;
    this.#claims--;
    return true;
  }

  /** It strikes what it was claimed for. */
  hit(): void {
    this.#hits.happen();
  }

  /** Takes one of its times and strikes; false where none is left. */
  strike(): boolean {
    const isStriking = this.claim();
    if (isStriking) this.hit();
    return isStriking;
  }

  whenHit(count = 1): Promise<void> {
    return this.#hits.when(count);
  }

  heal(): void {
    this.#healed.abort();
    const { type } = this.fault;
    this.#hits.end(new Error(`Cannot wait: the fault ${type} is over`));
  }

  [Symbol.dispose](): void {
    this.heal();
  }
}
