/** What a node's chain has told, by itself or by a recovery, so that nothing is delivered by both. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { identify } from "../../beacon/events/event_identity.ts";
import { type HeadReport, isHeadReport, readHead } from "../chain/head.ts";
import { RecentRoots } from "../merge/recent_roots.ts";
import { RecentSet } from "../merge/recent_set.ts";

/** Events of the topics that a recovery may deliver: `block`, `head` and `chain_reorg`. */
export class ToldEvents {
  readonly #liveBlocks = new RecentRoots();
  readonly #liveReorgs = new RecentSet(REMEMBERED);
  readonly #recovered = new RecentSet(REMEMBERED);
  readonly #recoveredBlocks = new RecentRoots();
  /** The recovered head that the node's own heads have not come to yet. */
  #ahead: BeaconEvent<"head"> | undefined;

  /** Remembers an event that came by itself. Returns whether a recovery was ahead of it. */
  addLive(event: BeaconEvent<string>): boolean {
    const known = event as BeaconEvent;
    if (isHeadReport(event)) {
      return this.#ahead !== undefined && this.#isBehind(event, this.#ahead);
    }
    if (known.topic === "block") {
      this.#liveBlocks.add(known.data.block);
      return this.#recovered.size > 0 &&
        this.#recovered.has(identify(event).key);
    }
    if (known.topic !== "chain_reorg") return false;
    const identity = identify(event).key;
    this.#liveReorgs.add(identity);
    if (this.#recovered.has(identity)) return true;
    // The node's heads are past the recovered one.
    this.#ahead = undefined;
    return false;
  }

  /**
   * Remembers an event that a recovery has found.
   *
   * @param isWanted Whether it is to be delivered if it is news.
   * @returns Whether it is to be delivered.
   */
  addRecovered(event: BeaconEvent<string>, isWanted: boolean): boolean {
    const known = event as BeaconEvent;
    const identity = identify(event).key;
    if (known.topic === "head") {
      // One that was told before and that another one has followed is news again.
      this.#ahead = known;
      return isWanted;
    }
    if (known.topic === "block") {
      this.#recoveredBlocks.add(known.data.block);
      if (this.#liveBlocks.has(known.data.block)) return false;
    }
    if (!isWanted || this.#liveReorgs.has(identity)) return false;
    return this.#recovered.add(identity);
  }

  /**
   * Whether a head is the recovered one, which it is but once, or one of those that led to it and was
   * under way meanwhile.
   */
  #isBehind(event: HeadReport, ahead: BeaconEvent<"head">): boolean {
    const { slot, root } = readHead(event);
    if (
      slot < ahead.data.slot && this.#recoveredBlocks.has(root) &&
      event.receivedAt <= ahead.receivedAt + LATE_MS
    ) return true;
    this.#ahead = undefined;
    return event.topic === "head" && root === ahead.data.block;
  }
}

const REMEMBERED = 128;
/** For so long an event may have been under way while the headers were asked for. */
const LATE_MS = 2000;
