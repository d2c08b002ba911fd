/** Finds out where a reader begins, and what it lacks that the ring does not have. */

import { delay } from "@std/async/delay";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { eventIdentity } from "../../beacon/events/event_identity.ts";
import type { ChainHistory, ChainPiece } from "./chain_history.ts";
import { CHAIN_TOPICS, type EventHub } from "./event_hub.ts";
import {
  encodeEvent,
  encodeGap,
  encodeKeepAlive,
  type Filter,
  type Frame,
  type Gap,
} from "./frame.ts";
import { HadEvents } from "./had_events.ts";
import { missedEvents } from "./piece_events.ts";
import { OwnPosition } from "./own_position.ts";
import type { Digests, Position, Start } from "./position.ts";
import type { PastReplay } from "./past_replay.ts";
import type { ReaderPast, ReaderStart } from "./reader.ts";
import type { Loss } from "./replay_ring.ts";

/** What {@linkcode Resume} works with. */
export interface ResumeOptions {
  /** The stream. */
  hub: EventHub;
  /** The topics that can be had. */
  topics: readonly string[];
  /** The slot clock, once it is known. */
  clock: () => SlotClock | undefined;
  /** When the gateway began to listen, Unix time in milliseconds. */
  startedAt: number;
  /** Where more can be had. */
  history: Pick<ChainHistory, "find">;
  /** Where all is that the gateways have received, if there is such a store. */
  past: PastReplay | undefined;
  /** Ends the waiting when aborted. */
  signal: AbortSignal;
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
  /** Digests of what it has already of that slot and the one before. */
  digests?: Digests | undefined;
  /** The same, read. */
  had?: HadEvents | undefined;
  /** Whether it has that from another gateway, so that it has frames behind `seq` too. */
  isElsewhere?: boolean;
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
    if (this.#options.clock() === undefined && place.isBefore) {
      const { seq, slot } = place;
      const past = this.#afterClock(start, filter);
      return { seq, slot, reportedUntil: 0, first: [], past };
    }
    const { seq, slot, had, isElsewhere } = place;
    // What the ring loses from here on, while headers are requested too, the reader reports.
    const reportedUntil = ring.lostSeq;
    for (const frame of ring.after(0, CHAIN_TOPICS)) had?.learn(frame);
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
    const isToCome = slot > (hub.currentSlot ?? slot) + MOST_AHEAD;
    const own = new OwnPosition(
      hub.epoch,
      isToCome ? 0 : slot,
      place.digests,
    );
    const sent = new Set<string>();
    const first = await this.#fill(place, lacking, filter, reason, sent, own);
    if (!isElsewhere && sent.size === 0) {
      return { seq, slot, reportedUntil, first };
    }
    return {
      seq,
      slot,
      reportedUntil,
      first,
      isKnown: (frame: Frame) =>
        (isElsewhere && had!.take(frame)) || sent.delete(frame.identity!),
      knownUntil: own.until,
      own,
    };
  }

  /** Finds the start as soon as the clock is known: until then no node can be requested. */
  async *#afterClock(
    start: Exclude<Start, undefined>,
    filter: Filter,
  ): ReaderPast {
    const { clock, signal } = this.#options;
    for (let waits = 1; clock() === undefined; waits++) {
      await delay(CLOCK_MS, { signal });
      if (waits % KEEP_ALIVE_WAITS === 0) yield encodeKeepAlive(undefined);
    }
    const { past, ...rest } = await this.find(start, filter);
    return past === undefined ? rest : yield* past;
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
    const { slot, seq, had } = place;
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
      had,
      ...(own !== undefined && { own }),
      ...(time !== undefined && { time }),
    }, filter);
  }

  #placeOf(start: Exclude<Start, undefined>): Place {
    const { hub, clock, startedAt, topics } = this.#options;
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
        const { slot, digests } = position;
        const place = fromSlot(slot);
        const isAhead = slot > hub.slot + 1;
        const isBefore = place.isBefore || isAhead;
        // It must not silence what comes until then.
        const isWrong = isAhead &&
          slot > (hub.currentSlot ?? Infinity) + MOST_AHEAD;
        if (digests === undefined || isWrong) return { ...place, isBefore };
        const gap = [...ring.after(0, [])].find(({ gapTo }) => gapTo! >= slot);
        return {
          ...place,
          seq: Math.min(
            before((frame) => frame.slot >= slot - 1),
            (gap?.seq ?? Infinity) - 1,
          ),
          isBefore,
          digests,
          had: new HadEvents(slot, digests, topics),
          isElsewhere: true,
        };
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

  #ownPlace({ seq, slot, digests }: Position): Place {
    const { hub, topics } = this.#options;
    if (seq > hub.seq) {
      throw new TypeError(
        `Invalid event id: seq must be at most the last one sent (${hub.seq}), got ${seq}`,
      );
    }
    return {
      seq,
      slot,
      isLost: (loss) => loss.seq > seq,
      isBefore: false,
      digests,
      had: digests && new HadEvents(slot, digests, topics),
    };
  }

  /**
   * What the ring lacks: events that follow from headers, and the gap that stays.
   *
   * @param sent Takes the events that may still come by themselves.
   * @param own Takes them too.
   */
  async #fill(
    place: Place,
    lacking: readonly string[],
    filter: Filter,
    reason: string,
    sent: Set<string>,
    own: OwnPosition,
  ): Promise<Uint8Array<ArrayBuffer>[]> {
    if (lacking.length === 0) return [];
    const { hub, history } = this.#options;
    const { slot, had } = place;
    const losses = lacking.map((topic) => hub.ring.lost(topic)?.slot ?? 0);
    if (place.isBefore) losses.push(hub.firstSlot);
    const until = Math.max(slot, ...losses);
    const gap = (gap: Gap) =>
      gap.topics.length === 0 ? [] : [encodeGap(
        undefined,
        gap,
        this.#countLost(gap.topics, place),
        filter.gaps,
      )];
    const rest = lacking.filter((topic) => !RECOVERABLE.has(topic));
    const wanted = lacking.filter((topic) => RECOVERABLE.has(topic));
    if (wanted.length === 0) {
      return gap({ from: slot, to: until, topics: rest, reason });
    }
    let piece: ChainPiece;
    try {
      piece = await history.find(slot);
    } catch (error) {
      const to = Math.max(until, hub.slot);
      const reason = (error as Error).message;
      return gap({ from: slot, to, topics: [...lacking], reason });
    }
    const { from, ancestor, blocks, others } = piece;
    for (const { slot, root } of [ancestor, ...blocks, ...others]) {
      had?.learnBlock(slot, root);
    }
    const { events, withoutHead } = missedEvents(piece, had);
    const frames = [...hub.ring.after(place.seq, filter.topics)];
    const isInRing = ringCheck(frames);
    const ringSlot = Math.min(
      ...frames.map((frame) => frame.ownSlot ?? Infinity),
    );
    // Without digests a reader wants the whole slot, and nothing of the one before.
    const least = had === undefined && from === slot - 1 ? slot : from;
    const missed = events.filter((event) => event.slot! >= least);
    const slots = missed.map(({ slot }) => slot!);
    const to = Math.max(until, ...slots);
    const pieces = gap({ from: slot, to, topics: rest, reason });
    if (from > slot) {
      const reason = "it is too long ago";
      pieces.push(
        ...gap({ from: slot, to: from - 1, topics: wanted, reason }),
      );
    }
    if (withoutHead.length > 0 && wanted.includes("head")) {
      pieces.push(...gap({
        from: withoutHead[0]!.slot,
        to: withoutHead.at(-1)!.slot,
        topics: ["head"],
        reason: "it is not known what their duties depend on",
      }));
    }
    for (const event of missed) {
      const identity = eventIdentity(event);
      const { topic, raw, slot } = event;
      if (!wanted.includes(topic) || isInRing(identity, slot!)) continue;
      // Behind it there may be earlier slots in the ring.
      const isInOrder = slot! < ringSlot;
      if (isInOrder) own.moveTo(slot!);
      own.add(slot!, identity);
      sent.add(identity);
      pieces.push(encodeEvent(isInOrder ? own.id : undefined, topic, raw));
    }
    return pieces;
  }

  #countLost(topics: readonly string[], place: Place): number {
    const { ring } = this.#options.hub;
    let count = 0;
    for (const topic of topics) {
      const loss = ring.lost(topic);
      if (loss !== undefined && place.isLost(loss)) {
        count += ring.lostAfter(topic, place.seq);
      }
    }
    return count;
  }
}

/** Whether an event follows from the ring, so that it must not be sent before. */
function ringCheck(
  frames: readonly Frame[],
): (identity: string, slot: number) => boolean {
  const identities = new Set(frames.map(({ identity }) => identity));
  const ofTopic = (topic: string) =>
    frames.filter((frame) => frame.topic === topic);
  // Of a reorg, nodes may name another block of the new branch.
  const left = new Set(
    ofTopic("chain_reorg").map(({ identity }) => identity!.split("/")[2]),
  );
  // Heads are in order; those that the ring does not have are a gap in it.
  const firstHead = Math.min(
    ...ofTopic("head").map(({ ownSlot }) => ownSlot ?? Infinity),
  );
  return (identity, slot) => {
    const [topic, , root] = identity.split("/");
    return identities.has(identity) ||
      (topic === "chain_reorg" && left.has(root)) ||
      (topic === "head" && slot >= firstHead);
  };
}

/** A gateway that has just started learns the time within a moment. */
const CLOCK_MS = 50;
const KEEP_ALIVE_WAITS = 300;
/** By how many slots a chain may be ahead of the clock. */
const MOST_AHEAD = 8;
const NOT_KEPT = "the gateway no longer has them, or did not run";
/** Topics whose events follow from the nodes' headers. */
const RECOVERABLE = new Set(["block", "head", "chain_reorg"]);
