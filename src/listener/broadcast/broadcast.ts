/** One sender, any number of subscribers, none of whom can hold the sender or another one up. */

import {
  checkFunction,
  checkInteger,
  checkObject,
  checkSignal,
} from "../../values/check.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { BroadcastMirror } from "./broadcast_mirror.ts";
import { Subscription } from "./subscription.ts";

/** Options for {@linkcode Broadcast}. */
export interface BroadcastOptions<T> {
  /**
   * The most values that wait for one subscriber.
   *
   * @default {1024}
   */
  capacity?: number;
  /**
   * What becomes of the newest queued value and the incoming one when a subscriber's queue is full.
   * Without it, the oldest value is dropped.
   */
  merge?: (queued: T, incoming: T) => T;
}

/** Options for {@linkcode Broadcast.post}. */
export interface PostOptions<T> {
  /**
   * What becomes of the newest queued value and this one when a subscriber's queue is full. Without
   * it, the oldest value is dropped.
   */
  merge?: (queued: T, incoming: T) => T;
  /** Called with each value that a slow subscriber lost, or that was merged into another one. */
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
  readonly #capacity: number;
  readonly #options: PostOptions<T>;
  readonly #subscribers = new Set<Subscriber<T>>();
  #isClosed = false;
  #lostBefore = 0;

  /**
   * Creates a broadcast without subscribers.
   *
   * @param options Bounds of the queues.
   * @throws {RangeError} If `capacity` is not a positive integer.
   * @throws {TypeError} If `merge` is no function.
   */
  constructor(options: BroadcastOptions<T> = {}) {
    const action = "create broadcast";
    checkObject(action, "options", options);
    const { capacity = 1024, merge } = options;
    checkInteger(action, "capacity", capacity, 1);
    checkFunction(action, "merge", merge);
    this.#capacity = capacity;
    this.#options = options;
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
   * A filter that throws ends its own subscription, whose reader is told the error.
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
    const queue = new BoundedQueue<T>(this.#capacity);
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

  /**
   * Delivers a value to every subscriber that wants it. Returns at once.
   *
   * @param value What is delivered.
   * @param options What takes the place of the broadcast's own options for this value.
   */
  post(value: T, options: PostOptions<T> = this.#options): void {
    const { merge, onLost } = options;
    for (const { queue, filter } of this.#subscribers) {
      let lost: T | undefined;
      try {
        if (filter !== undefined && !filter(value)) continue;
        lost = queue.push(value, merge);
      } catch (error) {
        // Its own code has failed; the others must not hear of it.
        queue.fail(error);
      }
      if (lost !== undefined) onLost?.(lost);
    }
  }

  /**
   * Posts every value also to the `BroadcastChannel` of that name, so that workers of the same
   * process hear them with {@linkcode receiveBroadcast}. The messages are numbered, because that
   * channel drops bursts silently.
   *
   * @param name Name of the channel.
   * @returns The mirror; disposing it, or closing the broadcast, closes the channel.
   */
  mirror(name: string): BroadcastMirror<T> {
    const mirror = new BroadcastMirror<T>(name);
    const subscriber: Subscriber<T> = { queue: mirror, filter: undefined };
    mirror.onClose = () => {
      this.#subscribers.delete(subscriber);
      this.#lostBefore += mirror.dropped;
    };
    if (this.#isClosed) mirror.close();
    else this.#subscribers.add(subscriber);
    return mirror;
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

/** What values are pushed into: a subscriber's queue, or a mirror. */
interface Outlet<T> {
  readonly dropped: number;
  readonly merged: number;
  push(value: T, merge?: (queued: T, incoming: T) => T): T | undefined;
  close(options: { discard: boolean }): void;
  fail(error: unknown): void;
}

interface Subscriber<T> {
  queue: Outlet<T>;
  filter: ((value: T) => boolean) | undefined;
}
