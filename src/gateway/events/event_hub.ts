/**
 * The one stream that all readers read: takes events and gaps of the listener, numbers them, keeps
 * the latest, and sends them once per turn of the event loop.
 */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { eventIdentity } from "../../beacon/events/event_identity.ts";
import {
  encodeEvent,
  encodeGap,
  encodeKeepAlive,
  type Filter,
  type Frame,
  type Gap,
} from "./frame.ts";
import { formatPosition } from "./position.ts";
import {
  type OpenReader,
  Reader,
  ReaderGroup,
  type ReaderStart,
} from "./reader.ts";
import { ReplayRing, type ReplayRingOptions } from "./replay_ring.ts";
import { digestForm, SlotDigests } from "./slot_digest.ts";

/** Options for {@linkcode EventHub}. */
export interface EventHubOptions extends ReplayRingOptions {
  /** Name of this run of the gateway. */
  epoch: string;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** The slot by the clock, where it is known. */
  currentSlot: () => number | undefined;
  /** The slot in which the gateway began to listen, once the clock is known. */
  startSlot: () => number | undefined;
  /** Interval of keep-alives, in milliseconds. */
  keepAliveMs: number;
}

/** Owns the stream and its readers. */
export class EventHub {
  /** Name of this run of the gateway. */
  readonly epoch: string;
  /** The latest frames. */
  readonly ring: ReplayRing;
  readonly #options: EventHubOptions;
  readonly #groups = new Map<string, ReaderGroup>();
  #readers = 0;
  #seq = 0;
  #first: Frame | undefined;
  readonly #digests = new SlotDigests();
  #flush: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setInterval> | undefined;
  #beats = 0;
  #isClosed = false;

  /** @param options Bounds and clocks. */
  constructor(options: EventHubOptions) {
    this.#options = options;
    this.epoch = options.epoch;
    this.ring = new ReplayRing(options);
  }

  /** Number of the last frame. */
  get seq(): number {
    return this.#seq;
  }

  /** The latest slot of the stream, before the first event that of its start; 0 where that is not known. */
  get slot(): number {
    return this.#digests.slot || (this.#options.startSlot() ?? 0);
  }

  /** The slot by the clock, where it is known. */
  get currentSlot(): number | undefined {
    return this.#options.currentSlot();
  }

  /** The slot of the first frame; before it, that of the next one. */
  get firstSlot(): number {
    return this.#first?.slot ?? this.slot;
  }

  /** When the first frame came, Unix time in milliseconds. */
  get firstAt(): number | undefined {
    return this.#first?.receivedAt;
  }

  /** How many readers there are. */
  get readers(): number {
    return this.#readers;
  }

  /** The position behind the last frame; `undefined` as long as no slot is known. */
  get position(): string | undefined {
    return this.slot === 0 ? undefined : this.#id();
  }

  /** Adds an event. */
  publish(event: BeaconEvent<string>): void {
    const { topic, raw, node, receivedAt } = event;
    const identity = CHAIN_TOPICS.has(topic) ? eventIdentity(event) : undefined;
    this.#moveTo(event.slot);
    if (identity !== undefined) {
      this.#digests.add(event.slot, digestForm(identity));
    }
    const seq = ++this.#seq;
    const bytes = encodeEvent(this.#id(), topic, raw);
    const { slot } = this;
    this.#add({
      seq,
      slot,
      receivedAt,
      topic,
      bytes,
      node,
      ownSlot: event.slot,
      isRecovered: event.recovered === true,
      identity,
    });
  }

  /** Adds a gap. */
  addGap(gap: Gap, count: number, node: string): void {
    const seq = ++this.#seq;
    this.#add({
      seq,
      slot: this.slot,
      receivedAt: this.#options.now(),
      topic: undefined,
      bytes: encodeGap(undefined, gap, count, false),
      gapBytes: encodeGap(this.#id(), gap, count, true),
      gapTopics: gap.topics,
      gapTo: gap.to,
      node,
      ownSlot: undefined,
      isRecovered: false,
      identity: undefined,
    });
  }

  /** Whether one of the latest events is about a block with that root or slot. */
  isNews(id: string): boolean {
    const latest = this.ring.after(this.#seq - NEWS, CHAIN_TOPICS);
    for (const { identity, ownSlot } of latest) {
      if (
        id.startsWith("0x") ? identity?.includes(id) : ownSlot === Number(id)
      ) {
        return true;
      }
    }
    return false;
  }

  /**
   * Prepares a reader.
   *
   * @param filter What it reads.
   * @param start Where it begins.
   * @param onGone Called once, when it has ended.
   */
  open(filter: Filter, start: ReaderStart, onGone: () => void): OpenReader {
    return (sink) => {
      let group = this.#groups.get(filter.key);
      if (group === undefined) {
        group = new ReaderGroup(this, filter);
        this.#groups.set(filter.key, group);
      }
      const { readers } = group;
      const reader = new Reader(this, group, sink, start, {
        now: this.#options.now,
        onGone: () => {
          if (readers.size === 0) this.#groups.delete(filter.key);
          if (--this.#readers === 0) this.#stopBeat();
          onGone();
        },
      });
      readers.add(reader);
      this.#readers++;
      if (this.#isClosed) reader.end(false);
      else {
        this.#startBeat();
        reader.pump();
      }
      return reader;
    };
  }

  /** Ends all readers, what is left sent before. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#flush);
    for (const reader of this.#all()) {
      reader.end(reader.isStuck(MOST_PATIENCE_MS));
    }
    this.#stopBeat();
  }

  #add(frame: Frame): void {
    this.#first ??= frame;
    this.ring.push(frame);
    if (this.#readers === 0 || this.#isClosed) return;
    // All that arrives in this turn of the event loop goes out in one write.
    this.#flush ??= setTimeout(() => {
      this.#flush = undefined;
      for (const { readers } of this.#groups.values()) {
        for (const reader of readers) reader.pump();
      }
    }, 0);
  }

  #id(): string {
    const { epoch, slot } = this;
    return formatPosition({
      epoch,
      seq: this.#seq,
      digests: this.#digests.value,
      slot,
    });
  }

  /** A slot that is yet to come is believed only where the chain has come to it step by step. */
  #moveTo(slot: number | undefined): void {
    const { slot: latest } = this.#digests;
    if (slot === undefined || slot <= latest) return;
    if (slot > Math.max(this.currentSlot ?? slot, latest) + 1) return;
    this.#digests.moveTo(slot);
  }

  #all(): Reader[] {
    return [...this.#groups.values()].flatMap(({ readers }) => [...readers]);
  }

  #startBeat(): void {
    const intervalMs = Math.min(this.#options.keepAliveMs, STUCK_AFTER_MS / 6);
    this.#beat ??= setInterval(() => {
      this.#beats += intervalMs;
      const isDue = this.#beats >= this.#options.keepAliveMs;
      if (isDue) this.#beats = 0;
      const bytes = encodeKeepAlive(this.position);
      for (const reader of this.#all()) {
        if (reader.isStuck(STUCK_AFTER_MS)) reader.end(true);
        else if (isDue && reader.isIdle) reader.keepAlive(bytes);
      }
    }, intervalMs);
  }

  #stopBeat(): void {
    clearInterval(this.#beat);
    this.#beat = undefined;
    this.#beats = 0;
  }
}

/** A reader whose connection has had no room for so long is closed. */
const STUCK_AFTER_MS = 30_000;
/** At the end one that has had no room for so long is cut off, so that nothing waits for it. */
const MOST_PATIENCE_MS = 1000;

/** Among how many of the latest events of all topics a block is news. */
const NEWS = 64;

/** Topics of few events a slot, by which another gateway can tell what a reader has. */
export const CHAIN_TOPICS: ReadonlySet<string> = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "chain_reorg",
]);
