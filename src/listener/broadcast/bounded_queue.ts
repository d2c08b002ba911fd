/**
 * A first-in, first-out queue of bounded length, with one side that never waits and one that may.
 * When it is full, the oldest item gives way, or the new item is merged into the newest.
 */
export class BoundedQueue<T> {
  readonly #capacity: number;
  #items: (T | undefined)[];
  #head = 0;
  #size = 0;
  #isClosed = false;
  #dropped = 0;
  #merged = 0;
  #failure: { error: unknown } | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Called once, when the queue closes. */
  onClose: (() => void) | undefined;

  /** @param capacity The most items it holds. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#items = new Array(Math.min(capacity, FIRST_ROOM));
  }

  /** How many items wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether it takes no more items. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many items gave way to newer ones. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many items were merged into another one. */
  get merged(): number {
    return this.#merged;
  }

  /**
   * Appends an item.
   *
   * @param merge What becomes of the newest item and this one when the queue is full; without it,
   * the oldest item is dropped.
   * @returns The item that was dropped, or that was merged into another one; `undefined` if there was
   * room.
   */
  push(item: T, merge?: (queued: T, incoming: T) => T): T | undefined {
    if (this.#isClosed) return undefined;
    let lost: T | undefined;
    if (this.#size === this.#capacity) {
      if (merge !== undefined) {
        const newest = this.#index(this.#size - 1);
        this.#items[newest] = merge(this.#items[newest]!, item);
        this.#merged++;
        return item;
      }
      lost = this.take();
      this.#dropped++;
    } else if (this.#size === this.#items.length) {
      this.#grow();
    }
    this.#items[this.#index(this.#size++)] = item;
    this.#wake();
    return lost;
  }

  /** Takes the oldest item, `undefined` if there is none. */
  take(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = this.#index(1);
    this.#size--;
    return item;
  }

  /**
   * Waits for an item, or for the end.
   *
   * @returns Whether there is an item to take; otherwise none will come any more.
   * @throws What the queue has failed with, once nothing waits in it.
   */
  async ready(): Promise<boolean> {
    if (this.#size === 0 && !this.#isClosed) {
      this.#waiting ??= Promise.withResolvers();
      await this.#waiting.promise;
    }
    if (this.#size > 0) return true;
    if (this.#isClosed && this.#failure !== undefined) {
      const { error } = this.#failure;
      this.#failure = undefined;
      throw error;
    }
    return false;
  }

  /** Takes no more items. What waits can still be taken, unless it is to be discarded. */
  close(options: { discard: boolean }): void {
    if (options.discard) {
      this.#items = [];
      this.#size = 0;
    }
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wake();
    this.onClose?.();
  }

  /** Takes no more items. The reader is told why, behind what waits. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.close({ discard: false });
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  #index(offset: number): number {
    const index = this.#head + offset;
    return index < this.#items.length ? index : index - this.#items.length;
  }

  #grow(): void {
    const room = Math.min(this.#capacity, this.#items.length * 2);
    const items = new Array<T | undefined>(room);
    for (let offset = 0; offset < this.#size; offset++) {
      items[offset] = this.#items[this.#index(offset)];
    }
    this.#items = items;
    this.#head = 0;
  }
}

const FIRST_ROOM = 16;
