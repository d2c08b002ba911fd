/** Wrong answers to requests, as plain data. */

import type { Endpoint } from "../node/endpoint.ts";

/** Which requests a fault strikes, and how many. */
export interface AnswerFaultScope {
  /**
   * The requests that it strikes.
   *
   * @default {"events"}
   */
  endpoint?: Endpoint;
  /**
   * How many of them it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
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

/** An event stream that ends at once: 200, `text/event-stream`, not one byte (Teku, Prysm). */
export interface EmptyFault {
  /** Tells the faults apart. */
  type: "empty";
  /**
   * How many event streams it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}

/** An event stream with the wrong content type. */
export interface ContentTypeFault {
  /** Tells the faults apart. */
  type: "content-type";
  /**
   * The content type.
   *
   * @default {"text/html"}
   */
  contentType?: string;
  /**
   * How many event streams it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}

/**
 * An event stream whose headers come with its first bytes only (Lodestar,
 * Caplin): with an event, or with a keep-alive comment where the node sends
 * such. For no headers at all see {@linkcode HangFault}.
 */
export interface LateHeadersFault {
  /** Tells the faults apart. */
  type: "late-headers";
  /**
   * How many event streams it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}

/** A genesis with another `genesis_validators_root`: the node seems to follow another chain. */
export interface OtherChainFault {
  /** Tells the faults apart. */
  type: "other-chain";
  /**
   * The root, `0x` and 64 hexadecimal digits.
   *
   * @default {one that follows from the node's seed}
   */
  root?: string;
  /**
   * How many requests for genesis it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}
