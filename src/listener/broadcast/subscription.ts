/** A subscriber's side of a broadcast: a stream over a bounded queue of its own. */

import type { BoundedQueue } from "./bounded_queue.ts";

/**
 * Values as a `ReadableStream`, iterable with `for await`. It never makes the sender wait: what
 * does not fit is dropped or merged, and counted here.
 *
 * It ends when its signal aborts or the loop over it breaks (what is queued is discarded), or when
 * the broadcast closes (what is queued can still be read).
 *
 * @typeParam T What is delivered.
 */
export class Subscription<T> extends ReadableStream<T> {
  readonly #queue: BoundedQueue<T>;

  /**
   * Creates the reading side of a queue.
   *
   * @param queue The queue to read from; this stream is its only reader.
   */
  constructor(queue: BoundedQueue<T>) {
    super({
      async pull(controller) {
        if (await queue.ready()) controller.enqueue(queue.take()!);
        else controller.close();
      },
      cancel() {
        queue.close({ discard: true });
      },
    }, {
      // The queue is the one buffer: what the stream held itself could not be dropped or counted.
      highWaterMark: 0,
    });
    this.#queue = queue;
  }

  /** How many values were dropped because this subscriber was slow. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  /** How many values were merged into another one because this subscriber was slow. */
  get merged(): number {
    return this.#queue.merged;
  }

  /** Iterates over the values. Leaving the loop ends the subscription. */
  override [Symbol.asyncIterator](
    options?: ReadableStreamIteratorOptions,
  ): AsyncIterableIterator<T> {
    return this.values(options);
  }

  /**
   * Iterates over the values, past the stream's machinery, which costs several promises a value.
   *
   * @param options `preventCancel` keeps the subscription alive when the loop is left.
   * @throws {TypeError} If a reader has the stream locked.
   */
  override values(
    options?: ReadableStreamIteratorOptions,
  ): AsyncIterableIterator<T> {
    if (this.locked) {
      throw new TypeError(
        "Cannot iterate: a reader has locked the subscription",
      );
    }
    return new QueueIterator(this.#queue, options?.preventCancel === true);
  }
}

class QueueIterator<T> implements AsyncIterableIterator<T> {
  readonly #queue: BoundedQueue<T>;
  readonly #preventCancel: boolean;

  constructor(queue: BoundedQueue<T>, preventCancel: boolean) {
    this.#queue = queue;
    this.#preventCancel = preventCancel;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#queue.size === 0) return this.#wait();
    return Promise.resolve({ done: false, value: this.#queue.take()! });
  }

  async #wait(): Promise<IteratorResult<T, undefined>> {
    // Another reader, woken first, may have taken what was there.
    while (await this.#queue.ready()) {
      if (this.#queue.size > 0) {
        return { done: false, value: this.#queue.take()! };
      }
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T, undefined>> {
    if (!this.#preventCancel) this.#queue.close({ discard: true });
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
