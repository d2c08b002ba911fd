/** What a node's chain has told, by itself or by a recovery, so that nothing is delivered by both. */

import type { BeaconEvent } from "../beacon/beacon_event.ts";
import { eventIdentity } from "../beacon/event_identity.ts";
import { RecentRoots } from "./recent_roots.ts";
import { RecentSet } from "./recent_set.ts";

/** Events of the topics that a recovery may deliver: `block`, `head` and `chain_reorg`. */
export class ToldEvents {
  readonly #liveBlocks = new RecentRoots();
  readonly #liveReorgs = new RecentSet(REMEMBERED);
  readonly #recovered = new RecentSet(REMEMBERED);

  /** Remembers an event that came by itself. Returns whether a recovery had delivered it. */
  addLive(event: BeaconEvent<string>): boolean {
    const known = event as BeaconEvent;
    if (known.topic === "block") this.#liveBlocks.add(known.data.block);
    else if (known.topic === "chain_reorg") {
      this.#liveReorgs.add(identify(event));
    } else if (known.topic !== "head") return false;
    if (this.#recovered.size === 0) return false;
    const identity = identify(event);
    // A head may come back later and is news then: it is a duplicate but once.
    return known.topic === "head"
      ? this.#recovered.delete(identity)
      : this.#recovered.has(identity);
  }

  /** Remembers an event that a recovery delivers. Returns whether it had not come by itself. */
  addRecovered(event: BeaconEvent<string>): boolean {
    const known = event as BeaconEvent;
    const identity = identify(event);
    if (known.topic === "block" && this.#liveBlocks.has(known.data.block)) {
      return false;
    }
    if (this.#liveReorgs.has(identity)) return false;
    this.#recovered.add(identity);
    return true;
  }
}

const REMEMBERED = 128;

/** What two reports of the same have in common. */
export function identify({ topic, data }: BeaconEvent<string>): string {
  return `${topic} ${eventIdentity(topic, data as never)}`;
}
