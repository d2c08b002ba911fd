/**
 * The decoders that are compared, ours and the peers': each reads all chunks of a stream and returns
 * what it found.
 */

import { createParser } from "npm:eventsource-parser@4.1.3";
import { EventSourceParserStream } from "npm:eventsource-parser@4.1.3/stream";
import {
  SseBatchDecoderStream,
  SseDecoder,
  SseDecoderStream,
} from "@org/beacon-sse/sse";
import type { Chunk, Tally } from "./corpus.ts";

/** Reads all chunks. */
export type Decode = (chunks: readonly Chunk[]) => Tally | Promise<Tally>;

/** Decoders without streams: text in, events out. The first one is the baseline. */
export const CORES: readonly [string, Decode][] = [
  ["eventsource-parser feed", (chunks) => {
    const tally = { events: 0, units: 0 };
    const parser = createParser({
      // Our cap, in characters instead of bytes.
      maxBufferSize: 4 * 1024 * 1024,
      onEvent: (event) => add(tally, event),
    });
    for (const { text } of chunks) parser.feed(text);
    return tally;
  }],
  ["SseDecoder.push", (chunks) => {
    const tally = { events: 0, units: 0 };
    const decoder = new SseDecoder();
    for (const { text } of chunks) {
      for (const event of decoder.push(text)) add(tally, event);
    }
    return tally;
  }],
];

/** Whole pipes, from a stream of bytes to a sink. The first one is the baseline. */
export const PIPES: readonly [string, Decode][] = [
  ["eventsource-parser", async (chunks) => {
    const tally = { events: 0, units: 0 };
    await textOf(chunks).pipeThrough(new EventSourceParserStream())
      .pipeTo(sinkOf((event) => add(tally, event)));
    return tally;
  }],
  ["SseBatchDecoderStream", async (chunks) => {
    const tally = { events: 0, units: 0 };
    await textOf(chunks).pipeThrough(new SseBatchDecoderStream())
      .pipeTo(sinkOf((events) => {
        for (const event of events) add(tally, event);
      }));
    return tally;
  }],
  ["SseDecoderStream", async (chunks) => {
    const tally = { events: 0, units: 0 };
    await textOf(chunks).pipeThrough(new SseDecoderStream())
      .pipeTo(sinkOf((event) => add(tally, event)));
    return tally;
  }],
  ...await importAnthropic(),
  ...await importUndici(),
  ...await importStd(),
];

/** The bare pipe, in which nothing is decoded: it finds no events, but all of the text. */
export const barePipe: Decode = async (chunks) => {
  const tally = { events: 0, units: 0 };
  await textOf(chunks).pipeThrough(new TransformStream<string, string>())
    .pipeTo(sinkOf(({ length }) => void (tally.units += length)));
  return tally;
};

function add(tally: Tally, { data }: { data: string }): void {
  tally.events++;
  tally.units += data.length;
}

function sinkOf<T>(write: (value: T) => void): WritableStream<T> {
  return new WritableStream({ write });
}

function textOf(chunks: readonly Chunk[]): ReadableStream<string> {
  return bytesOf(chunks)
    .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
}

/** The chunks as a stream of bytes that is read as fast as it can be. */
function bytesOf(
  chunks: readonly Chunk[],
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!.bytes);
      else controller.close();
    },
  });
}

/** The decoder of `@anthropic-ai/sdk`: a loop over the body, no transform stream. */
async function importAnthropic(): Promise<[string, Decode][]> {
  const module = await tryImport<{
    _iterSSEMessages(
      response: Response,
      controller: AbortController,
    ): AsyncIterable<{ data: string }>;
  }>("npm:@anthropic-ai/sdk@1.12.0/core/streaming");
  if (module === undefined) return [];
  return [["@anthropic-ai/sdk", async (chunks) => {
    const tally = { events: 0, units: 0 };
    const response = new Response(bytesOf(chunks));
    const events = module._iterSSEMessages(response, new AbortController());
    for await (const { data } of events) {
      add(tally, { data });
    }
    return tally;
  }]];
}

/** undici's decoder, a Node stream, which its `EventSource` feeds from a web stream. */
async function importUndici(): Promise<[string, Decode][]> {
  interface NodeStream {
    on(event: "error", listener: (error: Error) => void): void;
    write(bytes: Uint8Array, done: () => void): void;
  }
  const module = await tryImport<{
    EventSourceStream: new (options: {
      push: (event: { options: { data: string } }) => boolean;
    }) => NodeStream;
  }>("npm:undici@8.12.4/lib/web/eventsource/eventsource-stream.js");
  const buffer = await import("node:buffer");
  if (module === undefined) return [];
  return [["undici", async (chunks) => {
    const tally = { events: 0, units: 0 };
    const stream = new module.EventSourceStream({
      push({ options: { data } }) {
        tally.events++;
        tally.units += data.length;
        return true;
      },
    });
    const failed = Promise.withResolvers<never>();
    stream.on("error", failed.reject);
    const sink = new WritableStream<Uint8Array<ArrayBuffer>>({
      write: (bytes) =>
        Promise.race([
          failed.promise,
          new Promise<void>((resolve) =>
            stream.write(
              buffer.Buffer.from(
                bytes.buffer,
                bytes.byteOffset,
                bytes.byteLength,
              ),
              resolve,
            )
          ),
        ]),
    });
    await bytesOf(chunks).pipeTo(sink);
    return tally;
  }]];
}

/** `ServerSentEventParseStream` of `@std/http`. */
async function importStd(): Promise<[string, Decode][]> {
  const module = await tryImport<{
    ServerSentEventParseStream: new () => TransformStream<
      Uint8Array,
      { data?: string }
    >;
  }>("@std/http/server-sent-event-parse-stream");
  if (module === undefined) return [];
  return [["@std/http", async (chunks) => {
    const tally = { events: 0, units: 0 };
    await bytesOf(chunks)
      .pipeThrough(new module.ServerSentEventParseStream())
      .pipeTo(
        new WritableStream({
          write({ data }) {
            // It yields comments too, as values without data.
            if (data !== undefined) add(tally, { data });
          },
        }),
      );
    return tally;
  }]];
}

/** A peer, or `undefined` where it cannot be had: the bench prints that and leaves it out. */
// The name is no literal, so that checking types downloads no peer.
async function tryImport<T>(specifier: string): Promise<T | undefined> {
  try {
    return await import(specifier);
  } catch {
    // deno-lint-ignore no-console -- stderr: stdout may be the JSON of `deno bench`
    console.error(`${specifier} is not available here: left out`);
    return undefined;
  }
}
