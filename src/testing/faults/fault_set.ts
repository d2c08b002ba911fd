/** The faults that are on at one place. */

import { FaultHandle } from "./active_fault.ts";
import type { Fault, FaultOf } from "./fault.ts";

/** Holds faults from when they are caused until they are healed. */
export class FaultSet<F extends Fault> {
  readonly #handles = new Set<FaultHandle<F>>();

  /** How many there are; 0 is what a node without faults checks. */
  get size(): number {
    return this.#handles.size;
  }

  /** The faults as they were given, oldest first. */
  get faults(): Readonly<F>[] {
    return [...this.#handles].map(({ fault }) => fault);
  }

  /** Adds a fault that strikes up to so many times. */
  add<T extends F>(fault: T, times: number): FaultHandle<T> {
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

  /** Those that may strike something more, oldest first. */
  striking(): FaultHandle<F>[] {
    return [...this.#handles].filter(({ isStriking }) => isStriking);
  }

  /** Those of a type that may strike something more, oldest first. */
  ofType<T extends F["type"]>(type: T): FaultHandle<FaultOf<F, T>>[] {
    const found = this.striking().filter(({ fault }) => fault.type === type);
    return found as unknown[] as FaultHandle<FaultOf<F, T>>[];
  }

  /** Ends all of them. */
  heal(): void {
    for (const handle of this.#handles) handle.heal();
  }
}
