/**
 * Whole ways from bytes to whoever wants the events, over a response that never ends, as it is with
 * a node. `pipeline_bench.ts` and `ratios.ts` time the same ones.
 */

import { createParser } from "npm:eventsource-parser@4.1.3";
import { EventSourceParserStream } from "npm:eventsource-parser@4.1.3/stream";
import { SseListener } from "@org/beacon-sse";
import type { Corpus, Cut, Tally } from "./corpus.ts";
import { CONFIG, InMemoryNode } from "./in_memory_node.ts";

/** A way that is open. */
export interface Pipeline extends AsyncDisposable {
  /** To be called before each round: time goes on meanwhile. */
  prepare(): void;
  /** Sends all chunks through and resolves when every event has arrived. */
  round(): Promise<Tally>;
}

/** Opens a way. */
export type OpenPipeline = (corpus: Corpus, cut: Cut) => Promise<Pipeline>;

const DUTY_TOPICS = ["head", "block", "block_gossip"] as const;
const ATTESTATION_TOPICS = ["single_attestation"] as const;

/** Our listener: typed, validated, metered, one subscriber. */
export const listenTyped: OpenPipeline = (corpus, cut) =>
  listen(corpus, cut, { topics: DUTY_TOPICS });

/** Our listener, attestations relayed as the node sent them. */
export const listenRaw: OpenPipeline = (corpus, cut) =>
  listen(corpus, cut, { topics: ATTESTATION_TOPICS, raw: true });

/** Our listener, attestations typed and validated. */
export const listenTypedAttestations: OpenPipeline = (corpus, cut) =>
  listen(corpus, cut, { topics: ATTESTATION_TOPICS });

/** The loop that people write: eventsource-parser, `JSON.parse`, a callback. */
export const feedAndParse: OpenPipeline = (corpus, cut) => {
  const node = new InMemoryNode(corpus, cut);
  const tally = { events: 0, units: 0 };
  const callback = (event: { data: unknown; raw: string }) => {
    count(tally, event.raw, event.data);
    node.read();
  };
  const parser = createParser({
    onEvent: ({ data }) => callback({ data: JSON.parse(data), raw: data }),
  });
  const reader = node.respond().body!.getReader();
  const loop = async () => {
    const decoder = new TextDecoder();
    for (
      let result = await reader.read();
      !result.done;
      result = await reader.read()
    ) {
      parser.feed(decoder.decode(result.value, { stream: true }));
    }
  };
  return Promise.resolve(
    openPipeline(node, tally, loop(), () => reader.cancel()),
  );
};

/** The same with eventsource-parser's stream, the shape that ours has. */
export const pipeAndParse: OpenPipeline = (corpus, cut) => {
  const node = new InMemoryNode(corpus, cut);
  const tally = { events: 0, units: 0 };
  const callback = (event: { data: unknown; raw: string }) => {
    count(tally, event.raw, event.data);
    node.read();
  };
  const ended = new AbortController();
  const piped = node.respond().body!
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .pipeTo(
      new WritableStream({
        write: ({ data }) => callback({ data: JSON.parse(data), raw: data }),
      }),
      { signal: ended.signal },
    );
  return Promise.resolve(
    openPipeline(
      node,
      tally,
      piped.catch(() => {}),
      () => ended.abort(),
    ),
  );
};

async function listen(
  corpus: Corpus,
  cut: Cut,
  wanted: {
    topics: readonly (typeof DUTY_TOPICS | typeof ATTESTATION_TOPICS)[number][];
    raw?: boolean;
  },
): Promise<Pipeline> {
  const node = new InMemoryNode(corpus, cut);
  const tally = { events: 0, units: 0 };
  const listener = await SseListener.start({
    nodes: [node.url],
    topics: wanted.topics,
    fetch: node.fetch,
    config: CONFIG,
    now: node.now,
  });
  const subscription = listener.events(wanted);
  const loop = async () => {
    for await (const event of subscription) {
      // A relay looks at `raw` only; to ask for `data` would have it parsed.
      count(tally, event.raw, wanted.raw === true ? undefined : event.data);
      node.read();
    }
  };
  const looped = loop();
  await listener.ready;
  return openPipeline(node, tally, looped, async () => {
    if (subscription.dropped > 0) throw new Error("Events were dropped");
    await listener.close();
  });
}

function count(tally: Tally, raw: string, data: unknown): void {
  if (data !== null) tally.events++;
  tally.units += raw.length;
}

function openPipeline(
  node: InMemoryNode,
  tally: Tally,
  ended: Promise<void>,
  end: () => void | Promise<void>,
): Pipeline {
  return {
    prepare: () => node.prepare(),
    async round() {
      tally.events = tally.units = 0;
      await node.round();
      return { ...tally };
    },
    async [Symbol.asyncDispose]() {
      await end();
      await ended;
    },
  };
}
