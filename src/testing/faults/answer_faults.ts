/** Wrong answers to requests, declared. */

import * as v from "@valibot/valibot";
import {
  count,
  counted,
  type FaultBase,
  FLAG,
  integer,
  oneOf,
  type Option,
  required,
  someOf,
  text,
  texts,
} from "./declaration.ts";

/** A part of the Beacon API, or all of it. */
export type Endpoint =
  | "events"
  | "genesis"
  | "spec"
  | "headers"
  | "version"
  | "syncing"
  | "health"
  | "all";

/** How many requests a fault strikes. */
export interface RequestFault<T extends string> extends FaultBase<T> {
  /** How many requests it strikes. Default: `Infinity`. */
  times?: number;
}

/** Which requests a fault strikes, and how many. */
export interface AnswerFaultScope<T extends string> extends RequestFault<T> {
  /** The requests that it strikes. Default: `"events"`. */
  endpoint?: Endpoint;
}

/** Any status with any body. */
export interface StatusFault extends AnswerFaultScope<"status"> {
  /** Status code, 200 to 599. */
  status: number;
  /** Text of the body. Default: `{"code":503,"message":"Simulated fault"}`, with the status. */
  body?: string;
  /** Length of the body in bytes, up to `Infinity`: the text is repeated up to there, produced as the client reads. Default: length of the text. */
  bodyBytes?: number;
  /** What follows the body: its end, nothing at all, or a broken connection. Default: `"end"`. */
  ending?: "end" | "hang" | "break";
  /** Content type. Default: `"application/json"`. */
  contentType?: string;
  /** `Retry-After`: seconds or a date. */
  retryAfter?: string;
  /** More headers, such as `location`. */
  headers?: Record<string, string>;
}

/** No answer: headers do not come until the fault is healed or the node closed, and then they are 503. */
export type HangFault = AnswerFaultScope<"hang">;

/** Answers that come late. */
export interface DelayFault extends AnswerFaultScope<"delay"> {
  /** How late, in milliseconds. */
  ms: number;
}

/** An event stream that ends at once: 200, `text/event-stream`, not one byte (Teku, Prysm). */
export type EmptyFault = RequestFault<"empty">;

/** An event stream with the wrong content type. */
export interface ContentTypeFault extends RequestFault<"content-type"> {
  /** The content type. Default: `"text/html"`. */
  contentType?: string;
}

/** An event stream that is compressed, each message for itself, whatever the client accepts. */
export interface CompressedFault extends RequestFault<"compressed"> {
  /**
   * What `content-encoding` reports. The bytes of `gzip` and `deflate` are
   * what they should be; those of `br` are not compressed at all.
   * Default: `"gzip"`.
   */
  encoding?: "gzip" | "deflate" | "br";
}

/**
 * An event stream whose headers come with its first bytes only (Lodestar,
 * Caplin): with an event, or with a keep-alive comment where the node sends
 * such. For no headers at all see {@linkcode HangFault}.
 */
export type LateHeadersFault = RequestFault<"late-headers">;

/** Another genesis than that of the node's blocks: the node seems to follow another chain. */
export interface OtherChainFault extends RequestFault<"other-chain"> {
  /** The root, `0x` and 64 hexadecimal digits. Default: one that follows from the node's seed. */
  root?: string;
  /** How many seconds later the genesis time is. Default: `0`. */
  laterBy?: number;
}

/** An answer about the state of the node that differs from the truth. */
export interface SyncStateFault extends RequestFault<"sync-state"> {
  /** What `is_syncing` reports. Default: `false`. */
  isSyncing?: boolean;
  /** What `is_optimistic` reports. Default: `false`. */
  isOptimistic?: boolean;
  /** What `el_offline` reports. Default: `false`. */
  elOffline?: boolean;
}

/** Headers of blocks that are off the branch of the head are not found (Prysm). */
export type ForgetOrphansFault = RequestFault<"forget-orphans">;

/** A node that does not have some topics: it refuses any list with one of them. */
export interface RefuseTopicsFault extends RequestFault<"refuse-topics"> {
  /** Topics that it does not have. */
  topics: readonly string[];
  /**
   * How it refuses: 400 that names the first such topic (most nodes), 400 that
   * does not, or an event stream that ends at once (Teku).
   * Default: `"named"`.
   */
  answer?: "named" | "unnamed" | "empty";
}

/**
 * A node that takes `topics=head,block` for one topic, which it does not have;
 * it wants `topics=head&topics=block`.
 */
export interface JoinedTopicsFault extends RequestFault<"joined-topics"> {
  /**
   * What such a request gets: 400 that names the list as one topic, 400 that
   * names nothing, or no answer at all (Lodestar 1.5.1), as with
   * {@linkcode HangFault}.
   * Default: `"named"`.
   */
  answer?: "named" | "unnamed" | "hang";
}

/** A node that reads the first `topics` key only, and does not report that (Caplin). */
export type RepeatedTopicsFault = RequestFault<"repeated-topics">;

/** A wrong answer to a request. */
export type AnswerFault =
  | StatusFault
  | HangFault
  | DelayFault
  | EmptyFault
  | ContentTypeFault
  | CompressedFault
  | LateHeadersFault
  | OtherChainFault
  | SyncStateFault
  | ForgetOrphansFault;

/** A node that does not take every list of topics. */
export type TopicFault =
  | RefuseTopicsFault
  | JoinedTopicsFault
  | RepeatedTopicsFault;

const ENDPOINTS = [
  "events",
  "genesis",
  "spec",
  "headers",
  "version",
  "syncing",
  "health",
  "all",
] as const;
const endpoint = oneOf(ENDPOINTS, [
  "events",
  "events",
  "all",
  "headers",
  "syncing",
  "genesis",
]);
const STATUSES = [
  ...[200, 204, 301, 400, 401, 403, 404, 406, 409, 418],
  ...[429, 429, 500, 501, 502, 503, 503, 504],
];
const HEADER = (drawn: readonly string[]) =>
  text("a header's value", /^[\t\x20-\x7e]*$/, drawn);
const HEADERS: Option<Record<string, string>> = {
  schema: v.pipe(
    v.custom<Record<string, string>>(
      (value) => typeof value === "object" && value !== null,
      "names and values of headers",
    ),
    v.check((value) => {
      try {
        return !Array.isArray(value) && Boolean(new Headers(value));
      } catch {
        return false;
      }
    }, "names and values of headers"),
  ),
};

const CONTENT_TYPES = [
  "text/html",
  "application/json",
  "text/event-streams",
  "",
];

/** The wrong answers. */
export const ANSWER_FAULTS = {
  status: counted<StatusFault>("status", {
    status: required(someOf(integer(200, 599), STATUSES)),
    body: text("a text", /^/, ["", "busy", "<html>", `{"code":"x"}`]),
    bodyBytes: count(0, [0, 2 ** 21]),
    ending: oneOf(["end", "hang", "break"]),
    contentType: HEADER([]),
    retryAfter: HEADER(["0", "1", "120", "86400", "999999999", "soon", "-5"]),
    headers: HEADERS,
    endpoint,
  }),
  hang: counted<HangFault>("hang", { endpoint }),
  delay: counted<DelayFault>("delay", {
    ms: required(integer(1, 86_400_000, [1, 2_000])),
    endpoint,
  }),
  empty: counted<EmptyFault>("empty", {}),
  "content-type": counted<ContentTypeFault>("content-type", {
    contentType: HEADER(CONTENT_TYPES),
  }),
  compressed: counted<CompressedFault>("compressed", {
    encoding: oneOf(["gzip", "deflate", "br"], ["gzip", "deflate"]),
  }),
  "late-headers": counted<LateHeadersFault>("late-headers", {}),
  "other-chain": counted<OtherChainFault>("other-chain", {
    root: text("0x and 64 hexadecimal digits", /^0x[0-9a-f]{64}$/i),
    laterBy: integer(-1e9, 1e9),
  }),
  "sync-state": counted<SyncStateFault>("sync-state", {
    isSyncing: FLAG,
    isOptimistic: FLAG,
    elOffline: FLAG,
  }),
  "forget-orphans": counted<ForgetOrphansFault>("forget-orphans", {}),
  "refuse-topics": counted<RefuseTopicsFault>("refuse-topics", {
    topics: required(texts([
      ["block_gossip"],
      ["block"],
      ["head_v2"],
      ["block", "block_gossip"],
      ["chain_reorg", "block_gossip"],
      ["head"],
    ])),
    answer: oneOf(["named", "unnamed", "empty"]),
  }),
  "joined-topics": counted<JoinedTopicsFault>("joined-topics", {
    answer: oneOf(["named", "unnamed", "hang"]),
  }),
  "repeated-topics": counted<RepeatedTopicsFault>("repeated-topics", {}),
};
