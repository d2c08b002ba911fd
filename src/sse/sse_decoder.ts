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
  /** A unit that is ignored where the next text begins with it: a byte order mark, or the LF of a CRLF. */
  #ignoredUnit = BYTE_ORDER_MARK;
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
  /** What of the value, or of the space before it, came last. */
  #lastUnit = NO_UNIT;
  /** A comment so far, as much of it as is passed on. */
  #comment = "";

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
    const position = text.charCodeAt(0) === this.#ignoredUnit ? 1 : 0;
    this.#ignoredUnit = NO_UNIT;
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
    let carriageReturn = find(text, "\r", position);
    let lineFeed = -1;
    while (position < text.length) {
      if (this.#isUntouched && carriageReturn === text.length) {
        position = this.#readPlain(text, position);
        if (position === text.length) return;
      }
      this.#isUntouched = false;
      if (lineFeed < position) lineFeed = find(text, "\n", position);
      const end = Math.min(lineFeed, carriageReturn);
      this.#pushLine(text, position, end);
      position = end + 1;
      if (end === carriageReturn) {
        // A CR ends its line at once, else the event would wait for the next chunk. An LF after it is ignored.
        if (position === text.length) this.#ignoredUnit = LINE_FEED;
        else if (text.charCodeAt(position) === LINE_FEED) position++;
        carriageReturn = find(text, "\r", position);
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
    this.#beginLine("data:");
    this.#addValue(text, start, text.length);
  }

  /**
   * One line, `text[start, end)`, or the rest of the line in flight. A line whose end has not arrived ends
   * with the text; what is needed of it is kept.
   */
  #pushLine(text: string, start: number, end: number): void {
    const isWhole = end < text.length;
    if (this.#field === undefined) {
      if (start === end) {
        this.#dispatch();
        return;
      }
      const field = fieldAt(text, start, end, isWhole);
      if (field === undefined) {
        this.#beginning = text.slice(start);
        return;
      }
      this.#beginLine(field);
      start += field.length;
    }
    this.#addValue(text, start, end);
    if (isWhole) this.#endLine();
  }

  #beginLine(field: Field): void {
    this.#field = this.#isSkipped && field !== ":" ? "" : field;
    this.#lastUnit = NO_UNIT;
    if (this.#field === "data:" && this.#dataLines++ > 0) {
      const fits = this.#size.add("\n");
      this.#data.push("\n", false);
      if (!fits) this.#skip();
    }
  }

  /** A piece of the value of the line in flight, the first one with its optional space. */
  #addValue(text: string, start: number, end: number): void {
    const field = this.#field;
    if (field === "" || start >= end) return;
    const lastUnit = this.#lastUnit;
    this.#lastUnit = text.charCodeAt(end - 1);
    if (lastUnit === NO_UNIT && text.charCodeAt(start) === SPACE) start++;
    const piece = text.slice(start, end);
    if (field === ":") {
      this.#comment += piece.slice(0, MAX_COMMENT_UNITS - this.#comment.length);
      return;
    }
    const fits = this.#size.add(piece, lastUnit);
    const isCut = 2 * piece.length < text.length;
    (field === "data:" ? this.#data : this.#value).push(piece, isCut);
    if (!fits) this.#skip();
  }

  #endLine(): void {
    const field = this.#field;
    this.#field = undefined;
    if (field === ":") {
      const comment = this.#comment;
      this.#comment = "";
      this.#onComment?.(comment);
    }
    const value = this.#value.toString();
    this.#value.clear();
    switch (field) {
      case "event:":
        this.#size.remove(this.#type);
        this.#type = ownCopy(value);
        break;
      case "id:":
        if (value.includes("\0")) {
          this.#size.remove(value);
        } else {
          this.#size.remove(this.#id ?? "");
          this.#id = ownCopy(value);
        }
        break;
      case "retry:":
        this.#size.remove(value);
        if (DIGITS.test(value)) this.#onRetry?.(Number(value));
    }
  }

  /** The blank line behind an event. */
  #dispatch(): void {
    if (this.#id !== undefined) this.#lastEventId = this.#id;
    if (this.#dataLines > 0) {
      this.#add({
        type: this.#type || "message",
        data: this.#data.toString(),
        lastEventId: this.#lastEventId,
      });
    }
    this.#forget();
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
    this.#field = "";
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

/** Where a line end is, the length of the text if there is none. */
function find(text: string, lineEnd: "\r" | "\n", position: number): number {
  // A search is a call, and every other line is blank.
  if (text[position] === lineEnd) return position;
  const found = text.indexOf(lineEnd, position);
  return found === -1 ? text.length : found;
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

/** How a line begins: with a field of the standard, or as a comment; `""` is a line to ignore. */
type Field = "data:" | "event:" | "id:" | "retry:" | ":" | "";

const FIELDS: Readonly<Record<string, Field>> = {
  d: "data:",
  e: "event:",
  i: "id:",
  r: "retry:",
  ":": ":",
};

/**
 * The field of the line `text[start, end)`, which is not empty. A whole line may lack the colon, with its value.
 *
 * @returns `undefined` if more text could change the answer.
 */
function fieldAt(
  text: string,
  start: number,
  end: number,
  isWhole: boolean,
): Field | undefined {
  const field = FIELDS[text[start]!];
  if (field === undefined) return "";
  if (text.startsWith(field, start)) return field;
  const line = text.slice(start, end);
  if (!field.startsWith(line)) return "";
  if (!isWhole) return undefined;
  return line.length + 1 === field.length ? field : "";
}

const NO_UNIT = -1;
const BYTE_ORDER_MARK = 0xfeff;
const LINE_FEED = 0x0a;
const SPACE = 0x20;
const COLON = 0x3a;
const DIGITS = /^[0-9]+$/;
const MAX_COMMENT_UNITS = 1024;
const MAX_RECENT_UNITS = 64;
