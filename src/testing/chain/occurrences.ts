/** Counts what happens, and lets others wait for it. */

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

  /** It happens. */
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

  /** It will not happen again. */
  end(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting) reject(this.#end);
    this.#waiting.clear();
  }
}
