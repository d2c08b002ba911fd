/** Decoding alone: the synchronous cores, then whole pipes from bytes to a sink. */

import {
  assertTally,
  type CorpusName,
  createCorpus,
  type Cut,
  cutCorpus,
  SMOKE,
} from "./corpus.ts";
import {
  type Core,
  feedAll,
  type Pipe,
  pipeBatches,
  pipeEvents,
  pipeEventSourceParser,
  pipeIdentity,
  pipeStd,
  pipeUndici,
  pushAll,
  readAnthropic,
} from "./decoders.ts";

const CORES: [string, Core][] = [
  ["eventsource-parser feed", feedAll],
  ["SseDecoder.push", pushAll],
];

const PIPES: [string, Pipe | undefined][] = [
  ["eventsource-parser", pipeEventSourceParser],
  ["SseBatchDecoderStream", pipeBatches],
  ["SseDecoderStream", pipeEvents],
  ["@anthropic-ai/sdk", readAnthropic],
  ["undici", pipeUndici],
  ["@std/http", pipeStd],
  ["floor: identity transform", pipeIdentity],
];

/** Peers whose time is quadratic in an event's chunks, or near it. */
const SLOW_ON_GIANTS: ReadonlySet<string> = new Set([
  "@std/http",
  "@anthropic-ai/sdk",
]);

const SETTINGS: [CorpusName, "LF" | "CRLF", Cut[]][] = [
  ["mix", "LF", ["64 KiB", "8 KiB", "1 KiB", "one event per chunk"]],
  ["mix", "CRLF", ["64 KiB", "1 KiB"]],
  ["duty", "LF", ["64 KiB", "8 KiB", "1 KiB", "one event per chunk"]],
  ["duty", "CRLF", ["64 KiB"]],
  ["attestations", "LF", ["64 KiB", "one event per chunk"]],
  ["giant", "LF", ["64 KiB", "8 KiB", "1 KiB"]],
];

for (const [name, lineEnd, cuts] of SETTINGS) {
  const corpus = createCorpus(name, lineEnd);
  for (const cut of cuts) {
    const chunks = cutCorpus(corpus, cut);
    for (const [who, run] of CORES) {
      assertTally(who, run(chunks), corpus.tally);
      Deno.bench(who, {
        ...SMOKE,
        group: `core: ${corpus.name}, ${cut}`,
        baseline: run === feedAll,
      }, () => {
        if (run(chunks).events !== corpus.tally.events) throw new Error(who);
      });
    }
    for (const [who, run] of PIPES) {
      if (run === undefined) continue;
      if (name === "giant" && cut !== "64 KiB" && SLOW_ON_GIANTS.has(who)) {
        continue;
      }
      const tally = await run(chunks);
      if (run === pipeIdentity) {
        assertTally(who, tally, {
          events: 0,
          units: corpus.bytes.byteLength,
        });
      } else assertTally(who, tally, corpus.tally);
      Deno.bench(who, {
        ...SMOKE,
        group: `pipe: ${corpus.name}, ${cut}`,
        baseline: run === pipeEventSourceParser,
      }, async () => {
        if ((await run(chunks)).events !== tally.events) throw new Error(who);
      });
    }
  }
}
