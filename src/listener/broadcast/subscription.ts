/** A subscriber's side of a broadcast: a stream over a bounded queue of its own. */

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
   * Only {@linkcode Broadcast.subscribe} makes one.
   *
   * @ignore
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

/** Bounds of a queue, and what becomes of values that find it full; see `BroadcastOptions`. */
export interface QueueOptions<T> {
  capacity: number;
  maxBytes: number;
  sizeOf: (value: T) => number;
  merge?: (queued: T, incoming: T) => T;
  onLost?: (value: T) => void;
}

/** First in, first out, and bounded in values and in bytes. The writer never waits, the reader may. */
export class BoundedQueue<T> {
  readonly #options: QueueOptions<T>;
  #items: (T | undefined)[];
  #sizes: number[] = [];
  #head = 0;
  #size = 0;
  #bytes = 0;
  #isClosed = false;
  #dropped = 0;
  #merged = 0;
  #failure: { error: unknown } | undefined;
  /** Readers that wait. There are none while a value is queued. */
  readonly #waiting: Take<T>[] = [];
  readonly #wait = (take: Take<T>): void => void this.#waiting.push(take);
  onClose: (() => void) | undefined;

  constructor(options: QueueOptions<T>) {
    this.#options = options;
    this.#items = new Array(Math.min(options.capacity, FIRST_ROOM));
  }

  get dropped(): number {
    return this.#dropped;
  }

  get merged(): number {
    return this.#merged;
  }

  push(item: T): void {
    if (this.#isClosed) return;
    if (this.#waiting.length > 0) {
      // To shift an array takes longer, and there is one reader, mostly.
      const take = this.#waiting.length === 1
        ? this.#waiting.pop()!
        : this.#waiting.shift()!;
      take({ done: false, value: item });
      return;
    }
    const { capacity, maxBytes, sizeOf, merge, onLost } = this.#options;
    const size = sizeOf(item);
    while (
      this.#size > 0 &&
      (this.#size === capacity || this.#bytes + size > maxBytes)
    ) {
      if (merge !== undefined) {
        const newest = this.#index(this.#size - 1);
        const merged = merge(this.#items[newest]!, item);
        this.#items[newest] = merged;
        const mergedSize = sizeOf(merged);
        this.#bytes += mergedSize - this.#sizes[newest]!;
        this.#sizes[newest] = mergedSize;
        this.#merged++;
        onLost?.(item);
        return;
      }
      const oldest = this.#take();
      this.#dropped++;
      onLost?.(oldest);
    }
    if (this.#size === this.#items.length) this.#grow();
    const place = this.#index(this.#size++);
    this.#items[place] = item;
    this.#sizes[place] = size;
    this.#bytes += size;
  }

  /** @throws What the queue has failed with, once nothing is queued. */
  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#size > 0) {
      return Promise.resolve({ done: false, value: this.#take() });
    }
    if (this.#failure !== undefined) {
      const { error } = this.#failure;
      this.#failure = undefined;
      return Promise.reject(error);
    }
    if (this.#isClosed) {
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise(this.#wait);
  }

  /** What is queued can still be read, unless it is discarded. */
  close(options: { discard: boolean }): void {
    if (options.discard) {
      this.#items = [];
      this.#size = 0;
    }
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const take of this.#waiting.splice(0)) take(this.next());
    this.onClose?.();
  }

  /** The reader gets the error behind what is queued. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.close({ discard: false });
  }

  #take(): T {
    const item = this.#items[this.#head] as T;
    this.#bytes -= this.#sizes[this.#head]!;
    this.#items[this.#head] = undefined;
    this.#head = this.#index(1);
    this.#size--;
    return item;
  }

  #index(offset: number): number {
    const index = this.#head + offset;
    return index < this.#items.length ? index : index - this.#items.length;
  }

  #grow(): void {
    const room = Math.min(this.#options.capacity, this.#items.length * 2);
    const items = new Array<T | undefined>(room);
    const sizes = new Array<number>(room);
    for (let offset = 0; offset < this.#size; offset++) {
      const place = this.#index(offset);
      items[offset] = this.#items[place];
      sizes[offset] = this.#sizes[place]!;
    }
    this.#items = items;
    this.#sizes = sizes;
    this.#head = 0;
  }
}

/** Gives a reader that waits what it waits for. */
type Take<T> = (
  result:
    | IteratorResult<T, undefined>
    | PromiseLike<IteratorResult<T, undefined>>,
) => void;

const FIRST_ROOM = 16;
