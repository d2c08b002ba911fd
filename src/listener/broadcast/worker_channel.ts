/** Values over a real `BroadcastChannel`, for other workers of the same process. */

import { checkObject, checkSignal, refuse } from "../../values/check.ts";
import { Broadcast } from "./broadcast.ts";
import { Subscription } from "./subscription.ts";

/** A value that came over a channel. */
export interface Mirrored<T> {
  /** The value, cloned. */
  value: T;
  /**
   * How many values of the same sender were lost between the one before and this one. For the first
   * one: how many were sent before it, since they may be lost as well.
   */
  missed: number;
}

/**
 * Sends values to the `BroadcastChannel` of that name, where {@linkcode receiveBroadcast} receives
 * them. They are numbered, because that channel drops bursts silently. The channel stays open, and
 * keeps the process alive, until the values end.
 *
 * @typeParam T What is sent. A value that cannot be cloned is missed by the receivers.
 * @param values What to send, such as `listener.reorgs()`; ends the channel when it ends.
 * @param name Name of the channel.
 * @throws {TypeError} If the name is empty.
 */
export async function mirrorBroadcast<T>(
  values: AsyncIterable<T>,
  name: string,
): Promise<void> {
  checkName("mirror broadcast", name);
  const channel = new BroadcastChannel(name);
  const sender = crypto.randomUUID();
  let sent = 0;
  try {
    for await (const value of values) {
      const dropped = values instanceof Subscription ? values.dropped : 0;
      const sequence = sent++ + dropped;
      try {
        channel.postMessage({ sender, sequence, value });
      } catch {
        // It cannot be cloned. Its number is used up, so receivers count it as missed.
      }
    }
  } finally {
    channel.close();
  }
}

/**
 * Receives what {@linkcode mirrorBroadcast} sends from another worker or this thread. A scheduler
 * that finds `missed` above 0 must read its state again.
 *
 * @typeParam T What is sent.
 * @param name Name of the channel.
 * @param options `signal` ends the subscription and closes the channel.
 * @throws {TypeError} If the name is empty, or the signal is not one.
 *
 * @example In a worker
 * ```ts
 * import { Broadcast, mirrorBroadcast, receiveBroadcast } from "@org/beacon-sse";
 * import { assertEquals } from "@std/assert";
 *
 * using reorgs = new Broadcast<{ epoch: number }>();
 * const received = receiveBroadcast<{ epoch: number }>("reorgs");
 * const mirroring = mirrorBroadcast(reorgs.subscribe(), "reorgs");
 * reorgs.post({ epoch: 7 });
 * for await (const { value, missed } of received) {
 *   assertEquals([value.epoch, missed], [7, 0]);
 *   break;
 * }
 * reorgs.close();
 * await mirroring;
 * ```
 */
export function receiveBroadcast<T>(
  name: string,
  options: { signal?: AbortSignal } = {},
): Subscription<Mirrored<T>> {
  const action = "receive broadcast";
  checkObject(action, "options", options);
  const { signal } = options;
  checkSignal(action, signal);
  checkName(action, name);
  const broadcast = new Broadcast<Mirrored<T>>({
    // What this queue loses must show in `missed` as well.
    merge: (queued, { value, missed }) => ({
      value,
      missed: queued.missed + missed + 1,
    }),
  });
  const channel = new BroadcastChannel(name);
  const next = new Map<string, number>();
  channel.onmessage = ({ data }) => {
    // Anybody who knows the name can send there.
    if (
      typeof data?.sender !== "string" || !Number.isSafeInteger(data.sequence)
    ) {
      return;
    }
    const { sender, sequence, value } = data;
    const missed = sequence - (next.get(sender) ?? 0);
    next.delete(sender);
    next.set(sender, sequence + 1);
    if (next.size > MOST_SENDERS) next.delete(next.keys().next().value!);
    broadcast.post({ value, missed });
  };
  return broadcast.subscribe({ signal, onClose: () => channel.close() });
}

/** Each mirror is one sender, and a process has few. */
const MOST_SENDERS = 64;

function checkName(action: string, name: unknown): void {
  if (typeof name !== "string" || name === "") {
    refuse(action, "name", "a non-empty string", name);
  }
}
