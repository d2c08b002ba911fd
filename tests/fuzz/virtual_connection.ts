/** One event stream of a virtual node: what was sent on it, and how much of that arrived. */

import { confession, type Frame } from "./frames.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { VirtualBody } from "./virtual_body.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** A frame that was put on the wire. */
export interface SentFrame {
  /** What it is. */
  frame: Frame;
  /** How many bytes of the stream have to arrive until it counts. */
  decidedAfter: number;
  /** When that was, in virtual milliseconds; `undefined` as long as it was not. */
  arrivedAt: number | undefined;
  /** In which turn of the event loop. */
  arrivedInTurn: number | undefined;
  /** Whether the stream broke in the very same moment: then it may have been lost, rightly. */
  isInDoubt: boolean;
}

/** What a {@linkcode VirtualConnection} needs. */
export interface VirtualConnectionOptions {
  /** When what happens. */
  time: VirtualTime;
  /** For how frames are cut. */
  random: SeededRandom;
  /** What was asked for. */
  topics: readonly string[];
  /** Share of frames that arrive in pieces. */
  cutShare: number;
  /** Sends a comment after so much silence; 0: never. */
  keepAliveMs: number;
  /** The comment. */
  comment: Uint8Array<ArrayBuffer>;
  /** Called before the first byte goes out. */
  onFirstByte: () => void;
}

/** An event stream. */
export class VirtualConnection {
  /** What was asked for. */
  readonly topics: readonly string[];
  /** Every frame, in order. */
  readonly sent: SentFrame[] = [];
  /** Where the bytes go. */
  readonly body: VirtualBody;
  /** When it was opened. */
  readonly openedAt: number;
  /** When it ended, by whomever. */
  endedAt: number | undefined;
  /** The longest time in which it was open and no event and no comment was complete, in milliseconds. */
  longestSilenceMs = 0;
  /** Whether a fault has silenced it for good. */
  isMute = false;
  /** When its headers went out. */
  headersAt: number | undefined;
  readonly #options: VirtualConnectionOptions;
  /** Pieces that wait for their time. */
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  #isDripping = false;
  #writtenBytes = 0;
  #firstUndecided = 0;
  #progressAt: number;
  #lastWriteAt: number;
  #heldUntil = 0;
  #held: Frame[] = [];
  #leaveOut = 0;
  #leftOut = 0;
  #endsWhenWritten = false;
  #stopKeepAlive = () => {};

  /** @param options Its surroundings. */
  constructor(options: VirtualConnectionOptions) {
    this.#options = options;
    this.topics = options.topics;
    this.openedAt = this.#lastWriteAt = this.#progressAt = options.time.now;
    this.body = new VirtualBody({ onLeft: () => this.#ended() });
    this.#keepAlive();
  }

  /** Whether anything sent now could still arrive. */
  get isOpen(): boolean {
    return this.body.state === "open" && !this.#endsWhenWritten;
  }

  /** Sends an event, if it is wanted and nothing is wrong. */
  send(frame: Frame): void {
    const { time } = this.#options;
    if (!this.isOpen || this.isMute) return;
    if (time.now < this.#heldUntil) {
      this.#held.push(frame);
    } else if (this.#leaveOut > 0) {
      this.#leftOut++;
      if (--this.#leaveOut === 0) this.#confess();
    } else {
      this.#writeFrame(frame);
    }
  }

  /** Sends bytes that are no event. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length === 0 || !this.isOpen || this.isMute) return;
    this.#put([bytes]);
  }

  /** Nothing but {@linkcode VirtualConnection.force} is sent from now on. */
  mute(): void {
    this.isMute = true;
  }

  /** Sends bytes although it is mute. */
  force(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.isOpen) this.#put([bytes]);
  }

  /** Sends a comment, which shows that it lives, although it is mute. */
  comment(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.isOpen) return;
    this.#put([bytes]);
    this.#progress();
  }

  /** Keeps events back for so long. */
  hold(forMs: number): void {
    const { time } = this.#options;
    if (time.now < this.#heldUntil) return;
    this.#heldUntil = time.now + forMs;
    time.after(forMs, () => {
      const held = this.#held;
      this.#held = [];
      for (const frame of held) this.send(frame);
    });
  }

  /** Leaves the next events out, and says so behind them. */
  leaveOut(count: number): void {
    this.#leaveOut += count;
  }

  /** Ends the stream behind what was sent. */
  end(): void {
    if (!this.isOpen) return;
    this.#endsWhenWritten = true;
    if (this.#pieces.length === 0) this.#finish();
  }

  /** Breaks the stream. What arrives in this very moment may be lost. */
  break(): void {
    if (this.body.state !== "open") return;
    const { time } = this.#options;
    for (const sent of this.sent) {
      if (sent.arrivedInTurn === time.turn) sent.isInDoubt = true;
    }
    this.#pieces.length = 0;
    this.body.break(new TypeError("error reading a body from connection"));
    this.#ended();
  }

  #writeFrame(frame: Frame): void {
    const decidedAfter = this.#writtenBytes + frame.decidedAfter;
    this.sent.push({
      frame,
      decidedAfter,
      arrivedAt: undefined,
      arrivedInTurn: undefined,
      isInDoubt: false,
    });
    this.#put(this.#cut(frame.bytes));
  }

  #confess(): void {
    this.#writeFrame(confession(this.#leftOut));
    this.#leftOut = 0;
  }

  /** Whole most often, else in a few pieces, or in tiny ones; these one after the other. */
  #cut(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const { random, cutShare } = this.#options;
    if (!random.chance(cutShare)) return [bytes];
    const isTiny = bytes.length < 1000 && random.chance(0.05);
    const longest = isTiny
      ? 3
      : Math.max(20, bytes.length / random.integer(1, 4));
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = random.integer(1, longest);
      pieces.push(bytes.subarray(at, at + length));
      at += length;
    }
    if (random.chance(0.3)) this.#isDripping = true;
    return pieces;
  }

  #put(pieces: Uint8Array<ArrayBuffer>[]): void {
    for (const piece of pieces) this.#writtenBytes += piece.length;
    if (this.#isDripping) {
      if (this.#pieces.length === 0) {
        this.#options.time.after(1, () => this.#drip());
      }
      this.#pieces.push(...pieces);
    } else {
      for (const piece of pieces) this.#hand(piece);
    }
  }

  #drip(): void {
    if (this.body.state !== "open") return;
    const piece = this.#pieces.shift();
    if (piece !== undefined) this.#hand(piece);
    if (this.#pieces.length > 0) {
      this.#options.time.after(
        this.#options.random.integer(0, 20),
        () => this.#drip(),
      );
      return;
    }
    this.#isDripping = false;
    if (this.#endsWhenWritten) this.#finish();
  }

  #hand(piece: Uint8Array<ArrayBuffer>): void {
    const { time, onFirstByte } = this.#options;
    onFirstByte();
    this.#lastWriteAt = time.now;
    this.body.write(piece);
    for (; this.#firstUndecided < this.sent.length; this.#firstUndecided++) {
      const sent = this.sent[this.#firstUndecided]!;
      if (sent.decidedAfter > this.body.handed) break;
      sent.arrivedAt = time.now;
      sent.arrivedInTurn = time.turn;
      if (sent.frame.kind !== "oversize") this.#progress();
    }
  }

  #keepAlive(): void {
    const { time, keepAliveMs, comment } = this.#options;
    if (keepAliveMs === 0) return;
    const due = Math.max(1, this.#lastWriteAt + keepAliveMs - time.now);
    this.#stopKeepAlive = time.after(due, () => {
      if (time.now - this.#lastWriteAt >= keepAliveMs && !this.isMute) {
        this.comment(comment);
      }
      // Muted, it must not come back in the same moment.
      if (time.now - this.#lastWriteAt >= keepAliveMs) {
        this.#lastWriteAt = time.now;
      }
      this.#keepAlive();
    });
  }

  #finish(): void {
    this.#options.onFirstByte();
    this.body.end();
    this.#ended();
  }

  #progress(): void {
    const { now } = this.#options.time;
    this.longestSilenceMs = Math.max(
      this.longestSilenceMs,
      now - this.#progressAt,
    );
    this.#progressAt = now;
  }

  #ended(): void {
    this.#progress();
    this.endedAt = this.#options.time.now;
    this.#stopKeepAlive();
    this.#pieces.length = 0;
  }
}
