/** All that is compared: each comparison does the same in several ways, the first one a peer's. */

import { type KnownTopic, parseEventData } from "@org/beacon-sse";
import { SseDecoder } from "@org/beacon-sse/sse";
import {
  assertTally,
  type Corpus,
  type CorpusName,
  createCorpus,
  type Cut,
  cutCorpus,
  isSmoke,
} from "./corpus.ts";
import { barePipe, CORES, type Decode, PIPES } from "./decoders.ts";
import { AUDIENCES, VALUES } from "./audiences.ts";
import { PIPELINES } from "./pipelines.ts";

/** One of the ways to do the same. */
export interface Way {
  /** Its name. */
  name: string;
  /** What is done before each run, and not timed. */
  before?: () => void;
  /** What is timed. It throws if it finds another result than the other ways. */
  run: () => unknown;
  /** What is done after each run, and not timed. */
  after?: () => Promise<void>;
  /** Ends the way. */
  close?: () => Promise<void>;
}

/** A comparison; the ways are opened when it is its turn. */
export interface Comparison {
  /** The table that it belongs to. */
  table: "core" | "pipe" | "payload" | "listener" | "fan-out";
  /** On what. */
  on: string;
  /** Opens the ways; the first one is the baseline. */
  open: () => Promise<Way[]>;
}

const corpora = new Map<string, Corpus>();

/** All comparisons. */
export const COMPARISONS: readonly Comparison[] = [
  ...decoders("mix", ["64 KiB", "8 KiB", "1 KiB", "one event per chunk"]),
  ...decoders("duty", ["64 KiB", "8 KiB", "1 KiB", "one event per chunk"]),
  ...decoders("duty", ["64 KiB"], "CRLF"),
  ...decoders("giant", ["64 KiB", "1 KiB"]),
  ...listeners("duty"),
  ...listeners("attestations"),
  ...([
    "head",
    "block",
    "single_attestation",
    "light_client_optimistic_update",
    "payload_attributes",
  ] as const).map(payloads),
  ...(isSmoke ? [100] : [1, 100, 10_000]).map(fanOut),
];

function corpusOf(name: CorpusName, lineEnd: "LF" | "CRLF" = "LF"): Corpus {
  const key = `${name} ${lineEnd}`;
  const corpus = corpora.get(key) ?? createCorpus(name, lineEnd);
  corpora.set(key, corpus);
  return corpus;
}

function decoders(
  name: CorpusName,
  cuts: readonly Cut[],
  lineEnd: "LF" | "CRLF" = "LF",
): Comparison[] {
  const compare = (
    table: "core" | "pipe",
    cut: Cut,
    ways: readonly [string, Decode][],
  ): Comparison => ({
    table,
    on: `${name}${lineEnd === "LF" ? "" : " with CRLF"}, ${cut}`,
    open() {
      const corpus = corpusOf(name, lineEnd);
      const chunks = cutCorpus(corpus, cut);
      const text = { events: 0, units: corpus.bytes.byteLength };
      return Promise.resolve(ways.map(([name, decode]) => ({
        name,
        async run() {
          const expected = decode === barePipe ? text : corpus.tally;
          assertTally(name, await decode(chunks), expected);
        },
      })));
    },
  });
  return cuts.flatMap((cut) => {
    // These two take time that is quadratic in the chunks of an event.
    const isEndless = name === "giant" && cut !== "64 KiB";
    const pipes = PIPES.filter(([name]) => !isEndless || !/^@/.test(name));
    return [
      compare("core", cut, CORES),
      compare("pipe", cut, [...pipes, ["bare pipe", barePipe]]),
    ];
  });
}

function listeners(name: "duty" | "attestations"): Comparison[] {
  const cuts: Cut[] = ["64 KiB", "8 KiB", "one event per chunk"];
  return cuts.map((cut) => ({
    table: "listener",
    on: `${name}, ${cut}`,
    async open() {
      const corpus = corpusOf(name);
      const ways: Way[] = [];
      for (const [name, open] of PIPELINES) {
        const pipeline = await open(corpus, cut);
        ways.push({
          name,
          before: () => pipeline.prepare(),
          run: async () =>
            assertTally(name, await pipeline.round(), corpus.tally),
          close: () => pipeline.close(),
        });
      }
      return ways;
    },
  }));
}

function payloads(topic: KnownTopic): Comparison {
  return {
    table: "payload",
    on: topic,
    open() {
      const all: string[] = [];
      const decoder = new SseDecoder();
      for (const { text } of cutCorpus(corpusOf("mix"), "64 KiB")) {
        for (const { type, data } of decoder.push(text)) {
          // A copy, as the listener makes one before it parses.
          if (type === topic && all.length < 500) {
            all.push(structuredClone(data));
          }
        }
      }
      const way = (name: string, parse: (raw: string) => unknown): Way => ({
        name,
        run() {
          for (const raw of all) {
            if (typeof parse(raw) !== "object") throw new Error(name);
          }
        },
      });
      return Promise.resolve([
        way("JSON.parse", JSON.parse),
        way("parseEventData", (raw) => parseEventData(topic, raw)),
      ]);
    },
  };
}

function fanOut(subscribers: number): Comparison {
  return {
    table: "fan-out",
    on: `${VALUES} values to ${subscribers.toLocaleString("en")} subscribers`,
    open() {
      // A `BroadcastChannel` copies each value for each subscriber: 10,000 would take seconds.
      const names = Object.entries(AUDIENCES).filter(([name]) =>
        subscribers <= 100 || name !== "BroadcastChannel"
      );
      return Promise.resolve(names.map(([name, gather]) => {
        const audience = gather(subscribers);
        return {
          name,
          run: () => audience.post(),
          after: () => audience.read(),
          close: () => audience.close(),
        };
      }));
    },
  };
}
