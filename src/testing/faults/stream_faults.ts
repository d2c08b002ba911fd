/** What may be wrong, or merely unusual, on an event stream, declared. */

import {
  count,
  counted,
  type FaultBase,
  FLAG,
  integer,
  ONE_LINE,
  oneOf,
  required,
  someOf,
  text,
  texts,
} from "./declaration.ts";
import type { DripFault } from "./wire_faults.ts";

/** How many event streams a lasting fault strikes. */
export interface LastingStreamFault<T extends string> extends FaultBase<T> {
  /** How many event streams it strikes: those that are open, then those that come. Default: `Infinity`. */
  times?: number;
}

/** How many event streams a fault strikes that is over in a moment. */
export interface MomentaryStreamFault<T extends string> extends FaultBase<T> {
  /**
   * How many event streams it strikes, each once: those that are open, then
   * those that come, at their beginning.
   * Default: those that are open, or the next one where none is.
   */
  times?: number;
}

/** Another legal form of the same events; without any of this the node writes `event:head` and LF, as Lighthouse does. */
export interface WireFormFault extends LastingStreamFault<"wire-form"> {
  /** What ends a line: LF, CR LF (Nimbus), or CR. Default: `"lf"`. */
  lineEnd?: "lf" | "crlf" | "cr";
  /** Whether a space follows the colon. Default: `false`. */
  space?: boolean;
  /** Whether a stream that comes begins with a byte order mark. Default: `false`. */
  bom?: boolean;
}

/**
 * The same payloads as another client could write them: members in reverse
 * order, roots in upper case, and no `execution_optimistic` where it is false.
 */
export type PayloadFormFault = LastingStreamFault<"payload-form">;

/** No events, though the chain goes on: what happens meanwhile is lost. */
export interface SilenceFault extends LastingStreamFault<"silence"> {
  /** Whether comments still come, keep-alive ones included. Default: `false`. */
  comments?: boolean;
}

/** Each event comes twice. */
export type DuplicateFault = LastingStreamFault<"duplicate">;

/** An event of an unknown topic that was not requested, behind each other one. */
export type UnaskedFault = LastingStreamFault<"unasked">;

/** Lost events, and Lighthouse's comment `error - dropped 3 messages` in their place. */
export interface DropFault extends MomentaryStreamFault<"drop"> {
  /** How many events, 1 or more. */
  events: number;
}

/** A malformed event of the same topic after each good one. */
export interface MalformedFault extends FaultBase<"malformed"> {
  /** The payloads, in turn. Default: a good one cut in half, no JSON, JSON of other shapes, wrong values, 10,000 levels. */
  payloads?: readonly string[];
  /** How many malformed events, over all streams. Default: `Infinity`. */
  times?: number;
}

/** A reconnection time. */
export interface RetryFault extends MomentaryStreamFault<"retry"> {
  /** What stands after `retry:`, such as `0` or `99999999999999999999`. */
  value: string;
}

/** A line that does not end, made as the client reads; then the line and its event end, and the stream goes on. */
export interface EndlessFrameFault
  extends MomentaryStreamFault<"endless-frame"> {
  /** Length of the line in bytes. Default: Infinity, which is until it is healed or the stream ends. */
  bytes?: number;
  /** How the line begins. Default: `"data:"`. */
  prefix?: string;
}

/**
 * The largest legal event: an `attester_slashing` of two attestations by the
 * same validators, 2.62 MB, made as the client reads. Comes on the streams
 * that requested the topic.
 */
export interface GiantEventFault extends MomentaryStreamFault<"giant-event"> {
  /** How many validators each attestation has, 1 to 1,000,000. Default: `131072`. */
  indices?: number;
}

/** A `block` event of the head with one member more, so that the event has so many bytes. Comes on the streams that requested the topic. */
export interface PaddedEventFault extends MomentaryStreamFault<"padded-event"> {
  /** Bytes of the event's name and data together, 512 or more. */
  bytes: number;
}

/** A lie: a `head` in the far future. Comes on the streams that requested the topic. */
export interface FutureSlotFault extends MomentaryStreamFault<"future-slot"> {
  /** How many slots after the current one. Default: `1000000`. */
  slots?: number;
}

/**
 * A lie: a `chain_reorg` that is deeper than the chain is long, its old head
 * being the parent of the new one (Caplin). Comes on the streams that requested
 * the topic.
 */
export interface DeepReorgFault extends MomentaryStreamFault<"deep-reorg"> {
  /** The depth, as it stands in the event. Default: `"18446744073709551614"`. */
  depth?: string;
}

/** A clean end of the stream. */
export interface DisconnectFault extends MomentaryStreamFault<"disconnect"> {
  /** Whether it comes in the middle of a `data:` line of one more event. Default: `false`. */
  inMidLine?: boolean;
}

/** Something wrong, or merely unusual, on an event stream. */
export type StreamFault =
  | WireFormFault
  | PayloadFormFault
  | DripFault
  | SilenceFault
  | DuplicateFault
  | UnaskedFault
  | DropFault
  | MalformedFault
  | RetryFault
  | EndlessFrameFault
  | GiantEventFault
  | PaddedEventFault
  | FutureSlotFault
  | DeepReorgFault
  | DisconnectFault;

const RETRIES = ["0", "1", "5000", "3600000", "9".repeat(20), "-1", "soon", ""];
const ANY_INTEGER = integer(1, Number.MAX_SAFE_INTEGER);

/** What may be wrong on a stream; `drip` is declared with the faults of the wire. */
export const STREAM_FAULTS = {
  "wire-form": counted<WireFormFault>("wire-form", {
    lineEnd: oneOf(["lf", "crlf", "cr"]),
    space: FLAG,
    bom: FLAG,
  }),
  "payload-form": counted<PayloadFormFault>("payload-form", {}),
  silence: counted<SilenceFault>("silence", { comments: FLAG }),
  duplicate: counted<DuplicateFault>("duplicate", {}),
  unasked: counted<UnaskedFault>("unasked", {}),
  drop: counted<DropFault>("drop", {
    events: required(integer(1, Number.MAX_SAFE_INTEGER, [1, 20])),
  }),
  malformed: counted<MalformedFault>("malformed", {
    payloads: texts(),
  }),
  retry: counted<RetryFault>("retry", {
    value: required(ONE_LINE(RETRIES)),
  }),
  "endless-frame": counted<EndlessFrameFault>("endless-frame", {
    // Without an end, no more than a heal would stop it.
    bytes: { ...count(0, [1, 2 ** 20]) },
    prefix: ONE_LINE(["data:", "data:", ":", "nonsense", "nonsense:"]),
  }),
  "giant-event": counted<GiantEventFault>("giant-event", {
    indices: someOf(integer(1, 1_000_000), [1_000, 30_000, 131_072]),
  }),
  "padded-event": counted<PaddedEventFault>("padded-event", {
    bytes: required(integer(512, 2 ** 30, [512, 131_072])),
  }),
  "future-slot": counted<FutureSlotFault>("future-slot", {
    slots: someOf(ANY_INTEGER, [1_000, 1_000_000, Number.MAX_SAFE_INTEGER]),
  }),
  "deep-reorg": counted<DeepReorgFault>("deep-reorg", {
    depth: text("a text", /^/, [`${2n ** 64n - 2n}`, `${2 ** 53 - 1}`, "-1"]),
  }),
  disconnect: counted<DisconnectFault>("disconnect", {
    inMidLine: FLAG,
  }),
};
