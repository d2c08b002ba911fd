/**
 * Recordings: what a listener received, as lines of JSON. The first line has the chain's
 * configuration, each other line an event with its node, its arrival time and its text.
 */

import { TextLineStream } from "@std/streams/text-line-stream";
import type { ChainConfig } from "../../beacon/api/chain_config.ts";
import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";

/** An event of a recording. */
export interface RecordedEvent {
  /** Its topic. */
  topic: string;
  /** Name of the node that sent it. */
  node: string;
  /** When it was received, Unix time in milliseconds. */
  receivedAt: number;
  /** Its payload, as the node sent it. */
  raw: string;
  /** Present where it was recovered after a reconnect. */
  recovered?: true;
}

/** A recording that can be read any number of times. */
export interface Recording {
  /** Genesis and timing of the chain; absent where the recorder did not know them. */
  readonly config: ChainConfig | undefined;
  /** Reads the events from the first on, in the order in which they were received. */
  events(): AsyncIterable<RecordedEvent>;
}

/** The first line of a recording, with its line feed. */
export function recordingHeader(config: ChainConfig | undefined): string {
  return `${
    JSON.stringify({ beaconSseRecording: 1, config: config ?? null })
  }\n`;
}

/** The line of an event, with its line feed. */
export function recordingLine(
  { topic, node, receivedAt, raw, recovered }:
    | RecordedEvent
    | BeaconEvent<string>,
): string {
  return `${
    JSON.stringify({
      topic,
      node,
      receivedAt,
      ...(recovered && { recovered }),
      raw,
    })
  }\n`;
}

/**
 * Opens a recording. Bytes that begin like a gzip file are decompressed. A line that is torn or
 * damaged costs only itself, as does a gzip file that ends too early.
 *
 * @param open Opens the bytes, again at each call.
 * @throws {TypeError} If the first line is not that of a recording.
 *
 * @example Read what was recorded
 * ```ts
 * import { openRecording } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const text = '{"beaconSseRecording":1,"config":null}\n' +
 *   '{"topic":"head","node":"a","receivedAt":1000,"raw":"{}"}\n{"topic":"he';
 * const recording = await openRecording(() => new Blob([text]).stream());
 * const events = await Array.fromAsync(recording.events());
 * assertEquals(events, [{ topic: "head", node: "a", receivedAt: 1000, raw: "{}" }]);
 * ```
 */
export async function openRecording(
  open: () => ReadableStream<Uint8Array> | Promise<ReadableStream<Uint8Array>>,
): Promise<Recording> {
  const [first] = await take(lines(await open()), 1);
  const header = parse(first ?? "") as
    | Partial<Record<string, unknown>>
    | undefined;
  if (header?.beaconSseRecording !== 1) {
    throw new TypeError(
      `Cannot open recording: the first line must hold "beaconSseRecording":1, got ${
        JSON.stringify((first ?? "").slice(0, 80))
      }`,
    );
  }
  return {
    config: (header.config ?? undefined) as ChainConfig | undefined,
    async *events() {
      for await (const line of lines(await open())) {
        const event = parse(line);
        if (isRecordedEvent(event)) yield event;
      }
    },
  };
}

async function* lines(
  bytes: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const text = (await decompressed(bytes))
    .pipeThrough(
      new TextDecoderStream("utf-8", { fatal: false }) as ReadableWritablePair<
        string,
        Uint8Array
      >,
    )
    .pipeThrough(new TextLineStream());
  yield* text;
}

/** The bytes as they are, or what they hold where they begin like a gzip file. */
async function decompressed(
  bytes: ReadableStream<Uint8Array>,
): Promise<ReadableStream<Uint8Array>> {
  const reader = bytes.getReader();
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const { done, value } = await reader.read();
    if (done) break;
    head = join(head, value);
  }
  const whole = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (head.length > 0) {
        controller.enqueue(head);
        head = new Uint8Array(0);
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  if (head[0] !== 0x1f || head[1] !== 0x8b) return whole;
  return untilBroken(
    whole.pipeThrough(
      new DecompressionStream("gzip") as ReadableWritablePair<
        Uint8Array,
        Uint8Array
      >,
    ),
  );
}

/** A stream that ends where the other one fails: what came before is whole. */
function untilBroken(
  bytes: ReadableStream<Uint8Array>,
): ReadableStream<Uint8Array> {
  const reader = bytes.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch {
        controller.close();
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

async function take<T>(values: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const value of values) {
    taken.push(value);
    if (taken.length === count) break;
  }
  return taken;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function isRecordedEvent(value: unknown): value is RecordedEvent {
  const { topic, node, receivedAt, raw } = (value ?? {}) as Partial<
    RecordedEvent
  >;
  return typeof topic === "string" && typeof node === "string" &&
    typeof raw === "string" && Number.isFinite(receivedAt);
}
