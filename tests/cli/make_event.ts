/** Events as the listener hands them out, for tests of what prints them. */

import type { BeaconEvent } from "../../src/beacon/events/beacon_event.ts";

/** A root that ends in the given four digits. */
export function root(end: string): string {
  return `0x1234${"0".repeat(56)}${end}`;
}

/** Unix time of slot 0 of the tests' chain. */
export const GENESIS = Date.UTC(2026, 0, 2, 3, 4, 5, 0);

/** An event with the given payload; `raw` is its JSON unless it is overridden. */
export function makeEvent(
  topic: string,
  data: object,
  overrides: Partial<
    Pick<BeaconEvent, "raw" | "node" | "slot" | "receivedAt" | "recovered">
  > = {},
): BeaconEvent {
  return {
    topic,
    data,
    raw: JSON.stringify(data),
    node: "http://localhost:5052",
    receivedAt: GENESIS + 70 * 12_000 + 412,
    ...overrides,
  } as BeaconEvent;
}
