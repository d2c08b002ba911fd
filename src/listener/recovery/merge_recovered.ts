/** Puts what a recovery found among the events that have waited for it. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { isHeadReport } from "../chain/head.ts";
import { identify } from "../../beacon/events/event_identity.ts";

/**
 * Merges recovered events into those that came by themselves meanwhile, by slot. The node's own keep
 * their order. Left out is what is there already, and a recovered head that a later one follows.
 *
 * @param held What came by itself, in order.
 * @param recovered What was found, in any order.
 */
export function mergeRecovered(
  held: readonly BeaconEvent<string>[],
  recovered: readonly BeaconEvent<string>[],
): BeaconEvent<string>[] {
  const own = new Set<string>();
  let latestHead = -1;
  for (const event of held) {
    if (RECOVERABLE.has(event.topic)) own.add(identify(event).key);
    if (isHeadReport(event)) latestHead = Math.max(latestHead, event.slot!);
  }
  const rest = recovered.filter((event) =>
    !own.has(identify(event).key) &&
    !(isHeadReport(event) && event.slot! <= latestHead)
  ).sort((a, b) => a.slot! - b.slot! || rank(a) - rank(b));
  const merged: BeaconEvent<string>[] = [];
  for (const event of held) {
    while (rest.length > 0 && comesBefore(rest[0]!, event)) {
      merged.push(rest.shift()!);
    }
    merged.push(event);
  }
  return [...merged, ...rest];
}

/** The topics that a recovery delivers. */
const RECOVERABLE = new Set(["block", "head", "chain_reorg"]);

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
