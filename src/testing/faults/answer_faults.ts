/** Wrong answers to requests, declared. */

import * as v from "@valibot/valibot";
import {
  count,
  declare,
  FLAG,
  integer,
  oneOf,
  type Option,
  required,
  someOf,
  text,
  texts,
  TIMES,
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
export interface RequestFault {
  /**
   * How many requests it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}

/** Which requests a fault strikes, and how many. */
export interface AnswerFaultScope extends RequestFault {
  /**
   * The requests that it strikes.
   *
   * @default {"events"}
   */
  endpoint?: Endpoint;
}

/** Any status with any body. */
export interface StatusFault extends AnswerFaultScope {
  /** Tells the faults apart. */
  type: "status";
  /** Status code, 200 to 599. */
  status: number;
  /**
   * Text of the body.
   *
   * @default {`{"code":503,"message":"Simulated fault"}`, with the status}
   */
  body?: string;
  /**
   * Length of the body in bytes, up to `Infinity`: the text is repeated up to
   * there, produced as the client reads.
   *
   * @default {length of the text}
   */
  bodyBytes?: number;
  /**
   * What follows the body: its end, nothing at all, or a broken connection.
   *
   * @default {"end"}
   */
  ending?: "end" | "hang" | "break";
  /**
   * Content type.
   *
   * @default {"application/json"}
   */
  contentType?: string;
  /** `Retry-After`: seconds or a date. */
  retryAfter?: string;
  /** More headers, such as `location`. */
  headers?: Record<string, string>;
}

/** No answer: headers do not come until the fault is healed or the node closed, and then they are 503. */
export interface HangFault extends AnswerFaultScope {
  /** Tells the faults apart. */
  type: "hang";
}

/** Answers that come late. */
export interface DelayFault extends AnswerFaultScope {
  /** Tells the faults apart. */
  type: "delay";
  /** How late, in milliseconds. */
  ms: number;
}

/** An event stream that ends at once: 200, `text/event-stream`, not one byte (Teku, Prysm). */
export interface EmptyFault extends RequestFault {
  /** Tells the faults apart. */
  type: "empty";
}

/** An event stream with the wrong content type. */
export interface ContentTypeFault extends RequestFault {
  /** Tells the faults apart. */
  type: "content-type";
  /**
   * The content type.
   *
   * @default {"text/html"}
   */
  contentType?: string;
}

/** An event stream that is compressed, each message for itself, whatever the client accepts. */
export interface CompressedFault extends RequestFault {
  /** Tells the faults apart. */
  type: "compressed";
  /**
   * What `content-encoding` reports. The bytes of `gzip` and `deflate` are
   * what they should be; those of `br` are not compressed at all.
   *
   * @default {"gzip"}
   */
  encoding?: "gzip" | "deflate" | "br";
}

/**
 * An event stream whose headers come with its first bytes only (Lodestar,
 * Caplin): with an event, or with a keep-alive comment where the node sends
 * such. For no headers at all see {@linkcode HangFault}.
 */
export interface LateHeadersFault extends RequestFault {
  /** Tells the faults apart. */
  type: "late-headers";
}

/** Another genesis than that of the node's blocks: the node seems to follow another chain. */
export interface OtherChainFault extends RequestFault {
  /** Tells the faults apart. */
  type: "other-chain";
  /**
   * The root, `0x` and 64 hexadecimal digits.
   *
   * @default {one that follows from the node's seed}
   */
  root?: string;
  /**
   * How many seconds later the genesis time is.
   *
   * @default {0}
   */
  laterBy?: number;
}

/** An answer about the state of the node that differs from the truth. */
export interface SyncStateFault extends RequestFault {
  /** Tells the faults apart. */
  type: "sync-state";
  /**
   * What `is_syncing` reports.
   *
   * @default {false}
   */
  isSyncing?: boolean;
  /**
   * What `is_optimistic` reports.
   *
   * @default {false}
   */
  isOptimistic?: boolean;
  /**
   * What `el_offline` reports.
   *
   * @default {false}
   */
  elOffline?: boolean;
}

/** Headers of blocks that are off the branch of the head are not found (Prysm). */
export interface ForgetOrphansFault extends RequestFault {
  /** Tells the faults apart. */
  type: "forget-orphans";
}

/** A node that does not have some topics: it refuses any list with one of them. */
export interface RefuseTopicsFault extends RequestFault {
  /** Tells the faults apart. */
  type: "refuse-topics";
  /** Topics that it does not have. */
  topics: readonly string[];
  /**
   * How it refuses: 400 that names the first such topic (most nodes), 400 that
   * does not, or an event stream that ends at once (Teku).
   *
   * @default {"named"}
   */
  answer?: "named" | "unnamed" | "empty";
}

/**
 * A node that takes `topics=head,block` for one topic, which it does not have;
 * it wants `topics=head&topics=block`.
 */
export interface JoinedTopicsFault extends RequestFault {
  /** Tells the faults apart. */
  type: "joined-topics";
  /**
   * What such a request gets: 400 that names the list as one topic, 400 that
   * names nothing, or no answer at all (Lodestar 1.5.1), as with
   * {@linkcode HangFault}.
   *
   * @default {"named"}
   */
  answer?: "named" | "unnamed" | "hang";
}

/** A node that reads the first `topics` key only, and does not report that (Caplin). */
export interface RepeatedTopicsFault extends RequestFault {
  /** Tells the faults apart. */
  type: "repeated-topics";
}

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
  status: declare<StatusFault>("status", {
    status: required(someOf(integer(200, 599), STATUSES)),
    body: text("a text", /^/, ["", "busy", "<html>", `{"code":"x"}`]),
    bodyBytes: count(0, [0, 2 ** 21]),
    ending: oneOf(["end", "hang", "break"]),
    contentType: HEADER([]),
    retryAfter: HEADER(["0", "1", "120", "86400", "999999999", "soon", "-5"]),
    headers: HEADERS,
    endpoint,
    times: TIMES,
  }),
  hang: declare<HangFault>("hang", { endpoint, times: TIMES }),
  delay: declare<DelayFault>("delay", {
    ms: required(integer(1, 86_400_000, [1, 2_000])),
    endpoint,
    times: TIMES,
  }),
  empty: declare<EmptyFault>("empty", { times: TIMES }),
  "content-type": declare<ContentTypeFault>("content-type", {
    contentType: HEADER(CONTENT_TYPES),
    times: TIMES,
  }),
  compressed: declare<CompressedFault>("compressed", {
    encoding: oneOf(["gzip", "deflate", "br"], ["gzip", "deflate"]),
    times: TIMES,
  }),
  "late-headers": declare<LateHeadersFault>("late-headers", { times: TIMES }),
  "other-chain": declare<OtherChainFault>("other-chain", {
    root: text("0x and 64 hexadecimal digits", /^0x[0-9a-f]{64}$/i),
    laterBy: integer(-1e9, 1e9),
    times: TIMES,
  }),
  "sync-state": declare<SyncStateFault>("sync-state", {
    isSyncing: FLAG,
    isOptimistic: FLAG,
    elOffline: FLAG,
    times: TIMES,
  }),
  "forget-orphans": declare<ForgetOrphansFault>("forget-orphans", {
    times: TIMES,
  }),
  "refuse-topics": declare<RefuseTopicsFault>("refuse-topics", {
    topics: required(texts([
      ["block_gossip"],
      ["block"],
      ["head_v2"],
      ["block", "block_gossip"],
      ["chain_reorg", "block_gossip"],
      ["head"],
    ])),
    answer: oneOf(["named", "unnamed", "empty"]),
    times: TIMES,
  }),
  "joined-topics": declare<JoinedTopicsFault>("joined-topics", {
    answer: oneOf(["named", "unnamed", "hang"]),
    times: TIMES,
  }),
  "repeated-topics": declare<RepeatedTopicsFault>("repeated-topics", {
    times: TIMES,
  }),
};
