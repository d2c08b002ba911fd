/**
 * The latest frames, so that a reader which was away, or is slow, gets what it missed. Each topic
 * has a ring of its own: a flood of attestations must not push the heads out.
 */

import type { Frame } from "./frame.ts";

/** Bounds of a {@linkcode ReplayRing}. */
export interface ReplayRingOptions {
  /** The most frames of one topic. */
  maxEvents: number;
  /** The most bytes of all topics together. */
  maxBytes: number;
}

/** The last frame that was evicted. */
export interface Loss {
  /** Its number. */
  readonly seq: number;
  /** Its slot. */
  readonly slot: number;
  /** When it arrived, Unix time in milliseconds. */
  readonly receivedAt: number;
  /** How many frames were evicted so far. */
  readonly count: number;
}

/** Keeps frames by topic; gaps are a topic of their own. */
export class ReplayRing {
  readonly #options: ReplayRingOptions;
  readonly #topics = new Map<string | undefined, TopicRing>();
  #bytes = 0;
  #lostSeq = 0;

  /** @param options Its bounds. */
  constructor(options: ReplayRingOptions) {
    this.#options = options;
  }

  /** How many bytes it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many frames it holds. */
  get size(): number {
    let size = 0;
    for (const ring of this.#topics.values()) size += ring.size;
    return size;
  }

  /** Number of the latest frame that it no longer has. */
  get lostSeq(): number {
    return this.#lostSeq;
  }

  /** Adds a frame, whose number must be above all others. */
  push(frame: Frame): void {
    const { maxEvents, maxBytes } = this.#options;
    let ring = this.#topics.get(frame.topic);
    if (ring === undefined) {
      ring = new TopicRing();
      this.#topics.set(frame.topic, ring);
    }
    ring.push(frame);
    this.#bytes += frame.bytes.length;
    if (ring.size > maxEvents) this.#evict(ring);
    while (this.#bytes > maxBytes) {
      let largest = ring;
      for (const each of this.#topics.values()) {
        if (each.bytes > largest.bytes) largest = each;
      }
      this.#evict(largest);
    }
  }

  /** The frames of some topics, and all gaps, whose number is above `seq`, in order. */
  *after(seq: number, topics: Iterable<string>): Generator<Frame, void, void> {
    const cursors: { ring: TopicRing; place: number }[] = [];
    for (const topic of [undefined, ...topics]) {
      const ring = this.#topics.get(topic);
      if (ring === undefined) continue;
      const place = ring.placeAfter(seq);
      if (place < ring.size) cursors.push({ ring, place });
    }
    while (cursors.length > 0) {
      let first = 0;
      let frame = cursors[0]!.ring.at(cursors[0]!.place);
      for (let i = 1; i < cursors.length; i++) {
        const other = cursors[i]!.ring.at(cursors[i]!.place);
        if (other.seq < frame.seq) [first, frame] = [i, other];
      }
      const cursor = cursors[first]!;
      if (++cursor.place === cursor.ring.size) cursors.splice(first, 1);
      yield frame;
    }
  }

  /** The first frame of any topic for which a condition holds that holds for all later ones. */
  firstWhere(holds: (frame: Frame) => boolean): Frame | undefined {
    let first: Frame | undefined;
    for (const ring of this.#topics.values()) {
      const frame = ring.firstWhere(holds);
      if (
        frame !== undefined && !(first !== undefined && first.seq < frame.seq)
      ) {
        first = frame;
      }
    }
    return first;
  }

  /** The last frame of a topic that the ring no longer has; `undefined` where it has them all. */
  lost(topic: string): Loss | undefined {
    const ring = this.#topics.get(topic);
    return ring === undefined || ring.lost.count === 0 ? undefined : ring.lost;
  }

  /** How many frames of a topic behind `seq` it no longer has, as far as it remembers. */
  lostAfter(topic: string, seq: number): number {
    return this.#topics.get(topic)?.lostAfter(seq) ?? 0;
  }

  #evict(ring: TopicRing): void {
    this.#bytes -= ring.evict(this.#options.maxEvents);
    this.#lostSeq = Math.max(this.#lostSeq, ring.lost.seq);
  }
}

/** A queue of frames in order of their number. */
class TopicRing {
  lost: Loss = { seq: 0, slot: 0, receivedAt: 0, count: 0 };
  bytes = 0;
  #frames: Frame[] = [];
  #start = 0;
  /** Numbers of the last frames that were evicted. */
  #evicted: number[] = [];

  get size(): number {
    return this.#frames.length - this.#start;
  }

  at(place: number): Frame {
    return this.#frames[this.#start + place]!;
  }

  push(frame: Frame): void {
    this.#frames.push(frame);
    this.bytes += frame.bytes.length;
  }

  /** Takes the oldest frame out; returns its size. */
  evict(most: number): number {
    const { seq, slot, receivedAt, bytes } = this.at(0);
    this.#evicted.push(seq);
    if (this.#evicted.length > 2 * most) {
      this.#evicted = this.#evicted.slice(-most);
    }
    this.lost = { seq, slot, receivedAt, count: this.lost.count + 1 };
    this.bytes -= bytes.length;
    // Moved up now and then, so that neither each eviction nor the array costs much.
    this.#frames[this.#start++] = undefined!;
    if (this.#start >= 512 && this.#start * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(this.#start);
      this.#start = 0;
    }
    return bytes.length;
  }

  lostAfter(seq: number): number {
    let count = 0;
    while (this.#evicted.at(-1 - count)! > seq) count++;
    return count;
  }

  placeAfter(seq: number): number {
    return this.#search((frame) => frame.seq > seq);
  }

  firstWhere(holds: (frame: Frame) => boolean): Frame | undefined {
    const place = this.#search(holds);
    return place < this.size ? this.at(place) : undefined;
  }

  #search(holds: (frame: Frame) => boolean): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (holds(this.at(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
