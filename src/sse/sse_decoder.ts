/**
 * The synchronous core: text in, events out, by the rules of the WHATWG HTML standard
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
 */

import { EventNames, ownCopy } from "./event_names.ts";
import { readPlainEvents } from "./plain_events.ts";
import type { ServerSentEvent } from "./server_sent_event.ts";
import { SseOversizeError } from "./sse_oversize_error.ts";
import { TextPieces } from "./text_pieces.ts";
import { utf8Length } from "./utf8_length.ts";

/** Options of {@linkcode SseDecoder} and of the streams over it. */
export interface SseDecoderOptions {
  /**
   * The most bytes of UTF-8 that one event may hold: the values of its `data`, `event` and `id`
   * fields and the line feeds between its data lines, an unfinished line included. Comments and
   * unknown fields are never held and do not count.
   *
   * @default {4194304}
   */
  maxEventBytes?: number;
  /**
   * What happens to an event over the cap: `"skip"` drops it and goes on behind its blank line,
   * `"error"` throws {@linkcode SseOversizeError}.
   *
   * @default {"skip"}
   */
  onOversize?: "skip" | "error";
  /**
   * Called with the text of each comment line, without the colon and one space after it, cut off
   * behind 1024 UTF-16 code units.
   */
  onComment?: (comment: string) => void;
  /** Called with each `retry` field that consists of digits, in milliseconds. */
  onRetry?: (milliseconds: number) => void;
}

/**
 * Decodes an event stream from text chunks cut anywhere. Work is linear in the input whatever the
 * chunking, memory is bounded by `maxEventBytes` and one chunk.
 *
 * Put a `TextDecoder` with `ignoreBOM: true` in front: the decoder strips the one leading byte
 * order mark itself, and some decoders drop a later U+FEFF, which is content.
 *
 * @example Usage
 * ```ts
 * import { SseDecoder } from "@org/beacon-sse/sse";
 * import { assertEquals } from "@std/assert";
 *
 * const decoder = new SseDecoder();
 * assertEquals(decoder.push("event: head\ndata: {"), []);
 * assertEquals(decoder.push("}\n\n"), [{ type: "head", data: "{}", lastEventId: "" }]);
 * ```
 */
export class SseDecoder {
  readonly #maxEventBytes: number;
  readonly #throwsOnOversize: boolean;
  readonly #onComment: ((comment: string) => void) | undefined;
  readonly #onRetry: ((milliseconds: number) => void) | undefined;

  #isStart = true;
  #afterCarriageReturn = false;
  #skipping = false;
  /** Whether nothing is held of any event or line, so that the next line begins a new event. */
  #isBetweenEvents = true;

  /** Beginning of an event that may be plain, from the end of the chunk before. */
  #carried = "";
  /** Start of a line that is too short to tell its field. */
  #undecided = "";
  #heldField: Field = NONE;
  /** Whether the held line's value has begun, that is, its optional space is behind us. */
  #valueBegun = false;
  readonly #heldValue = new TextPieces("");
  #lastUnit = 0;
  #commentRoom = 0;

  readonly #data = new TextPieces("\n");
  #type = "";
  #id = "";
  #idBuffer = "";
  #lastEventId = "";

  /** UTF-16 code units retained for the event in flight: a third of the most bytes they can be. */
  #units = 0;
  /** Their exact bytes, or {@linkcode UNMEASURED} while the units alone prove that they fit. */
  #bytes = UNMEASURED;
  #oversized = 0;

  readonly #names = new EventNames();

  /**
   * Creates a decoder for one stream.
   *
   * @param options What to do at the edges.
   * @throws {RangeError} If `maxEventBytes` is not a positive integer.
   * @throws {TypeError} If `onOversize` is neither `"skip"` nor `"error"`.
   */
  constructor(options: SseDecoderOptions = {}) {
    const { maxEventBytes = 4 * 1024 * 1024, onOversize = "skip" } = options;
    if (!Number.isSafeInteger(maxEventBytes) || maxEventBytes < 1) {
      throw new RangeError(
        `Cannot create decoder: maxEventBytes must be a positive integer, got ${maxEventBytes}`,
      );
    }
    if (onOversize !== "skip" && onOversize !== "error") {
      throw new TypeError(
        `Cannot create decoder: onOversize must be "skip" or "error", got "${onOversize}"`,
      );
    }
    checkCallback("onComment", options.onComment);
    checkCallback("onRetry", options.onRetry);
    this.#maxEventBytes = maxEventBytes;
    this.#throwsOnOversize = onOversize === "error";
    this.#onComment = options.onComment;
    this.#onRetry = options.onRetry;
  }

  /** The last event ID in force, `""` where the stream never set one. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  /** How many events were dropped because they exceeded `maxEventBytes`. */
  get oversized(): number {
    return this.#oversized;
  }

  /**
   * Takes the next piece of the stream. An event counts as complete at its blank line; what the
   * stream leaves unterminated at its end is, by the standard, no event.
   *
   * @param text Decoded text, cut anywhere.
   * @returns The events completed by it, in order.
   * @throws {SseOversizeError} With `onOversize: "error"`, for an event over the cap.
   */
  push(text: string): ServerSentEvent[] {
    const events: ServerSentEvent[] = [];
    if (text === "") return events;
    const oversized = this.#oversized;
    let position = 0;
    if (this.#carried !== "") {
      position = this.#finishCarried(text, events);
    } else if (this.#isStart) {
      this.#isStart = false;
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) position = 1;
    } else if (this.#afterCarriageReturn) {
      this.#afterCarriageReturn = false;
      if (text.charCodeAt(0) === LINE_FEED) position = 1;
    }
    this.#pushText(text, position, true, events);
    if (this.#throwsOnOversize && this.#oversized > oversized) {
      throw new SseOversizeError(this.#maxEventBytes, events);
    }
    return events;
  }

  /**
   * The event whose beginning the chunk before held, read as a whole if this chunk has its end: much
   * cheaper than line by line. Returns where the rest of the chunk begins.
   */
  #finishCarried(text: string, events: ServerSentEvent[]): number {
    const carried = this.#carried;
    this.#carried = "";
    const isCutInBlankLine = text.charCodeAt(0) === LINE_FEED &&
      carried.charCodeAt(carried.length - 1) === LINE_FEED;
    const blankLine = isCutInBlankLine ? -1 : text.indexOf("\n\n");
    if (isCutInBlankLine || (blankLine !== -1 && blankLine < MOST_CARRIED)) {
      const end = blankLine + 2;
      const event = carried + text.slice(0, end);
      if (
        !event.includes("\r") &&
        this.#readPlain(event, 0, events) === event.length
      ) return end;
    }
    this.#pushText(carried, 0, false, events);
    return 0;
  }

  #readPlain(
    text: string,
    position: number,
    events: ServerSentEvent[],
  ): number {
    return readPlainEvents(
      text,
      position,
      this.#maxEventBytes / 3,
      this.#names,
      this.#lastEventId,
      events,
    );
  }

  /** Whether `text[position…]` may wait for its end: a small piece of what looks like a plain event. */
  #isToCarry(text: string, position: number): boolean {
    const length = text.length - position;
    if (length > MOST_CARRIED || length * 3 > this.#maxEventBytes) return false;
    if (text.charCodeAt(position) !== SMALL_E) return false;
    // A second line that is complete may be a field that has an effect of its own.
    const lineEnd = text.indexOf("\n", position);
    return lineEnd === -1 || text.indexOf("\n", lineEnd + 1) === -1;
  }

  #pushText(
    text: string,
    position: number,
    mayCarry: boolean,
    events: ServerSentEvent[],
  ): void {
    if (this.#undecided !== "") {
      text = this.#undecided + text;
      this.#undecided = "";
    }
    // The next CR is looked for only once passed, so that each search covers new text.
    let carriageReturn = text.indexOf("\r", position);
    while (position < text.length) {
      if (carriageReturn === -1 && this.#isBetweenEvents) {
        position = this.#readPlain(text, position, events);
        if (position === text.length) break;
        if (mayCarry && this.#isToCarry(text, position)) {
          this.#carried = text.slice(position);
          break;
        }
      }
      this.#isBetweenEvents = false;
      let end = text.indexOf("\n", position);
      if (carriageReturn !== -1 && (end === -1 || carriageReturn < end)) {
        end = carriageReturn;
      }
      if (end === -1) {
        this.#hold(text, position);
        break;
      }
      this.#pushLine(text, position, end, events);
      position = end + 1;
      if (end === carriageReturn) {
        // A line ends at CR at once, or events would wait for the next chunk; an LF after it is void.
        if (position === text.length) this.#afterCarriageReturn = true;
        else if (text.charCodeAt(position) === LINE_FEED) position++;
        carriageReturn = text.indexOf("\r", position);
      }
    }
  }

  /** One line, `text[start, end)`, or the end of the line that is held. */
  #pushLine(
    text: string,
    start: number,
    end: number,
    events: ServerSentEvent[],
  ): void {
    if (this.#heldField !== NONE) {
      this.#holdValue(text, start, end);
      const field = this.#heldField;
      this.#heldField = NONE;
      if (field === IGNORED) return;
      const value = this.#heldValue.toString();
      this.#heldValue.clear();
      this.#finish(field, value);
      return;
    }
    if (start === end) {
      this.#dispatch(events);
      return;
    }
    const field = this.#fieldAt(text, start, end);
    if (field === IGNORED) return;
    let valueStart = start + FIELD_NAMES[field]!.length + 1;
    if (valueStart >= end) {
      this.#pushValue(field, "");
      return;
    }
    if (text.charCodeAt(valueStart) === SPACE) valueStart++;
    this.#pushValue(field, text.slice(valueStart, end));
  }

  /** The field of a line that starts at `start`; {@linkcode NONE} if more text could change it. */
  #fieldAt(text: string, start: number, end: number, isWhole = true): Field {
    if (text.charCodeAt(start) === COLON) return COMMENT;
    if (this.#skipping) return IGNORED;
    for (let field = DATA; field <= RETRY; field++) {
      const name = FIELD_NAMES[field]!;
      if (!text.startsWith(name, start)) {
        if (
          !isWhole && end - start < name.length &&
          name.startsWith(text.slice(start, end))
        ) {
          return NONE;
        }
        continue;
      }
      const nameEnd = start + name.length;
      if (nameEnd > end) continue;
      if (nameEnd === end) return isWhole ? field : NONE;
      if (text.charCodeAt(nameEnd) === COLON) return field;
    }
    return IGNORED;
  }

  /** Keeps what is needed of a line whose end is not here yet. */
  #hold(text: string, start: number): void {
    if (this.#heldField === NONE) {
      const field = this.#fieldAt(text, start, text.length, false);
      if (field === NONE) {
        this.#undecided = text.slice(start);
        return;
      }
      this.#heldField = field;
      this.#valueBegun = false;
      this.#lastUnit = 0;
      this.#commentRoom = this.#onComment === undefined ? 0 : MAX_COMMENT_UNITS;
      if (field === IGNORED) return;
      start += FIELD_NAMES[field]!.length + 1;
      // Counted in advance for a data line: its line feed is retained however the line goes on.
      if (field === DATA && !this.#data.isEmpty && !this.#retain("\n", 0)) {
        this.#drop();
        return;
      }
    }
    this.#holdValue(text, start, text.length);
  }

  #holdValue(text: string, start: number, end: number): void {
    if (this.#heldField === IGNORED || start >= end) return;
    if (!this.#valueBegun) {
      this.#valueBegun = true;
      if (text.charCodeAt(start) === SPACE) start++;
      if (start === end) return;
    }
    if (this.#heldField === COMMENT) {
      const stop = Math.min(end, start + this.#commentRoom);
      this.#commentRoom -= stop - start;
      if (stop > start) this.#heldValue.push(text.slice(start, stop));
      return;
    }
    const piece = text.slice(start, end);
    const fits = this.#retain(piece, this.#lastUnit);
    this.#heldValue.push(piece);
    this.#lastUnit = piece.charCodeAt(piece.length - 1);
    if (!fits) this.#drop();
  }

  /** A field whose line is here as a whole. */
  #pushValue(field: Field, value: string): void {
    if (field === COMMENT) {
      this.#onComment?.(
        value.length > MAX_COMMENT_UNITS
          ? value.slice(0, MAX_COMMENT_UNITS)
          : value,
      );
      return;
    }
    const joins = field === DATA && !this.#data.isEmpty;
    if ((joins && !this.#retain("\n", 0)) || !this.#retain(value, 0)) {
      this.#drop();
      return;
    }
    this.#finish(field, value);
  }

  /** Applies a field whose value is already counted. */
  #finish(field: Field, value: string): void {
    switch (field) {
      case COMMENT:
        this.#onComment?.(value);
        break;
      case DATA:
        this.#data.push(value);
        break;
      case EVENT:
        this.#release(this.#type);
        this.#type = value === "" ? "" : this.#names.intern(value);
        break;
      case ID:
        if (value.includes("\0")) {
          this.#release(value);
        } else {
          this.#release(this.#id);
          this.#id = this.#idBuffer = ownCopy(value);
        }
        break;
      case RETRY:
        this.#release(value);
        if (DIGITS.test(value)) this.#onRetry?.(Number(value));
        break;
    }
  }

  #dispatch(events: ServerSentEvent[]): void {
    this.#isBetweenEvents = true;
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    this.#lastEventId = this.#idBuffer;
    if (!this.#data.isEmpty) {
      events.push({
        type: this.#type === "" ? "message" : this.#type,
        data: this.#data.toString(),
        lastEventId: this.#lastEventId,
      });
    }
    this.#forget();
  }

  /** Counts a piece towards the cap; false when the event is over it. */
  #retain(piece: string, previousUnit: number): boolean {
    const units = this.#units + piece.length;
    if (units * 3 > this.#maxEventBytes) {
      if (this.#bytes === UNMEASURED) this.#bytes = this.#measure();
      this.#bytes += utf8Length(piece, previousUnit);
    }
    this.#units = units;
    return this.#bytes <= this.#maxEventBytes;
  }

  /** Takes a value that is no longer held off the count. */
  #release(value: string): void {
    this.#units -= value.length;
    if (this.#bytes !== UNMEASURED) this.#bytes -= utf8Length(value);
  }

  #measure(): number {
    // A data line in flight has counted its line feed already, which no piece here holds.
    const known = this.#data.toString() + this.#type + this.#id;
    const held = this.#heldField === NONE ? "" : this.#heldValue.toString();
    return utf8Length(known) + utf8Length(held) +
      (this.#units - known.length - held.length);
  }

  #drop(): void {
    this.#forget();
    this.#idBuffer = this.#lastEventId;
    this.#skipping = true;
    if (this.#heldField !== NONE) {
      this.#heldField = IGNORED;
      this.#heldValue.clear();
    }
    this.#oversized++;
  }

  #forget(): void {
    this.#data.clear();
    this.#type = "";
    this.#id = "";
    this.#units = 0;
    this.#bytes = UNMEASURED;
  }
}

type Field = number;
const NONE: Field = -1;
const COMMENT: Field = 0;
const DATA: Field = 1;
const EVENT: Field = 2;
const ID: Field = 3;
const RETRY: Field = 4;
const IGNORED: Field = 5;
const FIELD_NAMES = ["", "data", "event", "id", "retry"];

const BYTE_ORDER_MARK = 0xfeff;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const SMALL_E = 0x65;
const DIGITS = /^[0-9]+$/;
const UNMEASURED = -1;
const MAX_COMMENT_UNITS = 1024;
/** The most units that are copied to read an event as a whole. */
const MOST_CARRIED = 16 * 1024;

function checkCallback(name: string, callback: unknown): void {
  if (callback !== undefined && typeof callback !== "function") {
    throw new TypeError(
      `Cannot create decoder: ${name} must be a function, got ${
        typeof callback === "string"
          ? JSON.stringify(callback)
          : String(callback)
      }`,
    );
  }
}
