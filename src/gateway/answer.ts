/** What a route gets and returns, whichever server carries it: `fetch` or `node:http`. */

import { STATUS_TEXT, type StatusCode } from "@std/http/status";
import type { OpenReader } from "./events/reader.ts";

/** A request as a route sees it. */
export interface GatewayRequest {
  /** HTTP method. */
  readonly method: string;
  /** URL with path and query. */
  readonly url: URL;
  /** Headers. */
  readonly headers: Headers;
  /** Address of the peer, where the server knows it. */
  readonly address: string | undefined;
  /** Aborts when the peer is gone. */
  readonly signal: AbortSignal;
  /** Body, where there is one. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** An answer that ends. */
export interface Answer {
  /** HTTP status. */
  status: number;
  /** Headers, names in lower case. */
  headers: Record<string, string>;
  /** Body; `null` where there is none. */
  body: string | ReadableStream<Uint8Array<ArrayBuffer>> | null;
}

/** An event stream: the server provides the sink. */
export interface StreamAnswer {
  /** HTTP status. */
  status: 200;
  /** Headers, names in lower case. */
  headers: Record<string, string>;
  /** Begins to write into the server's sink. */
  open: OpenReader;
}

/** Answers requests of any server. */
export type Handle = (
  request: GatewayRequest,
) => Promise<Answer | StreamAnswer>;

/** An error in the Beacon API's form. */
export function apiError(
  status: number,
  message: string,
  headers: Record<string, string> = {},
): Answer {
  return json({ code: status, message }, status, headers);
}

/** For a request whose target cannot be read. */
export const NO_URL = apiError(400, "Invalid request target");

/** An answer of JSON. */
export function json(
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Answer {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  };
}

/** The text of a status as a line. */
export function plain(status: StatusCode): Answer {
  return {
    status,
    headers: { "content-type": "text/plain" },
    body: `${status === 200 ? "ok" : STATUS_TEXT[status]}\n`,
  };
}
