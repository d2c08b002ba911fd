/**
 * Whole ways from bytes to a subscriber, over a response that does not end, as a node's does not: our
 * listener, and what people write.
 */

import { createParser } from "npm:eventsource-parser@4.1.3";
import { EventSourceParserStream } from "npm:eventsource-parser@4.1.3/stream";
import { SseListener } from "@org/beacon-sse";
import { type Corpus, type Cut, cutCorpus, type Tally } from "./corpus.ts";
import { CONFIG, InMemoryNode } from "./in_memory_node.ts";

/** A way that is open. */
export interface Pipeline {
  /** To be called before each round: it makes the events later ones. */
  prepare(): void;
  /** Sends all chunks; resolves when every event has arrived. */
  round(): Promise<Tally>;
  /** Ends it. */
  close(): Promise<void>;
}

type OpenPipeline = (corpus: Corpus, cut: Cut) => Promise<Pipeline>;

/** All ways; the first one is the baseline. */
export const PIPELINES: readonly [string, OpenPipeline][] = [
  [
    "eventsource-parser's stream + JSON.parse + callback",
    peer(async (body, callback, signal) =>
      await body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(new EventSourceParserStream())
        .pipeTo(
          new WritableStream({
            write: ({ data }) => callback(data, JSON.parse(data)),
          }),
          { signal },
        )
    ),
  ],
  [
    "eventsource-parser's feed + JSON.parse + callback",
    peer(async (body, callback, signal) => {
      const parser = createParser({
        onEvent: ({ data }) => callback(data, JSON.parse(data)),
      });
      const decoder = new TextDecoder();
      const reader = body.getReader();
      signal.addEventListener("abort", () => reader.cancel());
      for (
        let { done, value } = await reader.read();
        !done;
        { done, value } = await reader.read()
      ) parser.feed(decoder.decode(value, { stream: true }));
    }),
  ],
  ["SseListener, typed", listen(false)],
  ["SseListener, raw", listen(true)],
  ["bare pipe", bare],
];

/** Takes the events of a body until the signal aborts. */
type Take = (
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  callback: (raw: string, data: unknown) => void,
  signal: AbortSignal,
) => Promise<void>;

/** What people write: a decoder, `JSON.parse`, a callback. */
function peer(take: Take): OpenPipeline {
  return (corpus, cut) => {
    const node = new InMemoryNode(corpus, cut);
    const tally = { events: 0, units: 0 };
    const ended = new AbortController();
    const taken = take(node.respond().body!, (raw, data) => {
      if (data !== null) tally.events++;
      tally.units += raw.length;
      node.read();
    }, ended.signal).catch(() => {});
    return Promise.resolve(openPipeline(node, tally, async () => {
      ended.abort();
      await taken;
    }));
  };
}

/** Our listener with one subscriber: typed, checked and metered, or raw as a relay needs it. */
function listen(raw: boolean): OpenPipeline {
  return async (corpus, cut) => {
    const node = new InMemoryNode(corpus, cut);
    const tally = { events: 0, units: 0 };
    const listener = await SseListener.start({
      nodes: [node.url],
      topics: corpus.name === "duty"
        ? ["head", "block", "block_gossip"]
        : ["single_attestation"],
      fetch: node.fetch,
      config: CONFIG,
      now: node.now,
    });
    const subscription = listener.events({ raw });
    const looped = (async () => {
      for await (const event of subscription) {
        if (raw || event.data !== null) tally.events++;
        tally.units += event.raw.length;
        node.read();
      }
    })();
    await listener.ready;
    return openPipeline(node, tally, async () => {
      if (subscription.dropped > 0) throw new Error("Events were dropped");
      await listener.close();
      await looped;
    });
  };
}

/** The streams alone: `TextDecoderStream`, identity, `WritableStream`. Nothing is decoded. */
function bare(corpus: Corpus, cut: Cut): Promise<Pipeline> {
  const node = new InMemoryNode(corpus, cut);
  const chunks = cutCorpus(corpus, cut);
  const tally = { events: 0, units: 0 };
  let next = 0;
  let text = 0;
  const ended = new AbortController();
  const piped = node.respond().body!
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new TransformStream<string, string>())
    .pipeTo(
      new WritableStream({
        write({ length }) {
          const { events } = chunks[next]!;
          next = (next + 1) % chunks.length;
          text += length;
          tally.events += events;
          // What a decoder would find in all of the text.
          if (text % corpus.bytes.byteLength === 0) {
            tally.units = corpus.tally.units;
          }
          node.read(events);
        },
      }),
      { signal: ended.signal },
    ).catch(() => {});
  return Promise.resolve(openPipeline(node, tally, async () => {
    ended.abort();
    await piped;
  }));
}

function openPipeline(
  node: InMemoryNode,
  tally: Tally,
  close: () => Promise<void>,
): Pipeline {
  return {
    prepare: () => node.prepare(),
    async round() {
      tally.events = tally.units = 0;
      await node.round();
      return { ...tally };
    },
    close,
  };
}
