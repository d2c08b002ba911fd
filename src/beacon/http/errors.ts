/**
 * The errors of requests to a beacon node. Their messages and fields hold no userinfo, no keys of a
 * path or query, and no header values.
 */

import type { NodeEndpoint } from "./endpoint.ts";

/** The node answered with an unexpected status. */
export class BeaconHttpError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconHttpError";
  /** Status of the answer, such as 503. */
  readonly status: number;
  /** URL of the request, without userinfo, query, and what looks like a key in its path. */
  readonly url: string;
  /** The first characters of the answer's body, control characters escaped. */
  readonly body: string;
  /** Value of the answer's `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  /**
   * Creates an instance.
   *
   * @param message What failed.
   * @param answer The parts of the answer that are kept.
   * @param options `cause`, the error behind this one.
   */
  constructor(
    message: string,
    answer: {
      status: number;
      url: string;
      body: string;
      retryAfterMs?: number | undefined;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.status = answer.status;
    this.url = answer.url;
    this.body = answer.body;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** The node's answer is not what the Beacon API describes: content type, JSON, size, redirect. */
export class BeaconProtocolError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconProtocolError";
}

/** The node gave no answer, or its stream went silent. */
export class BeaconTimeoutError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconTimeoutError";
  /** `"probe"`: no HTTP answer at all; `"idle"`: a stream without bytes, or without events. */
  readonly phase: "probe" | "idle";

  /**
   * Creates an instance.
   *
   * @param message What did not come, and in what time.
   * @param phase What did not come.
   * @param options `cause`, the error behind this one.
   */
  constructor(
    message: string,
    phase: "probe" | "idle",
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.phase = phase;
  }
}

/** The node could not be reached, or the connection broke: refused, DNS, TLS, reset. */
export class BeaconNetworkError extends Error {
  /** Name of the class. */
  override readonly name = "BeaconNetworkError";
}

/**
 * A copy of an error and its causes that may be shown. The messages of a runtime name URLs, and those of
 * a parser quote what a node sent; both may hold the node's credentials.
 */
export function publicError(error: unknown, node: NodeEndpoint): Error {
  if (!(error instanceof Error)) {
    return new Error(publicText(String(error), node));
  }
  const options = error.cause === undefined
    ? {}
    : { cause: publicError(error.cause, node) };
  const copy = new Error(publicText(error.message, node), options);
  copy.name = error.name;
  return copy;
}

function publicText(text: string, node: NodeEndpoint): string {
  // A URL ends at white space.
  const plain = text.replace(/ for url \(\S*\)/g, "").replace(
    /\bhttps?:\/\/\S+/g,
    "the node",
  );
  return node.show(plain, 300);
}
