/** The events of one node, as an async iterable. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { BeaconNodeOptions } from "../beacon/http/endpoint.ts";
import type { Delivered } from "./merge/stand_ins.ts";
import { checkFunction, checkObject } from "../values/check.ts";
import { checkOptions, type SseListenerOptions } from "./listener_options.ts";
import type { NodeStatus } from "./node_status.ts";
import { SseListener } from "./sse_listener.ts";

/** Options for {@linkcode subscribe}. */
export interface SubscribeToNodeOptions<T extends string> extends
  Omit<
    SseListenerOptions,
    "nodes" | "topics" | "registry" | "prefix" | "labels"
  > {
  /**
   * The topics to listen to.
   *
   * @default {["head", "chain_reorg", "block", "block_gossip"]}
   */
  topics?: readonly T[];
  /**
   * Called with each change of the connection's state. What it throws ends the iteration, which throws
   * it too.
   */
  onStatus?: (status: NodeStatus) => void;
}

/**
 * Iterates over a beacon node's events, typed by topic. Reconnects for ever; ends when the signal
 * aborts or the loop is left. For metrics, reorgs and several nodes there is `SseListener`.
 *
 * @param node The node's base URL, or with name and headers.
 * @param options Which topics, and for how long.
 * @throws {TypeError} If an option is of the wrong kind; the message names it and its value.
 * @throws {RangeError} If a number is out of its range; the message names it and its value.
 * @throws {Error} In the loop, if the node can never be reached, such as without a permission.
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
  const { onStatus, ...others } = options;
  checkFunction("subscribe", "onStatus", onStatus);
  const listenerOptions = {
    ...others,
    nodes: [node],
    registry: false as const,
  };
  // Wrong options are refused here, not when the loop begins.
  const { topics } = checkOptions(listenerOptions);
  const left = new AbortController();
  const { signal = left.signal } = options;
  const events = iterate(
    { ...listenerOptions, signal: AbortSignal.any([signal, left.signal]) },
    topics as string[] as T[],
    onStatus,
    left,
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
  onStatus: ((status: NodeStatus) => void) | undefined,
  left: AbortController,
): AsyncGenerator<BeaconEvent<Delivered<T>>, void, void> {
  const listener = await SseListener.start(options);
  const reporting = onStatus && report(listener, onStatus, left);
  // If the loop is left, it is not awaited below.
  reporting?.catch(() => {});
  try {
    // Some nodes send names that were not requested; by its type this yields none of them.
    yield* listener.events({ topics });
    await reporting;
  } finally {
    // Rejects where an error has ended the listener.
    await listener.close();
  }
}

async function report(
  listener: SseListener,
  onStatus: (status: NodeStatus) => void,
  left: AbortController,
): Promise<void> {
  try {
    for await (const status of listener.status()) onStatus(status);
  } finally {
    left.abort();
  }
}
