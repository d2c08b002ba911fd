/**
 * The decoders that are compared, ours and our peers', each as a function that reads a whole stream
 * and tells what it found. `decoder_bench.ts` and `ratios.ts` time the same functions.
 */

import { createParser } from "npm:eventsource-parser@4.1.3";
import { EventSourceParserStream } from "npm:eventsource-parser@4.1.3/stream";
import {
  SseBatchDecoderStream,
  SseDecoder,
  SseDecoderStream,
} from "@org/beacon-sse/sse";
import type { Chunk, Tally } from "./corpus.ts";

/** Reads the text of all chunks in one go, without any stream. */
export type Core = (chunks: readonly Chunk[]) => Tally;

/** Reads a stream of all chunks. */
export type Pipe = (chunks: readonly Chunk[]) => Promise<Tally>;

/** The cap that ours has by default; eventsource-parser counts characters, not bytes. */
const MAX_EVENT_BYTES = 4 * 1024 * 1024;

/** `SseDecoder.push`. */
export const pushAll: Core = (chunks) => {
  const tally = { events: 0, units: 0 };
  const decoder = new SseDecoder();
  for (const { text } of chunks) {
    for (const { data } of decoder.push(text)) {
      tally.events++;
      tally.units += data.length;
    }
  }
  return tally;
};

/** eventsource-parser's `feed`, its limit on. */
export const feedAll: Core = (chunks) => {
  const tally = { events: 0, units: 0 };
  const parser = createParser({
    maxBufferSize: MAX_EVENT_BYTES,
    onEvent({ data }) {
      tally.events++;
      tally.units += data.length;
    },
  });
  for (const { text } of chunks) parser.feed(text);
  return tally;
};

/** `SseBatchDecoderStream`, what the listener runs. */
export const pipeBatches: Pipe = async (chunks) => {
  const tally = { events: 0, units: 0 };
  await textOf(chunks)
    .pipeThrough(new SseBatchDecoderStream())
    .pipeTo(
      new WritableStream({
        write(events) {
          for (const { data } of events) {
            tally.events++;
            tally.units += data.length;
          }
        },
      }),
    );
  return tally;
};

/** `SseDecoderStream`, event by event. */
export const pipeEvents: Pipe = async (chunks) => {
  const tally = { events: 0, units: 0 };
  await textOf(chunks)
    .pipeThrough(new SseDecoderStream())
    .pipeTo(sinkOf(tally));
  return tally;
};

/** eventsource-parser's stream, without a limit. */
export const pipeEventSourceParser: Pipe = async (chunks) => {
  const tally = { events: 0, units: 0 };
  await textOf(chunks)
    .pipeThrough(new EventSourceParserStream())
    .pipeTo(sinkOf(tally));
  return tally;
};

/**
 * The floor: a pipe of the same shape and with the same queues, in which nobody decodes anything.
 * It finds no events, but all the text.
 */
export const pipeIdentity: Pipe = (chunks) =>
  pipeText(
    chunks,
    new TransformStream(
      {
        transform(text, controller) {
          controller.enqueue(text);
        },
      },
      { highWaterMark: 16 },
      { highWaterMark: 4 },
    ),
  );

/** The floor with the queues that a transform stream has by default. */
export const pipeDefaultIdentity: Pipe = (chunks) =>
  pipeText(chunks, new TransformStream());

/** The decoder of `@anthropic-ai/sdk`: a loop over the body, no transform stream. */
export const readAnthropic: Pipe | undefined = await importAnthropic();

/** undici's decoder, a Node stream, which its `EventSource` feeds from a web stream. */
export const pipeUndici: Pipe | undefined = await importUndici();

/** `ServerSentEventParseStream` of `@std/http`; absent where a stand-in takes the package's place. */
export const pipeStd: Pipe | undefined = await importStd();

function textOf(chunks: readonly Chunk[]): ReadableStream<string> {
  return bytesOf(chunks)
    .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
}

/** The chunks as a stream of bytes that is read as fast as it can be. */
export function bytesOf(
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

function sinkOf(tally: Tally): WritableStream<{ data: string }> {
  return new WritableStream({
    write({ data }) {
      tally.events++;
      tally.units += data.length;
    },
  });
}

async function pipeText(
  chunks: readonly Chunk[],
  transform: TransformStream<string, string>,
): Promise<Tally> {
  const tally = { events: 0, units: 0 };
  await textOf(chunks).pipeThrough(transform).pipeTo(
    new WritableStream({
      write(text) {
        tally.units += text.length;
      },
    }),
  );
  return tally;
}

// By a name that is no literal, so that neither types nor a download are asked of who only checks.
async function importAnthropic(): Promise<Pipe | undefined> {
  const module = await tryImport<{
    _iterSSEMessages(
      response: Response,
      controller: AbortController,
    ): AsyncIterable<{ data: string }>;
  }>("npm:@anthropic-ai/sdk@1.12.0/core/streaming");
  return module && (async (chunks) => {
    const tally = { events: 0, units: 0 };
    const response = new Response(bytesOf(chunks));
    const events = module._iterSSEMessages(response, new AbortController());
    for await (const { data } of events) {
      tally.events++;
      tally.units += data.length;
    }
    return tally;
  });
}

async function importUndici(): Promise<Pipe | undefined> {
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
  return module && (async (chunks) => {
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
  });
}

async function importStd(): Promise<Pipe | undefined> {
  const module = await tryImport<{
    ServerSentEventParseStream: new () => TransformStream<
      Uint8Array,
      { data?: string }
    >;
  }>("@std/http/server-sent-event-parse-stream");
  return module && (async (chunks) => {
    const tally = { events: 0, units: 0 };
    await bytesOf(chunks)
      .pipeThrough(new module.ServerSentEventParseStream())
      .pipeTo(
        new WritableStream({
          write({ data }) {
            // It yields comments too, as values without data.
            if (data === undefined) return;
            tally.events++;
            tally.units += data.length;
          },
        }),
      );
    return tally;
  });
}

/** A peer, or `undefined` where it cannot be had: the bench says so and leaves it out. */
async function tryImport<T>(specifier: string): Promise<T | undefined> {
  try {
    return await import(specifier);
  } catch {
    // deno-lint-ignore no-console -- stderr: stdout may be the JSON of `deno bench`
    console.error(`${specifier} is not available here: left out`);
    return undefined;
  }
}
