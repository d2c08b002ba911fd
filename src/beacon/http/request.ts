/** One request to a beacon node, with the node's credentials, and the errors that it ends in. */

import { STATUS_CODE, STATUS_TEXT, type StatusCode } from "@std/http/status";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import { toText } from "@std/streams/to-text";
import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
  publicError,
} from "./errors.ts";
import { withoutEncoding } from "./content_encoding.ts";
import type { NodeEndpoint } from "./endpoint.ts";
import { redactUrl } from "./redact_url.ts";

export interface NodeRequestOptions {
  fetch: typeof fetch;
  /** Ends the request, and the body after it, when aborted. */
  signal: AbortSignal;
  accept?: string;
  /** Already encoded, without a question mark. */
  query?: string;
}

/**
 * Sends a GET request, and follows redirects to the same host, from `http:` to `https:` too;
 * another host must not get the node's credentials. The caller must read or cancel the body.
 *
 * @throws {BeaconNetworkError} If there is no answer, or too many redirects.
 * @throws {BeaconProtocolError} If a redirect leads to another host.
 */
export async function requestNode(
  node: NodeEndpoint,
  path: string,
  options: NodeRequestOptions,
): Promise<Response> {
  const { fetch, signal, accept = "application/json", query = "" } = options;
  let url = node.url(path, query);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const headers = node.headers(accept);
    // A proxy that compresses holds events back until a block is full.
    headers.set("accept-encoding", "identity");
    let response: Response;
    try {
      response = await fetch(url, { headers, signal, redirect: "manual" });
    } catch (cause) {
      signal.throwIfAborted();
      const error = publicError(cause, node);
      throw new BeaconNetworkError(
        `Cannot reach ${node.at(path)}: ${innermostMessage(error)}`,
        { cause: error },
      );
    }
    // In Deno 2.9 an abort does not reach the body of a response that was garbage-collected.
    signal.addEventListener("abort", () => void response, { once: true });
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null) {
      return withoutEncoding(response, node.at(path));
    }
    await response.body?.cancel();
    const target = URL.canParse(location, url)
      ? new URL(location, url)
      : undefined;
    if (target === undefined || !isSameHost(target, url)) {
      throw new BeaconProtocolError(
        `Cannot reach ${
          node.at(path)
        }: redirects are followed to the same host only, got ${
          node.show(describeTarget(target), 200)
        }`,
      );
    }
    url = target;
  }
  throw new BeaconNetworkError(
    `Cannot reach ${node.at(path)}: more than ${MAX_REDIRECTS} redirects`,
  );
}

/**
 * Requests JSON, of which 1 MiB is read at most.
 *
 * @throws {BeaconNetworkError} If there is no answer.
 * @throws {BeaconHttpError} If the status is not 200.
 * @throws {BeaconProtocolError} If the body is too large or is not JSON.
 */
export async function requestJson(
  node: NodeEndpoint,
  path: string,
  options: NodeRequestOptions,
): Promise<unknown> {
  const response = await requestNode(node, path, options);
  if (response.status !== STATUS_CODE.OK) {
    throw await httpError(node, path, response);
  }
  let text = "";
  try {
    const body = response.body?.pipeThrough(
      new LimitedBytesTransformStream(MAX_JSON_BYTES, { error: true }),
    );
    if (body !== undefined) text = await toText(body);
  } catch (error) {
    options.signal.throwIfAborted();
    if (error instanceof BeaconProtocolError) throw error;
    const cause = publicError(error, node);
    if (error instanceof RangeError) {
      throw new BeaconProtocolError(
        `Cannot read ${
          node.at(path)
        }: the body exceeds ${MAX_JSON_BYTES} bytes`,
        { cause },
      );
    }
    throw new BeaconNetworkError(
      `Cannot read ${node.at(path)}: ${cause.message}`,
      { cause },
    );
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BeaconProtocolError(
      `Cannot read ${node.at(path)}: it is not JSON`,
      // The parser's message quotes a part of the text.
      node.holdsSecret(text) ? {} : { cause: publicError(cause, node) },
    );
  }
}

/** The error for an unexpected status, with the beginning of the body. */
export async function httpError(
  node: NodeEndpoint,
  path: string,
  response: Response,
  now: () => number = Date.now,
): Promise<BeaconHttpError> {
  const { status } = response;
  // A slow body must not delay the reconnect.
  const excerpt = await readBeginning(response, EXCERPT_UNITS, EXCERPT_WAIT_MS);
  const body = node.show(excerpt.trim(), 300);
  const text = STATUS_TEXT[status as StatusCode] ?? "unknown status";
  return new BeaconHttpError(
    `Cannot read ${node.at(path)}: status ${status} (${text})${
      body === "" ? "" : `: ${body}`
    }`,
    {
      status,
      url: node.at(path),
      body,
      retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), now),
    },
  );
}

function isSameHost(target: URL, { origin, protocol, hostname }: URL): boolean {
  return target.origin === origin ||
    (protocol === "http:" && target.protocol === "https:" &&
      target.hostname === hostname);
}

function describeTarget(target: URL | undefined): string {
  if (target === undefined) return "an unusable URL";
  return /^https?:$/.test(target.protocol)
    ? redactUrl(target.href)
    : `a ${target.protocol} URL`;
}

const MAX_REDIRECTS = 5;
const MAX_JSON_BYTES = 1024 * 1024;
const EXCERPT_UNITS = 1024;
const EXCERPT_WAIT_MS = 1000;
const REDIRECTS = new Set<number>([
  STATUS_CODE.MovedPermanently,
  STATUS_CODE.Found,
  STATUS_CODE.SeeOther,
  STATUS_CODE.TemporaryRedirect,
  STATUS_CODE.PermanentRedirect,
]);

/** At most so many UTF-16 code units of a body, as far as they arrive in time. Never rejects. */
export async function readBeginning(
  { body }: Response,
  most: number,
  withinMs: number,
): Promise<string> {
  const reader = body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  const timer = setTimeout(
    () => void reader.cancel().catch(() => {}),
    withinMs,
  );
  try {
    while (text.length < most) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, most), { stream: true });
    }
  } catch {
    // The connection broke; what had arrived is returned.
  } finally {
    clearTimeout(timer);
    await reader.cancel().catch(() => {});
  }
  return text.slice(0, most);
}

function parseRetryAfter(
  value: string | null,
  now: () => number,
): number | undefined {
  if (value === null) return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now());
}

function innermostMessage(error: Error): string {
  let innermost = error;
  while (innermost.cause instanceof Error) innermost = innermost.cause;
  return innermost.message.replace(/^error sending request: /, "");
}
