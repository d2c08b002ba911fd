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
   * @returns Whether there was room; otherwise an item was dropped or merged.
   */
  push(item: T, merge?: (queued: T, incoming: T) => T): boolean {
    if (this.#isClosed) return true;
    const hasRoom = this.#size < this.#capacity;
    if (!hasRoom) {
      if (merge !== undefined) {
        const newest = this.#index(this.#size - 1);
        this.#items[newest] = merge(this.#items[newest]!, item);
        this.#merged++;
        return false;
      }
      this.#items[this.#head] = undefined;
      this.#head = this.#index(1);
      this.#size--;
      this.#dropped++;
    } else if (this.#size === this.#items.length) {
      this.#grow();
    }
    this.#items[this.#index(this.#size++)] = item;
    this.#wake();
    return hasRoom;
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

  /** Resolves when there is an item to take, or none will come any more. */
  async ready(): Promise<void> {
    if (this.#size > 0 || this.#isClosed) return;
    this.#waiting ??= Promise.withResolvers();
    await this.#waiting.promise;
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
