/**
 * A reader of the event stream. It has no queue of its own: it has a place in the ring that all
 * share, and takes the next bytes from there when its connection has room for them.
 */

import {
  bytesFor,
  encodeGap,
  encodeKeepAlive,
  type Filter,
  type Frame,
  type Gap,
  joined,
  withPosition,
} from "./frame.ts";
import type { OwnPosition } from "./own_position.ts";
import type { ReplayRing } from "./replay_ring.ts";

/** Where a reader's bytes go: the server's side of a connection. */
export interface Sink {
  /** Takes bytes. Returns whether it has room for more; if not, it calls `drained()` when it has. */
  write(bytes: Uint8Array<ArrayBuffer>): boolean;
  /** Ends the connection; cleanly, or cut off where the peer does not read. */
  end(isCut: boolean): void;
}

/** What a sink calls back. */
export interface ReaderHandle {
  /** There is room again. */
  drained(): void;
  /** The peer is gone. */
  gone(): void;
}

/** Connects a sink with the event stream, which begins at once. */
export type OpenReader = (sink: Sink) => ReaderHandle;

/** The stream that readers read, as they need it. */
export interface ReadableHub {
  /** Number of the last frame. */
  readonly seq: number;
  /** The latest slot so far. */
  readonly slot: number;
  /** The position behind the last frame, as an id. */
  readonly position: string | undefined;
  /** The latest frames. */
  readonly ring: ReplayRing;
}

/** Bytes for a reader, and how far they bring it. */
interface Chunk {
  bytes: Uint8Array<ArrayBuffer> | undefined;
  seq: number;
  slot: number;
  /** The oldest slot that one of its events is of. */
  oldestSlot: number;
}

/** The most events of one write. */
const MOST_EVENTS = 1024;
/** The most bytes of one write, beyond which only its first event may go. */
const MOST_BYTES = 1024 * 1024;
/** For how many places in the stream the bytes behind them are kept until the next event. */
const MOST_CHUNKS = 16;

/** The readers with equal filters: what one of them gets, the others at its place get too. */
export class ReaderGroup {
  /** What they read. */
  readonly filter: Filter;
  /** The readers. */
  readonly readers: Set<Reader> = new Set();
  readonly #hub: ReadableHub;
  readonly #chunks = new Map<number, Chunk>();
  #chunksSeq = 0;

  /**
   * @param hub What they read from.
   * @param filter What they read.
   */
  constructor(hub: ReadableHub, filter: Filter) {
    this.#hub = hub;
    this.filter = filter;
  }

  /** The next bytes behind a place; made once for all readers that are there. */
  chunkAfter(seq: number): Chunk {
    if (this.#chunksSeq !== this.#hub.seq) {
      this.#chunksSeq = this.#hub.seq;
      this.#chunks.clear();
    }
    let chunk = this.#chunks.get(seq);
    if (chunk === undefined) {
      chunk = this.#make(seq, () => false);
      if (this.#chunks.size < MOST_CHUNKS) this.#chunks.set(seq, chunk);
    }
    return chunk;
  }

  /** The same for one reader that has some of the frames already, or a position of its own. */
  chunkFor(
    seq: number,
    isKnown: (frame: Frame) => boolean,
    own: OwnPosition | undefined,
  ): Chunk {
    return this.#make(seq, isKnown, own);
  }

  #make(
    after: number,
    isKnown: (frame: Frame) => boolean,
    own?: OwnPosition,
  ): Chunk {
    const { ring } = this.#hub;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    let last: { seq: number; slot: number } = { seq: after, slot: 0 };
    let oldestSlot = Infinity;
    for (const frame of ring.after(after, this.filter.topics)) {
      let bytes = isKnown(frame) ? undefined : bytesFor(frame, this.filter);
      if (bytes !== undefined) {
        const isFull = pieces.length === MOST_EVENTS ||
          (pieces.length > 0 && length + bytes.length > MOST_BYTES);
        if (isFull) {
          const { seq, slot } = last;
          return { bytes: joined(pieces), seq, slot, oldestSlot };
        }
        if (own !== undefined) {
          own.take(frame);
          bytes = withPosition(bytes, own.id);
        }
        pieces.push(bytes);
        length += bytes.length;
        oldestSlot = Math.min(oldestSlot, frame.ownSlot ?? frame.slot);
      }
      last = frame;
    }
    const { seq, slot } = this.#hub;
    own?.moveTo(slot);
    const bytes = pieces.length === 0 ? undefined : joined(pieces);
    return { bytes, seq, slot, oldestSlot };
  }
}

/** What a reader begins with. */
export interface ReaderStart {
  /** Number of the last frame that it has, or does not want. */
  seq: number;
  /** The slot of that frame. */
  slot: number;
  /** Up to which frame losses are reported, in `first`, or of no interest. */
  reportedUntil: number;
  /** Bytes that go before everything else. */
  first: Uint8Array<ArrayBuffer>[];
  /** Whether it has a frame behind `seq` already. */
  isKnown?: ((frame: Frame) => boolean) | undefined;
  /** Bytes of a longer past, after `first`; it returns where the reader goes on then. */
  past?: ReaderPast;
  /** The latest slot of such frames. */
  knownUntil?: number;
  /** Its position, where that is not the stream's. */
  own?: OwnPosition | undefined;
}

/** A past that is read as fast as the connection takes it. */
export type ReaderPast = AsyncGenerator<
  Uint8Array<ArrayBuffer>,
  Omit<ReaderStart, "first" | "past"> & Partial<Pick<ReaderStart, "first">>,
  void
>;

/** One reader. */
export class Reader implements ReaderHandle {
  readonly #group: ReaderGroup;
  readonly #hub: ReadableHub;
  readonly #sink: Sink;
  readonly #now: () => number;
  readonly #onGone: () => void;
  #seq: number;
  #slot: number;
  /** Up to which frame losses of a topic were reported. */
  readonly #reported = new Map<string, number>();
  #reportedUntil: number;
  #first: Uint8Array<ArrayBuffer>[];
  #isKnown: (frame: Frame) => boolean;
  #knownUntil: number;
  #own: OwnPosition | undefined;
  #past: ReaderPast | undefined;
  #wake: () => void = () => {};
  /** Since when its connection has no room, Unix time in milliseconds. */
  #blockedAt: number | undefined;
  #isEnded = false;

  constructor(
    hub: ReadableHub,
    group: ReaderGroup,
    sink: Sink,
    start: ReaderStart,
    options: { now: () => number; onGone: () => void },
  ) {
    this.#hub = hub;
    this.#group = group;
    this.#sink = sink;
    this.#seq = start.seq;
    this.#slot = start.slot;
    this.#reportedUntil = start.reportedUntil;
    this.#first = start.first;
    this.#isKnown = start.isKnown ?? (() => false);
    this.#knownUntil = start.knownUntil ?? -1;
    this.#own = start.own;
    this.#now = options.now;
    this.#onGone = options.onGone;
    this.#past = start.past;
    if (start.past !== undefined) void this.#readPast(start.past);
  }

  /** Whether it has everything so far, and room for more. */
  get isIdle(): boolean {
    return this.#blockedAt === undefined && this.#first.length === 0 &&
      this.#past === undefined && this.#seq === this.#hub.seq;
  }

  /** Sends what there is, as far as there is room. */
  pump(): void {
    while (this.#blockedAt === undefined && !this.#isEnded) {
      const bytes = this.#next();
      if (bytes === undefined) return;
      this.write(bytes);
    }
  }

  /** Sends a keep-alive, of which these bytes have the position of the stream. */
  keepAlive(bytes: Uint8Array<ArrayBuffer>): void {
    this.write(
      this.#own === undefined ? bytes : encodeKeepAlive(this.#own.id),
    );
  }

  /** Sends bytes that are no part of the stream. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#isEnded) return;
    if (!this.#sink.write(bytes)) this.#blockedAt = this.#now();
  }

  /** @inheritdoc */
  drained(): void {
    this.#blockedAt = undefined;
    this.#wake();
    this.pump();
  }

  /** @inheritdoc */
  gone(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#group.readers.delete(this);
    this.#wake();
    this.#onGone();
  }

  /** Whether its connection has had no room for so long. */
  isStuck(afterMs: number): boolean {
    return this.#blockedAt !== undefined &&
      this.#now() - this.#blockedAt >= afterMs;
  }

  /** Ends it: cleanly, with what there is room for, or cut off. */
  end(isCut: boolean): void {
    if (this.#isEnded) return;
    if (!isCut) this.pump();
    this.gone();
    this.#sink.end(isCut);
  }

  async #readPast(past: ReaderPast): Promise<void> {
    try {
      while (!this.#isEnded) {
        const { done, value } = await past.next();
        if (done) {
          this.#seq = value.seq;
          this.#slot = value.slot;
          this.#reportedUntil = value.reportedUntil;
          this.#isKnown = value.isKnown ?? (() => false);
          this.#knownUntil = value.knownUntil ?? -1;
          this.#own = value.own;
          this.#first = value.first ?? [];
          this.#past = undefined;
          return this.pump();
        }
        this.write(value);
        while (this.#blockedAt !== undefined && !this.#isEnded) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      }
      await past.return(undefined as never);
    } catch {
      // The gateway is closed.
      this.end(true);
    }
  }

  #next(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#first.length > 0) return this.#takeFirst();
    if (this.#past !== undefined) return undefined;
    while (this.#seq < this.#hub.seq) {
      const lost = this.#lost();
      if (lost !== undefined) return lost;
      const bytes = this.#nextChunk();
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  /** What goes before, and what follows, in one write with its position: cut between, both would come twice. */
  #takeFirst(): Uint8Array<ArrayBuffer> {
    const pieces = this.#first;
    this.#first = [];
    if (this.#past !== undefined) return joined(pieces);
    const lost = this.#lost();
    if (lost !== undefined) pieces.push(lost);
    const next = this.#nextChunk();
    if (next !== undefined) pieces.push(next);
    const { seq, position } = this.#hub;
    if (this.#seq === seq) {
      pieces.push(encodeKeepAlive(this.#own?.id ?? position));
    }
    return joined(pieces);
  }

  #nextChunk(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#slot > (this.#own?.until ?? Infinity) + 1) this.#own = undefined;
    const own = this.#own;
    let chunk = own === undefined
      ? this.#group.chunkAfter(this.#seq)
      : undefined;
    // A node that recovers late may report what the reader has, however long after.
    if (chunk === undefined || chunk.oldestSlot <= this.#knownUntil) {
      chunk = this.#group.chunkFor(this.#seq, this.#isKnown, own);
    }
    this.#seq = chunk.seq;
    this.#slot = chunk.slot;
    return chunk.bytes;
  }

  /** What it lost because it was slower than the ring is long. */
  #lost(): Uint8Array<ArrayBuffer> | undefined {
    const { ring } = this.#hub;
    if (ring.lostSeq <= this.#seq) return undefined;
    const { filter } = this.#group;
    const gap: Gap = { from: this.#slot, to: this.#slot, topics: [], reason };
    const topics: string[] = [];
    let count = 0;
    for (const topic of filter.topics) {
      const since = Math.max(
        this.#seq,
        this.#reported.get(topic) ?? this.#reportedUntil,
      );
      const lost = ring.lost(topic);
      if (lost === undefined || lost.seq <= since) continue;
      this.#reported.set(topic, lost.seq);
      topics.push(topic);
      gap.to = Math.max(gap.to, lost.slot);
      count += ring.lostAfter(topic, since);
    }
    if (topics.length === 0) return undefined;
    return encodeGap(undefined, { ...gap, topics }, count, filter.gaps);
  }
}

const reason = "the reader was slower than the events that are kept";
