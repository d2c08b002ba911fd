/** A broadcast on a real `BroadcastChannel`, for workers of the same process. */

import { checkObject, checkSignal, refuse } from "../../values/check.ts";
import { BoundedQueue } from "./bounded_queue.ts";
import { Subscription } from "./subscription.ts";

/** A value that came over a channel. */
export interface Mirrored<T> {
  /** The value, cloned. */
  value: T;
  /**
   * How many messages of the same sender were not received between the one before and this one; for
   * the first one, how many were sent before it, since those may have been lost as well.
   */
  missed: number;
}

interface Message<T> {
  sender: string;
  sequence: number;
  value: T;
}

/**
 * The sending side, made by {@linkcode Broadcast.mirror}. Keeps the process alive until it is
 * closed, as an open channel does.
 *
 * @typeParam T What is sent; it must be cloneable.
 */
export class BroadcastMirror<T> implements Disposable {
  readonly #channel: BroadcastChannel;
  readonly #sender: string = crypto.randomUUID();
  #sequence = 0;
  #dropped = 0;
  #isClosed = false;
  /** Called once, when the mirror closes. */
  onClose: (() => void) | undefined;

  /**
   * Opens the channel.
   *
   * @param name Name of the channel.
   * @throws {TypeError} If it is no name.
   */
  constructor(name: string) {
    checkName("mirror broadcast", name);
    this.#channel = new BroadcastChannel(name);
  }

  /** How many values could not be cloned; receivers see a hole for each. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Always 0: a channel merges nothing. */
  get merged(): number {
    return 0;
  }

  /** Sends a value. Returns it if it could not be cloned. */
  push(value: T): T | undefined {
    const message: Message<T> = {
      sender: this.#sender,
      sequence: this.#sequence++,
      value,
    };
    try {
      this.#channel.postMessage(message);
      return undefined;
    } catch {
      // Not cloneable. The number is spent all the same, so receivers see that something is missing.
      this.#dropped++;
      return value;
    }
  }

  /** A channel has no reader that could be told. */
  fail(): void {
    this.close();
  }

  /** Closes the channel. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#channel.close();
    this.onClose?.();
  }

  /** The same as {@linkcode BroadcastMirror.close}. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * The receiving side: what a {@linkcode Broadcast.mirror} of the same name sends, from another
 * worker or this thread. `missed` tells of messages that the channel lost; a scheduler that sees a
 * hole must treat all it knows as stale.
 *
 * @typeParam T What is sent.
 * @param name Name of the channel.
 * @param options `signal` ends the subscription and closes the channel.
 *
 * @example In a worker
 * ```ts
 * import { Broadcast, receiveBroadcast } from "@org/beacon-sse";
 * import { assertEquals } from "@std/assert";
 *
 * using reorgs = new Broadcast<{ epoch: number }>();
 * using _mirror = reorgs.mirror("reorgs");
 * const received = receiveBroadcast<{ epoch: number }>("reorgs");
 * reorgs.post({ epoch: 7 });
 * for await (const { value, missed } of received) {
 *   assertEquals([value.epoch, missed], [7, 0]);
 *   break;
 * }
 * ```
 */
export function receiveBroadcast<T>(
  name: string,
  options: { signal?: AbortSignal } = {},
): Subscription<Mirrored<T>> {
  checkObject("receive broadcast", "options", options);
  const { signal } = options;
  checkSignal("receive broadcast", signal);
  checkName("receive broadcast", name);
  const queue = new BoundedQueue<Mirrored<T>>(RECEIVE_CAPACITY);
  if (signal?.aborted) {
    queue.close({ discard: true });
    return new Subscription(queue);
  }
  const channel = new BroadcastChannel(name);
  const next = new Map<string, number>();
  channel.onmessage = ({ data }: MessageEvent<unknown>) => {
    // Whoever knows the name may send there.
    if (!isMessage<T>(data)) return;
    const { sender, sequence, value } = data;
    const missed = sequence - (next.get(sender) ?? 0);
    next.delete(sender);
    next.set(sender, sequence + 1);
    if (next.size > MOST_SENDERS) next.delete(next.keys().next().value!);
    queue.push({ value, missed }, mergeMirrored);
  };
  const abort = () => queue.close({ discard: true });
  signal?.addEventListener("abort", abort, { once: true });
  queue.onClose = () => {
    signal?.removeEventListener("abort", abort);
    channel.close();
  };
  return new Subscription(queue);
}

const RECEIVE_CAPACITY = 1024;
/** Each mirror is one, so a process has few at a time. */
const MOST_SENDERS = 64;

function isMessage<T>(data: unknown): data is Message<T> {
  return typeof data === "object" && data !== null && "value" in data &&
    "sender" in data && typeof data.sender === "string" &&
    "sequence" in data && Number.isSafeInteger(data.sequence);
}

/** A full queue loses messages as well; the hole must show in what follows. */
function mergeMirrored<T>(
  queued: Mirrored<T>,
  incoming: Mirrored<T>,
): Mirrored<T> {
  return { value: incoming.value, missed: queued.missed + incoming.missed + 1 };
}

function checkName(action: string, name: unknown): void {
  if (typeof name !== "string" || name === "") {
    refuse(action, "name", "a non-empty string", name);
  }
}
