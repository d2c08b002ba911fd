/**
 * Recordings: what a listener received, as lines of JSON. The first line has the chain's
 * configuration, each other line an event with its node, its arrival time and its text.
 */

import {
  type ChainConfig,
  createSlotClock,
} from "../../beacon/api/chain_config.ts";
import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { shown } from "../../values/shown.ts";
import { decompress } from "./decompress.ts";

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
  let first = "";
  for await (first of lines(await open())) break;
  const header = parse(first) as Record<string, unknown> | null | undefined;
  if (header?.beaconSseRecording !== 1) {
    throw new TypeError(
      `Cannot open recording: the first line must hold "beaconSseRecording":1, got ${
        shown(first, 80)
      }`,
    );
  }
  return {
    config: checkConfig(header.config),
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
): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of decompress(bytes)) {
    const found = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = found.pop()!;
    yield* found;
  }
  if (rest !== "") yield rest;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** @throws {TypeError} If it is none: a clock would run wild with it. */
function checkConfig(config: unknown): ChainConfig | undefined {
  if (config === undefined || config === null) return undefined;
  try {
    createSlotClock(config as ChainConfig);
  } catch (cause) {
    throw new TypeError(
      `Cannot open recording: its config must be that of a chain, got ${
        shown(JSON.stringify(config), 80)
      }`,
      { cause },
    );
  }
  return config as ChainConfig;
}

function isRecordedEvent(value: unknown): value is RecordedEvent {
  const { topic, node, receivedAt, raw } = (value ?? {}) as Partial<
    RecordedEvent
  >;
  return typeof topic === "string" && typeof node === "string" &&
    typeof raw === "string" && Number.isFinite(receivedAt);
}
