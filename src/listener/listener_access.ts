/** What gateway and NATS, which are of this package, use of a listener beyond its public API. */

import type { NodeEndpoint } from "../beacon/http/endpoint.ts";
import type { ExtraMetric } from "./metrics/metrics.ts";
import type { NodeSnapshot } from "./node_state.ts";
import type { RaceRecord } from "./race/race_tracker.ts";

export interface NodeAccess {
  /** Where the node is, credentials included. */
  readonly endpoint: NodeEndpoint;
  readonly gaps: ReadonlyMap<string, number>;
  /** Whether its stream is open, and nothing before what it reports is missing. */
  readonly isComplete: boolean;
  /** The slot of its last head before which nothing is missing. */
  readonly completeSlot: number | undefined;
  snapshot(): NodeSnapshot;
}

export interface ListenerAccess {
  readonly topics: readonly string[];
  nodes(): Iterable<NodeAccess>;
  openRaces(): RaceRecord[];
  /** Adds metrics to the listener's, if it has any; of equal names the first stays. */
  addMetrics(metrics: readonly ExtraMetric[]): void;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

const accesses = new WeakMap<object, ListenerAccess>();

export function grantAccess(listener: object, access: ListenerAccess): void {
  accesses.set(listener, access);
}

/** `undefined` for what is no listener. */
export function accessOf(listener: object): ListenerAccess | undefined {
  return accesses.get(listener);
}
