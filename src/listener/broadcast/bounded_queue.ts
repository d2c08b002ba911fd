/** What becomes of values that find a subscriber's queue full. */
export interface PostOptions<T> {
  /**
   * Makes one value of the newest one that is queued and the incoming one. Without it, the oldest
   * values are dropped.
   */
  merge?: (queued: T, incoming: T) => T;
  /** Called with each value that was dropped, or that was merged into another one. */
  onLost?: (value: T) => void;
}

export interface QueueBounds<T> {
  capacity: number;
  /** The most bytes. One value is always kept, whatever its size. */
  maxBytes: number;
  sizeOf: (value: T) => number;
}

/**
 * A first-in, first-out queue that is bounded in values and in bytes. The writer never waits, the
 * reader may.
 */
export class BoundedQueue<T> {
  readonly #bounds: QueueBounds<T>;
  #items: (T | undefined)[];
  /** The sizes of the items. */
  #sizes: number[] = [];
  #head = 0;
  #size = 0;
  #bytes = 0;
  #isClosed = false;
  #dropped = 0;
  #merged = 0;
  #failure: { error: unknown } | undefined;
  /** Readers that wait. There are none while a value is queued. */
  readonly #waiting: PromiseWithResolvers<IteratorResult<T, undefined>>[] = [];
  onClose: (() => void) | undefined;

  constructor(bounds: QueueBounds<T>) {
    this.#bounds = bounds;
    this.#items = new Array(Math.min(bounds.capacity, FIRST_ROOM));
  }

  get dropped(): number {
    return this.#dropped;
  }

  get merged(): number {
    return this.#merged;
  }

  /** Appends a value, or hands it to the reader that waits. */
  push(item: T, { merge, onLost }: PostOptions<T> = {}): void {
    if (this.#isClosed) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: item });
      return;
    }
    const { capacity, maxBytes, sizeOf } = this.#bounds;
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

  /**
   * The oldest value, which may be still to come, or the end.
   *
   * @throws What the queue has failed with, once nothing is queued.
   */
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
    const reader = Promise.withResolvers<IteratorResult<T, undefined>>();
    this.#waiting.push(reader);
    return reader.promise;
  }

  /** Takes no more values. What is queued can still be read, unless it is to be discarded. */
  close(options: { discard: boolean }): void {
    if (options.discard) {
      this.#items = [];
      this.#size = 0;
    }
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const reader of this.#waiting.splice(0)) reader.resolve(this.next());
    this.onClose?.();
  }

  /** Takes no more values. The reader gets the error behind what is queued. */
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
    const room = Math.min(this.#bounds.capacity, this.#items.length * 2);
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

const FIRST_ROOM = 16;
