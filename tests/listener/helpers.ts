/** What several listener tests need. */

import {
  type BeaconEvent,
  type NodeStatus,
  SseListener,
  type SseListenerOptions,
} from "@org/beacon-sse";

/**
 * Starts a listener whose waits are as short as they can be, in slot 100.
 * The keys of `nodes`, where it has them, are their names.
 */
export function listen(
  nodes: TestNode[] | Record<string, TestNode>,
  options: Partial<SseListenerOptions> = {},
): Promise<SseListener> {
  const url = (node: TestNode) => typeof node === "string" ? node : node.url;
  return SseListener.start({
    config: configAtSlot(100),
    random: () => 0,
    nodes: Array.isArray(nodes)
      ? nodes.map(url)
      : Object.entries(nodes).map(([name, node]) => ({ name, url: url(node) })),
    ...options,
  });
}

/** A node of a test, or the URL of one. */
export type TestNode = string | { url: string };

/** Genesis and timing for tests that must not depend on when they run: the slot begins now. */
export function configAtSlot(slot: number, slotDurationMs = 12_000): {
  genesisTime: number;
  slotDurationMs: number;
  slotsPerEpoch: number;
} {
  return {
    genesisTime: Date.now() - slot * slotDurationMs,
    slotDurationMs,
    slotsPerEpoch: 32,
  };
}

/** The first `count` values of a stream. */
export async function take<T>(
  values: AsyncIterable<T>,
  count: number,
): Promise<T[]> {
  const taken: T[] = [];
  for await (const value of values) {
    taken.push(value);
    if (taken.length === count) break;
  }
  return taken;
}

/** Resolves when a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve));
}

/** The first status of a type. */
export async function nextStatus<T extends NodeStatus["type"]>(
  statuses: AsyncIterable<NodeStatus>,
  type: T,
): Promise<Extract<NodeStatus, { type: T }>> {
  for await (const status of statuses) {
    if (status.type === type) return status as Extract<NodeStatus, { type: T }>;
  }
  throw new Error(`the statuses ended without "${type}"`);
}

/** An event as a test compares it: its topic and slot, and whether it was recovered. */
export function brief(
  { topic, slot, recovered }: BeaconEvent<string>,
): string {
  return `${topic} ${slot}${recovered ? " recovered" : ""}`;
}

/** The first `count` events of a stream, as {@linkcode brief} shows them. */
export async function briefs(
  events: AsyncIterable<BeaconEvent<string>>,
  count: number,
): Promise<string> {
  return (await take(events, count)).map(brief).join(", ");
}
