/** A subscriber's side of a broadcast: a stream over a bounded queue of its own. */

import type { BoundedQueue } from "./bounded_queue.ts";

/**
 * Iterates over a {@linkcode Subscription}. Declared here, since the types of Deno, of Node.js and
 * of browsers differ in what a stream's iterator is.
 *
 * @typeParam T What is delivered.
 */
export interface SubscriptionIterator<T> {
  /** The next value, or the end. */
  next(): Promise<IteratorResult<T, undefined>>;
  /** Leaves the loop, which ends the subscription. */
  return(): Promise<IteratorResult<T, undefined>>;
  /** The iterator itself. */
  [Symbol.asyncIterator](): SubscriptionIterator<T>;
  /** The same as leaving the loop. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Values as a `ReadableStream`, iterable with `for await`. The sender never waits for it: what does
 * not fit is dropped or merged, and counted here.
 *
 * It ends when its signal aborts or the loop over it is left (what is queued is discarded), or when
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
        const { done, value } = await queue.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel() {
        queue.close({ discard: true });
      },
    }, {
      // Values that the stream itself held could neither be dropped nor counted.
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

  /**
   * Iterates over the values. Leaving the loop ends the subscription.
   *
   * @param options `preventCancel` keeps the subscription alive when the loop is left.
   * @throws {TypeError} If a reader has the stream locked.
   */
  override [Symbol.asyncIterator](
    options?: { preventCancel?: boolean },
  ): SubscriptionIterator<T> {
    return this.values(options);
  }

  /**
   * Iterates over the values. Leaving the loop ends the subscription.
   *
   * @param options `preventCancel` keeps the subscription alive when the loop is left.
   * @throws {TypeError} If a reader has the stream locked.
   */
  override values(
    options: { preventCancel?: boolean } = {},
  ): SubscriptionIterator<T> {
    if (this.locked) {
      throw new TypeError(
        "Cannot iterate: a reader has locked the subscription",
      );
    }
    return new QueueIterator(this.#queue, options.preventCancel === true);
  }
}

/** Reads from the queue itself: the stream would cost several promises for each value. */
class QueueIterator<T> implements SubscriptionIterator<T> {
  readonly #queue: BoundedQueue<T>;
  readonly #preventCancel: boolean;
  #isLeft = false;

  constructor(queue: BoundedQueue<T>, preventCancel: boolean) {
    this.#queue = queue;
    this.#preventCancel = preventCancel;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#isLeft ? END : this.#queue.next();
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#isLeft = true;
    if (!this.#preventCancel) this.#queue.close({ discard: true });
    return END;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

const END: Promise<IteratorReturnResult<undefined>> = Promise.resolve({
  done: true,
  value: undefined,
});
