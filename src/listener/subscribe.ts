/** One line for whoever only wants events. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { BeaconNodeOptions } from "../beacon/http/endpoint.ts";
import type { Delivered } from "../beacon/events/stand_in.ts";
import { checkObject } from "../values/check.ts";
import { checkOptions, type SseListenerOptions } from "./listener_options.ts";
import { SseListener } from "./sse_listener.ts";

/** Options for {@linkcode subscribe}. */
export interface SubscribeToNodeOptions<T extends string> extends
  Omit<
    SseListenerOptions,
    "nodes" | "topics" | "registry" | "prefix"
  > {
  /**
   * The topics to listen to.
   *
   * @default {["head", "chain_reorg", "block", "block_gossip"]}
   */
  topics?: readonly T[];
}

/**
 * Iterates over a beacon node's events, typed by topic. Reconnects for ever; ends when the signal
 * aborts or the loop is left. For metrics, reorgs and several nodes there is `SseListener`.
 *
 * @param node The node's base URL, or with name and headers.
 * @param options Which topics, and for how long.
 * @throws {TypeError} If an option is of the wrong kind; the message names it and its value.
 * @throws {RangeError} If a number is out of its range; the message names it and its value.
 *
 * @example Usage
 * ```ts
 * import { subscribe } from "@org/beacon-sse";
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assert } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ slotDurationMs: 500 });
 * for await (const event of subscribe(node.url, { topics: ["head", "chain_reorg"] })) {
 *   if (event.topic === "head") {
 *     assert(event.data.slot > 0);
 *     break;
 *   }
 * }
 * ```
 */
export function subscribe<
  const T extends string = "head" | "chain_reorg" | "block" | "block_gossip",
>(
  node: string | URL | BeaconNodeOptions,
  options: SubscribeToNodeOptions<T> = {},
): AsyncGenerator<BeaconEvent<Delivered<T>>, void, void> {
  checkObject("subscribe", "options", options);
  const listenerOptions = { ...options, nodes: [node] };
  // Wrong options are told here, not when the loop begins.
  const { topics } = checkOptions(listenerOptions);
  const left = new AbortController();
  const { signal = left.signal } = options;
  const events = iterate(
    { ...listenerOptions, signal: AbortSignal.any([signal, left.signal]) },
    topics as readonly T[],
  );
  // A generator's own `return` waits for the event that a `next` waits for.
  const leave = events.return.bind(events);
  events.return = (value) => {
    left.abort();
    return leave(value);
  };
  return events;
}

async function* iterate<T extends string>(
  options: SseListenerOptions,
  topics: readonly T[],
): AsyncGenerator<BeaconEvent<Delivered<T>>, void, void> {
  const listener = await SseListener.start(options);
  try {
    // Some nodes send names that were not asked for; the type here promises that none comes through.
    yield* listener.events({ topics });
  } finally {
    await listener.close();
  }
}
