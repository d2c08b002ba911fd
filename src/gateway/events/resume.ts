/** Finds out where a reader begins, and what it lacks that the ring does not have. */

import type { SlotClock } from "../../beacon/slot_clock.ts";
import { eventIdentity } from "../../beacon/events/event_identity.ts";
import type { ChainHistory, History } from "./chain_history.ts";
import type { EventHub } from "./event_hub.ts";
import { encodeEvent, encodeGap, type Filter, type Frame } from "./frame.ts";
import type { Position, Start } from "./position.ts";
import type { PastReplay } from "./past_replay.ts";
import type { ReaderPast, ReaderStart } from "./reader.ts";
import type { Loss } from "./replay_ring.ts";
import { eventsOfDigest } from "./slot_digest.ts";

/** What {@linkcode Resume} works with. */
export interface ResumeOptions {
  /** The stream. */
  hub: EventHub;
  /** The slot clock, once it is known. */
  clock: () => SlotClock | undefined;
  /** When the gateway began to listen, Unix time in milliseconds. */
  startedAt: number;
  /** Where more can be had. */
  history: Pick<ChainHistory, "find">;
  /** Where all is that the gateways have received, if there is such a store. */
  past: PastReplay | undefined;
}

/** Where a reader begins, in the ways that a reader may say it. */
interface Place {
  /** Number of the frame before. */
  seq: number;
  /** First slot that the reader wants something of. */
  slot: number;
  /** Whether a frame that the ring has lost belongs to what the reader wants. */
  isLost: (loss: Loss) => boolean;
  /** Whether it wants something from before the gateway's first frame, or knows of a later slot. */
  isBefore: boolean;
  /** Digest of the reader's position at another gateway. */
  digest?: number | undefined;
  /** Digest of the reader's position at this gateway. */
  ownDigest?: number | undefined;
}

/** Turns a start into a place in the stream. */
export class Resume {
  readonly #options: ResumeOptions;

  /** @param options The stream, and where more can be had. */
  constructor(options: ResumeOptions) {
    this.#options = options;
  }

  /**
   * Finds where a reader begins.
   *
   * @throws {TypeError} If it names an event that is yet to come.
   */
  async find(start: Start | undefined, filter: Filter): Promise<ReaderStart> {
    const { hub } = this.#options;
    const { ring } = hub;
    let reason = NOT_KEPT;
    if (start === undefined) {
      return { seq: hub.seq, slot: hub.slot, reportedUntil: 0, first: [] };
    }
    const place = this.#placeOf(start);
    const { seq, slot, digest } = place;
    // What the ring loses from here on, while headers are requested too, the reader reports.
    const reportedUntil = ring.lostSeq;
    const lacking = [...filter.topics].filter((topic) => {
      const loss = ring.lost(topic);
      return place.isBefore || (loss !== undefined && place.isLost(loss));
    });
    try {
      const past = await this.#past(start, place, lacking, filter);
      if (past !== undefined) {
        return { seq, slot, reportedUntil, first: [], past };
      }
    } catch (error) {
      reason = (error as Error).message;
    }
    if (start.type === "earliest") {
      return { seq, slot, reportedUntil, first: [] };
    }
    const near = digest === undefined ? [] : this.#eventsNear(slot);
    const known = new Set(eventsOfDigest(digest ?? 0, near));
    const first = await this.#fill(
      place,
      lacking,
      filter,
      near,
      known,
      reason,
    );
    // A head that comes again, after another one, is news.
    for (const { identity, seq } of ring.after(0, CHAIN_TOPICS)) {
      if (seq > place.seq) break;
      if (identity !== undefined) known.delete(identity);
    }
    return {
      seq,
      slot,
      reportedUntil,
      first,
      ...((known.size > 0 || digest !== undefined) && {
        isKnown: ({ identity, ownSlot = Infinity, isRecovered }: Frame) =>
          // What comes so late here, the other gateway had in time.
          (digest !== undefined && ownSlot < (isRecovered ? slot : slot - 1)) ||
          (identity !== undefined && known.delete(identity)),
      }),
    };
  }

  /** What the store has for a reader that the ring cannot serve, or whose position is of the store. */
  async #past(
    start: Exclude<Start, undefined>,
    place: Place,
    lacking: readonly string[],
    filter: Filter,
  ): Promise<ReaderPast | undefined> {
    const { past } = this.#options;
    if (past === undefined || filter.topics.size === 0) return undefined;
    const { slot, seq, digest = place.ownDigest } = place;
    const position = start.type === "position" ? start.position : undefined;
    const own = position !== undefined && past.isStore(position.epoch)
      ? { store: position.epoch, seq: position.seq }
      : undefined;
    const isAll = start.type === "earliest";
    if (!isAll && own === undefined && lacking.length === 0) return undefined;
    const time = start.type === "time" ? start.time : isAll ? 0 : undefined;
    return await past.open({
      slot,
      seq,
      digest,
      ...(own !== undefined && { own }),
      ...(time !== undefined && { time }),
    }, filter);
  }

  #placeOf(start: Exclude<Start, undefined>): Place {
    const { hub, clock, startedAt } = this.#options;
    const { ring } = hub;
    const before = (holds: (frame: Frame) => boolean) =>
      (ring.firstWhere(holds)?.seq ?? hub.seq + 1) - 1;
    const fromSlot = (slot: number): Place => ({
      seq: before((frame) => frame.slot >= slot),
      slot,
      isLost: (loss) => loss.slot >= slot,
      isBefore: hub.seq === 0 || slot <= hub.firstSlot,
    });
    const sinceSlot = (slot: number): Place => {
      const place = fromSlot(slot);
      const isToCome = slot > (hub.currentSlot ?? Infinity);
      return { ...place, isBefore: place.isBefore && !isToCome };
    };
    switch (start.type) {
      case "position": {
        const { position } = start;
        if (position.epoch === hub.epoch) return this.#ownPlace(position);
        const { slot, digest } = position;
        const place = fromSlot(slot);
        // A node may have reported a slot that is yet to come.
        const isBefore = place.isBefore || slot > hub.slot + 1;
        return { ...place, isBefore, digest };
      }
      case "slot":
        return sinceSlot(start.slot);
      case "epoch":
        return sinceSlot(start.epoch * (clock()?.slotsPerEpoch ?? 0));
      case "time": {
        const { time } = start;
        return {
          seq: before((frame) => frame.receivedAt >= time),
          slot: Math.max(0, clock()?.slotAt(time) ?? hub.firstSlot),
          isLost: (loss) => loss.receivedAt >= time,
          isBefore: time < startedAt,
        };
      }
      case "earliest":
        return { seq: 0, slot: 0, isLost: () => false, isBefore: false };
    }
  }

  #ownPlace({ seq, slot, digest }: Position): Place {
    if (seq > this.#options.hub.seq) {
      throw new TypeError(
        `Invalid event id: seq must be at most the last one sent (${this.#options.hub.seq}), got ${seq}`,
      );
    }
    return {
      seq,
      slot,
      isLost: (loss) => loss.seq > seq,
      isBefore: false,
      ownDigest: digest,
    };
  }

  /** Chain events that a reader may have whose last event was of a slot; the likeliest first. */
  #eventsNear(slot: number): string[] {
    const near: Frame[] = [];
    for (const frame of this.#options.hub.ring.after(0, CHAIN_TOPICS)) {
      if (frame.identity === undefined) continue;
      if (Math.abs(frame.slot - slot) <= 1) near.push(frame);
    }
    near.sort((a, b) => Math.abs(a.slot - slot) - Math.abs(b.slot - slot));
    return near.map(({ identity }) => identity!);
  }

  /** What the ring lacks: events that follow from headers, and the gap that stays. */
  async #fill(
    place: Place,
    lacking: readonly string[],
    filter: Filter,
    candidates: readonly string[],
    known: Set<string>,
    reason: string,
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    if (lacking.length === 0) return [];
    const { hub } = this.#options;
    const losses = lacking.map((topic) => hub.ring.lost(topic)?.slot ?? 0);
    if (place.isBefore) losses.push(hub.firstSlot);
    const until = Math.max(place.slot, ...losses);
    const gap = (topics: string[], to: number, reason: string) =>
      topics.length === 0 ? [] : [encodeGap(
        undefined,
        { from: place.slot, to, topics, reason },
        this.#countLost(topics, place),
        filter.gaps,
      )];
    const rest = lacking.filter((topic) => !RECOVERABLE.has(topic));
    const wanted = lacking.filter((topic) => RECOVERABLE.has(topic));
    if (wanted.length === 0) return gap(rest, until, reason);
    let recovered: History;
    try {
      const { slot, digest = place.ownDigest } = place;
      recovered = await this.#options.history.find({
        slot,
        digest,
        candidates,
      });
    } catch (error) {
      return gap(
        [...lacking],
        Math.max(until, hub.slot),
        (error as Error).message,
      );
    }
    const had = new Set(recovered.known);
    known.clear();
    if (place.ownDigest === undefined) {
      for (const identity of had) {
        known.add(identity);
        hub.adopt(place.slot, identity);
      }
    }
    const inRing = new Set<string>();
    for (const { identity } of hub.ring.after(place.seq, wanted)) {
      if (identity !== undefined) inRing.add(identity);
    }
    const slots = recovered.events.map(({ slot = 0 }) => slot);
    const pieces = gap(rest, Math.max(until, ...slots), reason);
    if (recovered.from > place.slot) {
      pieces.push(...gap(wanted, recovered.from - 1, "it is too long ago"));
    }
    for (const event of recovered.events) {
      const identity = eventIdentity(event);
      hub.adopt(event.slot, identity);
      if (!wanted.includes(event.topic) || inRing.has(identity)) continue;
      if (had.has(identity)) continue;
      // It may still come by itself.
      known.add(identity);
      pieces.push(encodeEvent(undefined, event.topic, event.raw));
    }
    return pieces;
  }

  #countLost(topics: readonly string[], place: Place): number {
    const { ring } = this.#options.hub;
    let count = 0;
    for (const topic of topics) {
      const loss = ring.lost(topic);
      if (loss !== undefined && place.isLost(loss)) {
        count += Math.min(loss.count, loss.seq - place.seq);
      }
    }
    return count;
  }
}

const NOT_KEPT = "the gateway no longer has them, or did not run";
const CHAIN_TOPICS = [
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "chain_reorg",
];
/** Topics whose events follow from the nodes' headers. */
const RECOVERABLE = new Set(["block", "head", "chain_reorg"]);
