/** What a node's chain has told, by itself or by a recovery, so that nothing is delivered by both. */

import type { BeaconEvent } from "../beacon/beacon_event.ts";
import { eventIdentity } from "../beacon/event_identity.ts";
import { type HeadReport, isHeadReport, readHead } from "./last_head.ts";
import { RecentRoots } from "./recent_roots.ts";
import { RecentSet } from "./recent_set.ts";

/** Events of the topics that a recovery may deliver: `block`, `head` and `chain_reorg`. */
export class ToldEvents {
  readonly #liveBlocks = new RecentRoots();
  readonly #liveReorgs = new RecentSet(REMEMBERED);
  readonly #recovered = new RecentSet(REMEMBERED);
  /** Slot of the recovered head that the node's own heads have not come to yet. */
  #slotAhead = -1;

  /** Remembers an event that came by itself. Returns whether a recovery was ahead of it. */
  addLive(event: BeaconEvent<string>): boolean {
    const known = event as BeaconEvent;
    if (known.topic === "block") this.#liveBlocks.add(known.data.block);
    else if (known.topic === "chain_reorg") {
      this.#liveReorgs.add(identify(event));
    } else if (!isHeadReport(event)) return false;
    if (this.#recovered.size === 0) return false;
    return isHeadReport(event)
      ? this.#isBehind(event)
      : this.#recovered.has(identify(event));
  }

  /** Remembers an event that a recovery delivers. Returns whether it is news. */
  addRecovered(event: BeaconEvent<string>): boolean {
    const known = event as BeaconEvent;
    const identity = identify(event);
    if (known.topic === "block" && this.#liveBlocks.has(known.data.block)) {
      return false;
    }
    if (this.#liveReorgs.has(identity)) return false;
    const isNew = this.#recovered.add(identity);
    if (known.topic !== "head") return isNew;
    // One that another one has followed since is news again.
    this.#slotAhead = known.data.slot;
    return true;
  }

  /**
   * Whether a head is one of those that led to a recovered one, or that one itself. But once: a head
   * may come back later, and is news then.
   */
  #isBehind(event: HeadReport): boolean {
    const { slot, root } = readHead(event);
    if (
      slot < this.#slotAhead && this.#recovered.has(blockIdentity(slot, root))
    ) {
      return true;
    }
    this.#slotAhead = -1;
    return event.topic === "head" && this.#recovered.delete(identify(event));
  }
}

const REMEMBERED = 128;

/** What two reports of the same have in common. */
export function identify({ topic, data }: BeaconEvent<string>): string {
  return `${topic} ${eventIdentity(topic, data as never)}`;
}

function blockIdentity(slot: number, block: string): string {
  const data = { slot, block, execution_optimistic: false };
  return `block ${eventIdentity("block", data)}`;
}
