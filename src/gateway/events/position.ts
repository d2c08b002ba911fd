/**
 * A reader's position in the gateway's stream, as the `id:` of an event: `<epoch>-<seq>-<slot>`.
 *
 * `epoch` names the run of a gateway. `seq` grows with each event; its last twenty digits are the
 * digests of the slot before and of the slot, by which another gateway finds out which events of
 * them the reader has. `slot` is the latest slot of the stream so far.
 */

import { shown } from "../../values/shown.ts";

/** A place in a gateway's stream. */
export interface Position {
  /** Name of the gateway's run. */
  epoch: string;
  /** Number of the event in that run; 0 before the first one. */
  seq: number;
  /** What the reader has of the last two slots; `undefined` in an id that does not show it. */
  digests: Digests | undefined;
  /** Latest slot so far. */
  slot: number;
}

/** Digests of the chain events so far: of the slot before the latest one, and of the latest one. */
export type Digests = readonly [before: number, latest: number];

/** Digests are below this. */
export const DIGEST_LIMIT = 1e10 - 1;
/** In place of the digest of a slot that the gateway has not followed. */
export const NO_DIGEST: number = DIGEST_LIMIT;
const DIGEST_DIGITS = 10;

/** Where a reader wants to begin. */
export type Start =
  /** Behind the last event that it received. */
  | { type: "position"; position: Position }
  /** With the first event that arrived at a time or later, Unix time in milliseconds. */
  | { type: "time"; time: number }
  /** With a slot. */
  | { type: "slot"; slot: number }
  /** With an epoch. */
  | { type: "epoch"; epoch: number }
  /** With the oldest event that is kept. */
  | { type: "earliest" };

/** Writes a position. */
export function formatPosition(
  { epoch, seq, digests, slot }: Position & { digests: Digests },
): string {
  const digits = digests.map((digest) =>
    String(digest).padStart(DIGEST_DIGITS, "0")
  );
  return `${epoch}-${seq}${digits.join("")}-${slot}`;
}

/**
 * Reads a position.
 *
 * @throws {TypeError} If it is none; the message says why.
 */
export function parsePosition(id: string): Position {
  const match = /^(\w{1,64})-(\d{1,36})-(\d{1,15})$/.exec(id);
  if (match === null) {
    throw new TypeError(
      `Invalid event id: must be <epoch>-<seq>-<slot> as this gateway sends them, got ${
        shown(id, 80)
      }`,
    );
  }
  const [, epoch, seq, slot] = match;
  const digits = seq!.length > 2 * DIGEST_DIGITS ? 2 * DIGEST_DIGITS : 0;
  const number = Number(seq!.slice(0, seq!.length - digits));
  if (!Number.isSafeInteger(number)) {
    throw new TypeError(
      `Invalid event id: seq is too large, got ${shown(id, 80)}`,
    );
  }
  return {
    epoch: epoch!,
    seq: number,
    digests: digits === 0 ? undefined : [
      Number(seq!.slice(-2 * DIGEST_DIGITS, -DIGEST_DIGITS)),
      Number(seq!.slice(-DIGEST_DIGITS)),
    ],
    slot: Number(slot),
  };
}

/**
 * Reads the value of `?since=`: Unix time in milliseconds, an ISO 8601 date, `slot:N`, `epoch:N` or
 * `earliest`.
 *
 * @throws {TypeError} If it is none of these.
 */
export function parseSince(text: string): Start {
  if (text === "earliest") return { type: "earliest" };
  const place = /^(slot|epoch):(\d{1,15})$/.exec(text);
  if (place?.[1] === "slot") return { type: "slot", slot: Number(place[2]) };
  if (place?.[1] === "epoch") return { type: "epoch", epoch: Number(place[2]) };
  if (/^\d{1,15}$/.test(text)) return { type: "time", time: Number(text) };
  const time = parseDate(text);
  if (Number.isNaN(time)) {
    throw new TypeError(
      `Invalid since: must be milliseconds, an ISO date, slot:N, epoch:N or earliest, got ${
        shown(text, 80)
      }`,
    );
  }
  return { type: "time", time };
}

/** An ISO 8601 date, in UTC where it names no other zone; else `NaN`. */
function parseDate(text: string): number {
  // A plus sign that was not escaped arrives as a space.
  const match = /^(\d{4}-\d{2}-\d{2})(T[\d:.]+)?(Z|[+-]\d{2}:?\d{2})?$/.exec(
    text.replace(" ", "+"),
  );
  if (match === null) return NaN;
  const [, day, time = "T00:00", zone = "Z"] = match;
  // `Date` takes the 30th of February for a day in March.
  const start = Date.parse(`${day}T00:00Z`);
  const isDay = !Number.isNaN(start) &&
    new Date(start).toISOString().startsWith(day!);
  return isDay ? Date.parse(day + time + zone) : NaN;
}
