/** Replays from a shared store of past events what the ring no longer has, then goes over to the ring. */

import { delay } from "@std/async/delay";
import type {
  EventHistory,
  PastEvent,
  PastPage,
  PastRequest,
} from "../../beacon/events/event_history.ts";
import { eventIdentity } from "../../beacon/events/event_identity.ts";
import {
  type BeaconEvent,
  parseEventData,
} from "../../beacon/events/beacon_event.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { CHAIN_TOPICS, type EventHub } from "./event_hub.ts";
import {
  bytesFor,
  encodeEvent,
  encodeGap,
  encodeKeepAlive,
  type Filter,
  type Frame,
  joined,
  rawOf,
} from "./frame.ts";
import type { HadEvents } from "./had_events.ts";
import type { ReaderPast, ReaderStart } from "./reader.ts";

/** What {@linkcode PastReplay} works with. */
export interface PastReplayOptions {
  /** The stream. */
  hub: EventHub;
  /** The store. */
  history: EventHistory;
  /** The slot clock, once it is known. */
  clock: () => SlotClock | undefined;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** The topics that the gateway has. */
  topics: readonly string[];
  /** Ends the waiting when aborted. */
  signal: AbortSignal;
}

/** Where a reader wants to begin. */
export interface PastPlace {
  /** Name of the store that its position is of, and its number there. */
  own?: { store: string; seq: number };
  /** First time; where absent the slot counts. Unix time in milliseconds. */
  time?: number;
  /** First slot. */
  slot: number;
  /** What it has of that slot and the one before. */
  had?: HadEvents | undefined;
  /** Number of the hub's frame before. */
  seq: number;
}

/** Reads the store for all readers. */
export class PastReplay {
  readonly #options: PastReplayOptions;
  readonly #underWay = new Map<string, Promise<PastPage>>();
  #store: string | undefined;

  /** @param options The stream, and the store. */
  constructor(options: PastReplayOptions) {
    this.#options = options;
  }

  /** Whether the store may have that name. */
  isStore(name: string): boolean {
    return this.#store === undefined || name === this.#store;
  }

  /**
   * Finds where a reader begins in the store.
   *
   * @throws {Error} If the store is away, or the slot clock is not known yet.
   */
  async open(place: PastPlace, filter: Filter): Promise<ReaderPast> {
    const { own, time } = place;
    const topics = [...filter.topics].sort();
    const { had } = place;
    let after: PastRequest["after"];
    let isWhole = false;
    if (own !== undefined) after = { seq: own.seq };
    else if (time !== undefined) {
      after = { time: time - this.#marginMs };
      isWhole = time === 0;
    } else {
      after = await this.#boundary(place);
      isWhole = had?.isFound ?? false;
    }
    const page = await this.#read({ after, topics });
    if (own !== undefined && page.store !== own.store) {
      // The store was made again: its numbers mean something else.
      const { own: _, ...rest } = place;
      return await this.open(rest, filter);
    }
    const gap = { from: place.slot, topics };
    const first: Uint8Array<ArrayBuffer>[] = [];
    if (!isWhole && !page.isWhole) {
      const to = page.events[0]?.event.slot ?? this.#options.hub.slot;
      const reason = "the store no longer has them";
      first.push(encodeGap(
        undefined,
        { ...gap, to: Math.max(gap.from, to), reason },
        1,
        filter.gaps,
      ));
    }
    return this.#replay(page, place, filter, first);
  }

  /** The store's events, a page at a time, until it has caught up with the ring. */
  async *#replay(
    page: PastPage,
    { own, time = 0, seq: ringSeq, slot: firstSlot, had }: PastPlace,
    filter: Filter,
    first: Uint8Array<ArrayBuffer>[],
  ): ReaderPast {
    const { hub, now, signal } = this.#options;
    const topics = [...filter.topics].sort();
    const latest = new Latest(2 * this.#marginMs);
    let slot = firstSlot;
    let running = 0;
    let movedAt = now();
    let pieces = first;
    let reason: string | undefined;
    while (true) {
      for (const { seq, event } of page.events) {
        const { topic, slot: ownSlot } = event;
        running = Math.max(running, ownSlot ?? 0);
        slot = Math.max(slot, running);
        const identity = eventIdentity(event);
        if (event.receivedAt < time) continue;
        const compared = {
          identity: CHAIN_TOPICS.has(topic) ? identity : undefined,
          ownSlot,
          slot: running,
        };
        if (own === undefined && had?.take(compared)) continue;
        latest.add(identity, event.receivedAt);
        const id = `${page.store}-${seq}-${slot}`;
        const bytes = bytesFor(toFrame(event, id, seq, slot), filter);
        if (bytes !== undefined) pieces.push(bytes);
      }
      if (pieces.length > 0) yield joined(pieces);
      pieces = [];
      if (page.isEnd && this.#hasCaughtUp(page, filter)) break;
      if (page.isEnd) {
        if (hub.seq > 0 && now() - movedAt > PATIENCE_MS) {
          reason ??= "the store does not have the latest events";
          break;
        }
        await delay(POLL_MS, { signal });
        yield encodeKeepAlive(undefined);
      }
      try {
        const { last } = page;
        page = await this.#read({ after: { seq: last }, topics });
        if (page.last > last) movedAt = now();
        reason = undefined;
      } catch (error) {
        signal.throwIfAborted();
        page = { ...page, events: [], isEnd: true };
        reason = (error as Error).message;
      }
    }
    if (reason !== undefined) {
      const gap = { from: slot, to: Math.max(slot, hub.slot), topics, reason };
      yield encodeGap(undefined, gap, 1, filter.gaps);
    }
    return this.#handOver(page, ringSeq, slot, latest);
  }

  /** Whether nothing can be missing between the store's latest event and the ring's first. */
  #hasCaughtUp({ updatedAt }: PastPage, filter: Filter): boolean {
    const { hub, now } = this.#options;
    const { firstAt } = hub;
    if (firstAt === undefined || now() < firstAt + SETTLED_MS) return false;
    return [...filter.topics].every((topic) =>
      (hub.ring.lost(topic)?.receivedAt ?? 0) <= updatedAt
    ) && firstAt <= updatedAt;
  }

  /** From which frame on the reader takes the rest from the ring, and what it has of that. */
  #handOver(
    { updatedAt }: PastPage,
    ringSeq: number,
    slot: number,
    latest: Latest,
  ): Omit<ReaderStart, "first" | "past"> {
    const { hub } = this.#options;
    const { ring } = hub;
    const since = updatedAt - this.#marginMs;
    const first = ring.firstWhere(({ receivedAt }) => receivedAt >= since);
    const seq = Math.max(ringSeq, (first?.seq ?? hub.seq + 1) - 1);
    const known = latest.counts();
    return {
      seq,
      slot,
      reportedUntil: ring.lostSeq,
      knownUntil: Math.max(slot, hub.slot),
      isKnown: (frame) => {
        const { ownSlot = Infinity, isRecovered } = frame;
        if (frame.topic === undefined) return false;
        // What comes so late here, the store had in time.
        if (ownSlot < (isRecovered ? slot : slot - 1)) return true;
        return count(known, identityOf(frame), -1);
      },
    };
  }

  /** Where in the store the events begin that a reader may lack, and what it has of them. */
  async #boundary({ slot, had }: PastPlace): Promise<PastRequest["after"]> {
    const first = had === undefined ? slot : Math.max(0, slot - 1);
    const time = await this.#startOf(first);
    const after = { time: time - this.#marginMs };
    const pages = await Promise.all(
      this.#options.topics.filter((topic) => CHAIN_TOPICS.has(topic))
        .map((topic) => this.#read({ after, topics: [topic] })),
    );
    const events: PastEvent[] = pages.flatMap(({ events }) => [...events])
      .sort((one, other) => one.seq - other.seq);
    let begin: number | undefined;
    for (const { seq, event } of events) {
      const { slot: ownSlot = 0 } = event;
      if (ownSlot >= first) begin ??= seq;
      had?.learn({ identity: eventIdentity(event), ownSlot, slot: ownSlot });
    }
    return begin === undefined ? { time } : { seq: begin - 1 };
  }

  /** Reads a page; readers with the same wish share it. */
  async #read(request: PastRequest): Promise<PastPage> {
    const key = JSON.stringify(request);
    while (!this.#underWay.has(key) && this.#underWay.size >= MOST_UNDER_WAY) {
      await Promise.race(this.#underWay.values()).catch(() => {});
    }
    let page = this.#underWay.get(key);
    if (page === undefined) {
      const { history, signal } = this.#options;
      page = withDeadline(() => history.read(request), {
        timeoutMs: TIMEOUT_MS,
        signal,
        describe: "Cannot read past events",
      }).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, page);
    }
    const { store } = await page;
    this.#store = store;
    return await page;
  }

  /** The start of a slot; waits a moment for the clock of a gateway that has just started. */
  async #startOf(slot: number): Promise<number> {
    const { clock, now, signal } = this.#options;
    for (let waited = 0; waited < TIMEOUT_MS; waited += POLL_MS) {
      const start = clock()?.slotStart(slot);
      // A node may have reported a slot that is yet to come.
      if (start !== undefined) return Math.min(start, now());
      await delay(POLL_MS, { signal });
    }
    throw new Error("the slot clock is not known yet");
  }

  /** By how much clocks and nodes may differ. */
  get #marginMs(): number {
    const clock = this.#options.clock();
    const slotMs = clock?.slotDurationMs(clock.slotAt(this.#options.now()));
    return Math.max(SETTLED_MS, slotMs ?? 12_000);
  }
}

/** How often the latest events were replayed, by identity; only of the last one or two spans of time. */
class Latest {
  readonly #spanMs: number;
  #since = 0;
  #now = new Map<string, number>();
  #before = new Map<string, number>();

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  add(identity: string, at: number): void {
    if (at > this.#since + this.#spanMs) {
      this.#since = at;
      this.#before = this.#now;
      this.#now = new Map();
    }
    count(this.#now, identity, 1);
  }

  counts(): Map<string, number> {
    const all = new Map(this.#before);
    for (const [identity, times] of this.#now) count(all, identity, times);
    return all;
  }
}

/** Adds to a count. Returns false where there is nothing to take away. */
function count(
  counts: Map<string, number>,
  identity: string,
  by: number,
): boolean {
  const times = (counts.get(identity) ?? 0) + by;
  if (times < 0) return false;
  if (times === 0) counts.delete(identity);
  else counts.set(identity, times);
  return true;
}

function toFrame(
  { topic, raw, node, receivedAt, slot: ownSlot, recovered }: BeaconEvent<
    string
  >,
  id: string,
  seq: number,
  slot: number,
): Frame {
  const bytes = encodeEvent(id, topic, raw);
  const isRecovered = recovered === true;
  return {
    seq,
    slot,
    receivedAt,
    topic,
    bytes,
    node,
    ownSlot,
    isRecovered,
    identity: undefined,
  };
}

function identityOf({ identity, topic = "", bytes }: Frame): string {
  if (identity !== undefined) return identity;
  const raw = rawOf(bytes);
  return eventIdentity({
    topic,
    raw,
    get data() {
      return parseEventData(topic, raw);
    },
  } as BeaconEvent<string>);
}

const MOST_UNDER_WAY = 16;
const TIMEOUT_MS = 10_000;
const POLL_MS = 250;
/** So long after it was stored the store shows an event to all. */
const SETTLED_MS = 1000;
/** The store may stand still for so long while the ring goes on. */
const PATIENCE_MS = 30_000;
