/** One sender, any number of subscribers. No subscriber can delay the sender or another subscriber. */

import {
  checkFunction,
  checkInteger,
  checkObject,
  checkSignal,
} from "../../values/check.ts";
import {
  BoundedQueue,
  type QueueOptions,
  Subscription,
} from "./subscription.ts";

/** Options for {@linkcode Broadcast}. */
export interface BroadcastOptions<T> {
  /**
   * The most values that are queued for one subscriber.
   *
   * @default {1024}
   */
  capacity?: number;
  /**
   * The most bytes that are queued for one subscriber. One value is always kept, whatever its size.
   *
   * @default {67108864}
   */
  maxBytes?: number;
  /**
   * The size of a value in bytes. By default a rough count: two bytes for each UTF-16 code unit of
   * the value's own strings, and 16 for each member.
   */
  sizeOf?: (value: T) => number;
  /**
   * What becomes of the newest queued value and the incoming one when a subscriber's queue is full.
   * Without it, the oldest values are dropped.
   */
  merge?: (queued: T, incoming: T) => T;
  /** Called with each value that a subscriber lost: dropped, or merged into another one. */
  onLost?: (value: T) => void;
}

/** Options for {@linkcode Broadcast.subscribe}. */
export interface SubscribeOptions<T> {
  /** Ends the subscription when aborted. */
  signal?: AbortSignal | undefined;
  /** Which values are wanted; all of them by default. */
  filter?: ((value: T) => boolean) | undefined;
  /** Called once, when the subscription ends. */
  onClose?: (() => void) | undefined;
}

/**
 * Delivers values to subscribers, each through a bounded queue of its own.
 *
 * @typeParam T What is delivered.
 *
 * @example Usage
 * ```ts
 * import { Broadcast } from "@org/beacon-sse";
 * import { assertEquals } from "@std/assert";
 *
 * const broadcast = new Broadcast<number>({ capacity: 2 });
 * const subscription = broadcast.subscribe();
 * for (const value of [1, 2, 3]) broadcast.post(value);
 * broadcast.close();
 * assertEquals(await Array.fromAsync(subscription), [2, 3]);
 * assertEquals(subscription.dropped, 1);
 * ```
 */
export class Broadcast<T> implements Disposable {
  readonly #options: QueueOptions<T>;
  readonly #subscribers = new Set<Subscriber<T>>();
  #isClosed = false;
  #lostBefore = 0;

  /**
   * Creates a broadcast without subscribers.
   *
   * @param options Bounds of the queues.
   * @throws {RangeError} If `capacity` or `maxBytes` is not a positive integer.
   * @throws {TypeError} If `sizeOf`, `merge` or `onLost` is not a function.
   */
  constructor(options: BroadcastOptions<T> = {}) {
    const action = "create broadcast";
    checkObject(action, "options", options);
    const { capacity = 1024, maxBytes = DEFAULT_MAX_BYTES } = options;
    const { sizeOf = roughSize, merge, onLost } = options;
    checkInteger(action, "capacity", capacity, 1);
    checkInteger(action, "maxBytes", maxBytes, 1);
    checkFunction(action, "sizeOf", sizeOf);
    checkFunction(action, "merge", merge);
    checkFunction(action, "onLost", onLost);
    this.#options = {
      capacity,
      maxBytes,
      sizeOf,
      ...(merge && { merge }),
      ...(onLost && { onLost }),
    };
  }

  /** Whether it has ended. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** How many subscribers there are. */
  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** How many values were dropped or merged, over all subscribers there ever were. */
  get lost(): number {
    let lost = this.#lostBefore;
    for (const { queue } of this.#subscribers) {
      lost += queue.dropped + queue.merged;
    }
    return lost;
  }

  /**
   * Adds a subscriber, which receives what is posted from now on. After {@linkcode Broadcast.close}
   * the subscription has ended already.
   *
   * A filter that throws ends its own subscription with that error.
   *
   * @param options What is wanted, and for how long.
   * @throws {TypeError} If `signal` is no signal, or `filter` or `onClose` no function.
   */
  subscribe(options: SubscribeOptions<T> = {}): Subscription<T> {
    const action = "subscribe";
    checkObject(action, "options", options);
    const { signal, filter, onClose } = options;
    checkSignal(action, signal);
    checkFunction(action, "filter", filter);
    checkFunction(action, "onClose", onClose);
    const queue = new BoundedQueue<T>(this.#options);
    if (this.#isClosed || signal?.aborted) {
      queue.close({ discard: true });
      onClose?.();
      return new Subscription(queue);
    }
    const subscriber: Subscriber<T> = { queue, filter };
    this.#subscribers.add(subscriber);
    const abort = () => queue.close({ discard: true });
    signal?.addEventListener("abort", abort, { once: true });
    queue.onClose = () => {
      signal?.removeEventListener("abort", abort);
      this.#subscribers.delete(subscriber);
      this.#lostBefore += queue.dropped + queue.merged;
      onClose?.();
    };
    return new Subscription(queue);
  }

  /** Delivers a value to every subscriber that wants it. Returns at once. */
  post(value: T): void {
    for (const { queue, filter } of this.#subscribers) {
      try {
        if (filter === undefined || filter(value)) queue.push(value);
      } catch (error) {
        // The subscriber's own code has failed; the others go on.
        queue.fail(error);
      }
    }
  }

  /** Ends every subscription, once its queue is read. */
  close(): void {
    this.#isClosed = true;
    for (const { queue } of [...this.#subscribers]) {
      queue.close({ discard: false });
    }
  }

  /** The same as {@linkcode Broadcast.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

interface Subscriber<T> {
  queue: BoundedQueue<T>;
  filter: ((value: T) => boolean) | undefined;
}

/** The most bytes that are queued for one subscriber, unless the user wants another bound. */
export const DEFAULT_MAX_BYTES: number = 64 * 1024 * 1024;

function roughSize(value: unknown): number {
  if (typeof value === "string") return 2 * value.length;
  if (typeof value !== "object" || value === null) return MEMBER_BYTES;
  let bytes = MEMBER_BYTES;
  for (const member of Object.values(value)) {
    bytes += MEMBER_BYTES;
    if (typeof member === "string") bytes += 2 * member.length;
  }
  return bytes;
}

const MEMBER_BYTES = 16;
