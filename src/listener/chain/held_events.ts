/** The events of a node that wait for a recovery, and how what it found goes between them. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { identify } from "../../beacon/events/event_identity.ts";
import { isHeadReport } from "./head.ts";

export class HeldEvents {
  readonly events: BeaconEvent<string>[] = [];
  readonly #maxBytes: number;
  readonly #onFirst: () => void;
  #bytes = 0;

  /** @param onFirst Called when an event waits. */
  constructor(maxBytes: number, onFirst: () => void) {
    this.#maxBytes = maxBytes;
    this.#onFirst = onFirst;
  }

  /** Returns whether there is still room; if not, the order is kept and the recovery comes too late. */
  add(event: BeaconEvent<string>): boolean {
    this.events.push(event);
    this.#bytes += 2 * event.raw.length;
    if (this.events.length === 1) this.#onFirst();
    return this.events.length <= MAX_HELD && this.#bytes <= this.#maxBytes;
  }
}

const MAX_HELD = 1024;

/**
 * Merges recovered events, in any order, into those that were held, by slot. The node's own keep
 * their order. Left out is what is there already, and a recovered head that a later one follows.
 */
export function mergeRecovered(
  held: readonly BeaconEvent<string>[],
  recovered: readonly BeaconEvent<string>[],
): BeaconEvent<string>[] {
  const own = new Set(
    held.filter((event) => rank(event) > 0).map((event) => identify(event).key),
  );
  const latestHead = Math.max(
    -1,
    ...held.map((event) => isHeadReport(event) ? event.slot! : -1),
  );
  const rest = recovered.filter((event) =>
    !own.has(identify(event).key) &&
    !(isHeadReport(event) && event.slot! <= latestHead)
  ).sort((a, b) => a.slot! - b.slot! || rank(a) - rank(b));
  const merged: BeaconEvent<string>[] = [];
  for (const waiting of held) {
    while (rest.length > 0 && comesBefore(rest[0]!, waiting)) {
      merged.push(rest.shift()!);
    }
    merged.push(waiting);
  }
  return [...merged, ...rest];
}

/** Of one slot, the block comes first, then the reorg, then the head. */
function comesBefore(
  recovered: BeaconEvent<string>,
  own: BeaconEvent<string>,
): boolean {
  const { slot } = own;
  if (slot === undefined || recovered.slot! > slot) return false;
  return recovered.slot! < slot || rank(recovered) < rank(own);
}

function rank(event: BeaconEvent<string>): number {
  if (isHeadReport(event)) return 3;
  if (event.topic === "chain_reorg") return 2;
  return event.topic === "block" ? 1 : 0;
}
