/** One connection to a node's `GET /eth/v1/events`, as a stream of server-sent events. */

import { deadline } from "@std/async/deadline";
import { STATUS_CODE } from "@std/http/status";
import {
  type ServerSentEvent,
  SseBatchDecoderStream,
  type SseDecoderOptions,
} from "../../sse/mod.ts";
import { BeaconProtocolError } from "./errors.ts";
import type { NodeEndpoint } from "./endpoint.ts";
import { httpError, requestNode } from "./request.ts";

/** One `topics` key with commas, or a `topics` key for each. */
export type TopicForm = "joined" | "repeated";

export function topicsQuery(
  topics: readonly string[],
  form: TopicForm,
): string {
  const names = topics.map(encodeURIComponent);
  return form === "joined"
    ? `topics=${names.join(",")}`
    : names.map((name) => `topics=${name}`).join("&");
}

interface EventStreamOptions extends Omit<SseDecoderOptions, "onOversize"> {
  topics: readonly string[];
  form: TopicForm;
  fetch: typeof fetch;
  now?: () => number;
  signal: AbortSignal;
  onBytes: (bytes: number) => void;
}

interface EventStream {
  batches: ReadableStream<ServerSentEvent[]>;
  oversized(): number;
}

/** An empty answer without a content type, as some nodes send for a topic that they do not know. */
export class EmptyAnswerError extends BeaconProtocolError {}

export function isEventStream({ headers }: Response): boolean {
  const contentType = headers.get("content-type") ?? "";
  return /^\s*text\/event-stream\s*(;|$)/i.test(contentType);
}

/**
 * Waits for the headers of the answer.
 *
 * @throws {BeaconHttpError} If the status is not 200.
 * @throws {EmptyAnswerError} If the answer is empty.
 * @throws {BeaconProtocolError} If the content type is not `text/event-stream`.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 */
export async function openEventStream(
  node: NodeEndpoint,
  options: EventStreamOptions,
): Promise<EventStream> {
  const {
    topics,
    form,
    fetch,
    signal,
    onBytes,
    now: _now,
    ...decoderOptions
  } = options;
  const response = await requestNode(node, EVENTS_PATH, {
    fetch,
    signal,
    accept: "text/event-stream",
    query: topicsQuery(topics, form),
  });
  if (response.status !== STATUS_CODE.OK) {
    throw await httpError(node, EVENTS_PATH, response, options.now);
  }
  if (!isEventStream(response) || response.body === null) {
    const contentType = response.headers.get("content-type") ?? "";
    const message = `Cannot listen to ${
      node.at(EVENTS_PATH)
    }: content type must be text/event-stream, got "${
      node.show(contentType, 80)
    }"`;
    throw await isEmpty(response, signal)
      ? new EmptyAnswerError(message)
      : new BeaconProtocolError(message);
  }
  const decoder = new SseBatchDecoderStream(decoderOptions);
  // workerd's decoder ends a stream at the first wrong byte by default.
  const text = new TextDecoderStream("utf-8", {
    ignoreBOM: true,
    fatal: false,
  });
  const batches = pipeBytes(response.body, text, onBytes).pipeThrough(decoder);
  return { batches, oversized: () => decoder.oversized };
}

async function isEmpty(
  { body }: Response,
  signal: AbortSignal,
): Promise<boolean> {
  if (body === null) return true;
  const reader = body.getReader();
  try {
    const { done } = await deadline(reader.read(), EMPTY_WITHIN_MS, { signal });
    return done;
  } catch {
    signal.throwIfAborted();
    return false;
  } finally {
    // The connection may be broken already.
    await reader.cancel().catch(() => {});
  }
}

const EVENTS_PATH = "/eth/v1/events";
const EMPTY_WITHIN_MS = 1000;

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Does what `body.pipeThrough(transform)` does, and counts. For that, a runtime makes a buffer of
 * 64 KiB for each chunk, also of 400 bytes. Such garbage is outside of the heap and piles up: 70
 * MiB of it, and most of the time, where an endless event came in pieces of a few KiB.
 *
 * @param transform It must be done with a chunk when the write of it resolves.
 */
export function pipeBytes<T>(
  body: ReadableStream<Bytes>,
  transform: ReadableWritablePair<T, Bytes>,
  onBytes: (bytes: number) => void,
): ReadableStream<T> {
  const reader = openReader(body);
  const writer = transform.writable.getWriter();
  // The other end may be cancelled while a chunk is awaited.
  writer.closed.catch((reason) => reader.cancel(reason)).catch(() => {});
  pump(reader, writer, onBytes);
  return transform.readable;
}

async function pump(
  reader: BodyReader,
  writer: WritableStreamDefaultWriter<Bytes>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done || value === undefined) break;
      onBytes(value.byteLength);
      await writer.write(value);
    }
    await writer.close();
  } catch (error) {
    // Where it was the writer that failed, this has no effect.
    await writer.abort(error).catch(() => {});
  }
}

interface BodyReader {
  read(): Promise<{ done: boolean; value: Bytes | undefined }>;
  cancel(reason: unknown): Promise<void>;
}

function openReader(body: ReadableStream<Bytes>): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // No byte stream: the body of a stand-in for fetch, or of an old browser.
    return body.getReader() as BodyReader;
  }
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (value !== undefined) buffer = value.buffer;
      return { done, value };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

const BUFFER_BYTES = 64 * 1024;
