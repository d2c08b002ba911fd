/**
 * The synchronous core: text in, events out, by the rules of the WHATWG HTML standard
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
 */

import {
  checkFunction,
  checkInteger,
  checkObject,
  refuse,
} from "../values/check.ts";
import { EventSize } from "./event_size.ts";
import { type Field, fieldAt, valueOffset } from "./field.ts";
import { ownCopy } from "../values/own_copy.ts";
import type { ServerSentEvent } from "./server_sent_event.ts";
import { SseOversizeError } from "./sse_oversize_error.ts";
import { TextPieces } from "./text_pieces.ts";

/** Options of {@linkcode SseDecoder} and of the streams over it. */
export interface SseDecoderOptions {
  /**
   * The most bytes of UTF-8 that one event may hold: the values of its `data`, `event` and `id`
   * fields and the line feeds between its data lines. The unfinished line counts as well, whatever
   * its field. Comments and unknown fields are not held and do not count.
   *
   * @default {4194304}
   */
  maxEventBytes?: number;
  /**
   * What happens to an event over the cap: `"skip"` drops it and continues after its blank line,
   * `"error"` throws {@linkcode SseOversizeError}.
   *
   * @default {"skip"}
   */
  onOversize?: "skip" | "error";
  /**
   * Called with the text of each comment line, without the colon and one space after it, at most
   * 1024 UTF-16 code units of it.
   */
  onComment?: (comment: string) => void;
  /** Called with each `retry` field that consists of digits, in milliseconds. */
  onRetry?: (milliseconds: number) => void;
}

/**
 * Decodes an event stream from text chunks that may be cut anywhere. The work is linear in the input,
 * and the memory is bounded by `maxEventBytes` and one chunk.
 *
 * Put a `TextDecoder` with `ignoreBOM: true` in front: the decoder strips the one leading byte
 * order mark itself, and some decoders drop a later U+FEFF, which is content.
 *
 * The data of an event are cut from the chunk, not copied, so an event keeps its chunk in memory. Copy
 * the data of events that you keep.
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
  readonly #throwsOnOversize: boolean;
  readonly #onComment: ((comment: string) => void) | undefined;
  readonly #onRetry: ((milliseconds: number) => void) | undefined;
  #isStart = true;
  #afterCarriageReturn = false;
  #oversized = 0;
  /** What the current push has completed. */
  #events: ServerSentEvent[] | undefined;

  /** The last name of each length. */
  readonly #recentNames: (string | undefined)[] = [];

  // The event in flight.
  readonly #size: EventSize;
  readonly #data = new TextPieces();
  #dataLines = 0;
  #type = "";
  #id: string | undefined;
  #lastEventId = "";
  /** Whether it is over the cap; its lines are dropped up to the blank line. */
  #isSkipped = false;
  /** Whether nothing of it has arrived. */
  #isUntouched = true;

  // The line in flight, if it began in an earlier chunk.
  #field: Field | undefined;
  /** Its beginning, while that is too short to show the field. */
  #beginning = "";
  /** Its value so far; that of a `data` field is in `#data` already. */
  readonly #value = new TextPieces();
  /** Whether the value has begun, after its optional space. */
  #hasValueBegun = false;
  #lastUnit = 0;
  #commentRoom = 0;

  /**
   * Creates a decoder for one stream.
   *
   * @param options Cap and callbacks.
   * @throws {RangeError} If `maxEventBytes` is not a positive integer.
   * @throws {TypeError} If `onOversize` is neither `"skip"` nor `"error"`, or a callback is no function.
   */
  constructor(options: SseDecoderOptions = {}) {
    const action = "create decoder";
    checkObject(action, "options", options);
    const { maxEventBytes = 4 * 1024 * 1024, onOversize = "skip" } = options;
    checkInteger(action, "maxEventBytes", maxEventBytes, 1);
    if (onOversize !== "skip" && onOversize !== "error") {
      refuse(action, "onOversize", `"skip" or "error"`, onOversize);
    }
    checkFunction(action, "onComment", options.onComment);
    checkFunction(action, "onRetry", options.onRetry);
    this.#throwsOnOversize = onOversize === "error";
    this.#onComment = options.onComment;
    this.#onRetry = options.onRetry;
    this.#size = new EventSize(
      maxEventBytes,
      () => [
        this.#data.toString(),
        this.#value.toString(),
        this.#type,
        this.#id ?? "",
      ],
    );
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
   * Takes the next piece of the stream. An event is complete at its blank line; by the standard, one
   * that the stream leaves unfinished at its end is no event.
   *
   * @param text Decoded text, cut anywhere.
   * @returns The events that it completed, in order.
   * @throws {SseOversizeError} With `onOversize: "error"`, for an event over the cap.
   */
  push(text: string): ServerSentEvent[] {
    if (text === "") return [];
    const oversized = this.#oversized;
    let position = 0;
    if (this.#isStart) {
      this.#isStart = false;
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) position = 1;
    } else if (this.#afterCarriageReturn) {
      this.#afterCarriageReturn = false;
      if (text.charCodeAt(0) === LINE_FEED) position = 1;
    }
    if (this.#beginning !== "") {
      text = this.#beginning + text;
      this.#beginning = "";
    }
    this.#pushText(text, position);
    const events = this.#events ?? [];
    this.#events = undefined;
    if (this.#throwsOnOversize && this.#oversized > oversized) {
      throw new SseOversizeError(this.#size.mostBytes, events);
    }
    return events;
  }

  #pushText(text: string, position: number): void {
    // Each search begins behind the last line end, so that no text is searched twice.
    let carriageReturn = text.indexOf("\r", position);
    let lineFeed = -1;
    while (position < text.length) {
      if (this.#isUntouched && carriageReturn === -1) {
        position = this.#readPlain(text, position);
        if (position === text.length) return;
      }
      this.#isUntouched = false;
      if (lineFeed < position) lineFeed = findLineFeed(text, position);
      let end = Math.min(lineFeed, text.length);
      if (carriageReturn !== -1 && carriageReturn < end) end = carriageReturn;
      if (end === text.length) {
        this.#hold(text, position);
        return;
      }
      this.#pushLine(text, position, end);
      position = end + 1;
      if (end === carriageReturn) {
        // A CR ends its line at once, else the event would wait for the next chunk. An LF after it is ignored.
        if (position === text.length) this.#afterCarriageReturn = true;
        else if (text.charCodeAt(position) === LINE_FEED) position++;
        carriageReturn = text.indexOf("\r", position);
      }
    }
  }

  /**
   * Reads events of the form that nodes send, `event: x⏎data: y⏎⏎`, without taking lines apart.
   * Returns where it stopped: at the first event that has another form or is not complete.
   */
  #readPlain(text: string, position: number): number {
    const lastEventId = this.#lastEventId;
    const mostUnits = this.#size.fittingUnits;
    while (isEventAt(text, position)) {
      const nameEnd = text.indexOf("\n", position);
      if (nameEnd === -1 || !isDataAt(text, nameEnd + 1)) break;
      let nameStart = position + 6;
      if (text.charCodeAt(nameStart) === SPACE) nameStart++;
      if (nameStart === nameEnd) break;
      let start = nameEnd + 6;
      const end = text.indexOf("\n", start);
      if (end === -1) {
        if (text.length - position > mostUnits) break;
        this.#beginPlain(text.slice(nameStart, nameEnd), text, start);
        return text.length;
      }
      if (
        text.charCodeAt(end + 1) !== LINE_FEED || end - position > mostUnits
      ) break;
      if (text.charCodeAt(start) === SPACE) start++;
      this.#add({
        type: this.#nameAt(text, nameStart, nameEnd),
        data: text.slice(start, end),
        lastEventId,
      });
      position = end + 2;
    }
    return position;
  }

  /** The name of an event: the same string as the last time, since a new one is slow to look up. */
  #nameAt(text: string, start: number, end: number): string {
    const length = end - start;
    const recent = this.#recentNames[length];
    if (recent !== undefined && text.startsWith(recent, start)) return recent;
    const name = text.slice(start, end);
    if (length < MAX_RECENT_UNITS) this.#recentNames[length] = ownCopy(name);
    return name;
  }

  /** Begins an event of that form whose data end in a later chunk. */
  #beginPlain(type: string, text: string, start: number): void {
    this.#isUntouched = false;
    this.#size.add(type);
    this.#type = type;
    this.#beginLine("data");
    this.#addValue(text, start, text.length);
  }

  /** One line, `text[start, end)`, or the rest of the line in flight. */
  #pushLine(text: string, start: number, end: number): void {
    if (this.#field === undefined) {
      if (start === end) {
        this.#dispatch();
        return;
      }
      const field = fieldAt(text, start, end, true)!;
      this.#beginLine(field);
      start += valueOffset(field);
    }
    this.#addValue(text, start, end);
    this.#endLine();
  }

  /** Keeps what is needed of a line whose end has not arrived. */
  #hold(text: string, start: number): void {
    if (this.#field === undefined) {
      const field = fieldAt(text, start, text.length, false);
      if (field === undefined) {
        this.#beginning = text.slice(start);
        return;
      }
      this.#beginLine(field);
      start += valueOffset(field);
    }
    this.#addValue(text, start, text.length);
  }

  #beginLine(field: Field): void {
    this.#field = this.#isSkipped && field !== "comment" ? "unknown" : field;
    this.#hasValueBegun = false;
    this.#lastUnit = 0;
    if (this.#field === "comment") {
      this.#commentRoom = this.#onComment === undefined ? 0 : MAX_COMMENT_UNITS;
    } else if (this.#field === "data" && this.#dataLines++ > 0) {
      const fits = this.#size.add("\n");
      this.#data.push("\n", false);
      if (!fits) this.#skip();
    }
  }

  /** A piece of the value of the line in flight, the first one with its optional space. */
  #addValue(text: string, start: number, end: number): void {
    const field = this.#field;
    if (field === "unknown" || start >= end) return;
    if (!this.#hasValueBegun) {
      this.#hasValueBegun = true;
      if (text.charCodeAt(start) === SPACE && ++start === end) return;
    }
    if (field === "comment") {
      const stop = Math.min(end, start + this.#commentRoom);
      this.#commentRoom -= stop - start;
      if (stop > start) this.#value.push(text.slice(start, stop), true);
      return;
    }
    const piece = text.slice(start, end);
    const fits = this.#size.add(piece, this.#lastUnit);
    this.#lastUnit = text.charCodeAt(end - 1);
    const isCut = 2 * piece.length < text.length;
    (field === "data" ? this.#data : this.#value).push(piece, isCut);
    if (!fits) this.#skip();
  }

  #endLine(): void {
    const field = this.#field;
    this.#field = undefined;
    if (field === "data" || field === "unknown") return;
    const value = this.#value.toString();
    this.#value.clear();
    switch (field) {
      case "comment":
        this.#onComment?.(value);
        break;
      case "event":
        this.#size.remove(this.#type);
        this.#type = ownCopy(value);
        break;
      case "id":
        if (value.includes("\0")) {
          this.#size.remove(value);
        } else {
          this.#size.remove(this.#id ?? "");
          this.#id = ownCopy(value);
        }
        break;
      case "retry":
        this.#size.remove(value);
        if (DIGITS.test(value)) this.#onRetry?.(Number(value));
    }
  }

  /** The blank line behind an event. */
  #dispatch(): void {
    if (!this.#isSkipped) {
      if (this.#id !== undefined) this.#lastEventId = this.#id;
      if (this.#dataLines > 0) {
        this.#add({
          type: this.#type === "" ? "message" : this.#type,
          data: this.#data.toString(),
          lastEventId: this.#lastEventId,
        });
      }
      this.#forget();
    }
    this.#isSkipped = false;
    this.#isUntouched = true;
  }

  #add(event: ServerSentEvent): void {
    // Small chunks complete one event, for which an empty array would grow to 17 places.
    if (this.#events === undefined) this.#events = [event];
    else this.#events.push(event);
  }

  /** The event is over the cap. */
  #skip(): void {
    this.#forget();
    this.#value.clear();
    this.#field = "unknown";
    this.#isSkipped = true;
    this.#oversized++;
  }

  #forget(): void {
    this.#data.clear();
    this.#dataLines = 0;
    this.#type = "";
    this.#id = undefined;
    this.#size.clear();
  }
}

/** Where the next LF is, `Infinity` if there is none. */
function findLineFeed(text: string, position: number): number {
  // A search is a call, and every other line is blank.
  if (text.charCodeAt(position) === LINE_FEED) return position;
  const found = text.indexOf("\n", position);
  return found === -1 ? Infinity : found;
}

/** Whether `event:` stands there. Unit by unit this is several times as fast as `startsWith`. */
function isEventAt(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0x65 && text.charCodeAt(at + 1) === 0x76 &&
    text.charCodeAt(at + 2) === 0x65 && text.charCodeAt(at + 3) === 0x6e &&
    text.charCodeAt(at + 4) === 0x74 && text.charCodeAt(at + 5) === COLON;
}

function isDataAt(text: string, at: number): boolean {
  return text.charCodeAt(at) === 0x64 && text.charCodeAt(at + 1) === 0x61 &&
    text.charCodeAt(at + 2) === 0x74 && text.charCodeAt(at + 3) === 0x61 &&
    text.charCodeAt(at + 4) === COLON;
}

const BYTE_ORDER_MARK = 0xfeff;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const DIGITS = /^[0-9]+$/;
const MAX_COMMENT_UNITS = 1024;
const MAX_RECENT_UNITS = 64;
