/** What the gateway, which is of this package, uses of a listener beyond its public API. */

import type { NodeEndpoint } from "../beacon/http/endpoint.ts";
import type { NodeSnapshot } from "./node_state.ts";
import type { RaceRecord } from "./race/race_tracker.ts";

/** A node, with the way to send requests to it. */
export interface NodeAccess {
  /** Where the node is, credentials included. */
  readonly endpoint: NodeEndpoint;
  /** How many gaps it had, by kind. */
  readonly gaps: ReadonlyMap<string, number>;
  /** The node at this moment. */
  snapshot(): NodeSnapshot;
}

/** What is accessible. */
export interface ListenerAccess {
  /** The topics that the user wants. */
  readonly topics: readonly string[];
  /** The nodes at this moment. */
  nodes(): Iterable<NodeAccess>;
  /** Comparisons that wait for reports of more nodes. */
  openRaces(): RaceRecord[];
  /** The `fetch` of the listener's options. */
  readonly fetch: typeof fetch;
  /** The wall clock of the listener's options, Unix time in milliseconds. */
  readonly now: () => number;
}

const accesses = new WeakMap<object, ListenerAccess>();

/** Grants the access; called by the listener's constructor. */
export function grantAccess(listener: object, access: ListenerAccess): void {
  accesses.set(listener, access);
}

/** The access to a listener; `undefined` for any other object. */
export function accessOf(listener: object): ListenerAccess | undefined {
  return accesses.get(listener);
}
