/**
 * Ours against the peers, in turn in one process, A B B A …, medians: what is quoted, since two runs
 * of `deno bench` on a machine with other work on it cannot be compared.
 *
 * `deno run --allow-read --allow-run bench/ratios.ts [--rounds=25] [--only=words] [--json]`
 */

// deno-lint-ignore-file no-console -- a script that prints a table

import {
  assertTally,
  type Corpus,
  type CorpusName,
  createCorpus,
  type Cut,
  cutCorpus,
  isSmoke,
  type Tally,
} from "./corpus.ts";
import {
  type Core,
  feedAll,
  type Pipe,
  pipeBatches,
  pipeDefaultIdentity,
  pipeEvents,
  pipeEventSourceParser,
  pipeIdentity,
  pushAll,
} from "./decoders.ts";
import type { MemoryRow } from "./memory.ts";
import {
  feedAndParse,
  listenRaw,
  listenTyped,
  type OpenPipeline,
  pipeAndParse,
} from "./pipelines.ts";
import { type Gather, gatherBroadcast, gatherEventTarget } from "./posts.ts";

/** A line of the table: how many times as fast as the peer, or how many times as slow. */
export interface RatioRow {
  /** What is compared. */
  what: string;
  /** On what. */
  on: string;
  /** What issue 4 asks for; absent where the line is only to know. */
  target?: string;
  /** What was measured. */
  measured: string;
  /** Ours and theirs, or the range of the rounds. */
  detail: string;
  /** Whether the target is met; `true` where there is none. */
  isMet: boolean;
}

/** Two ways to do the same; each round times one go of each. */
interface Comparison {
  what: string;
  on: string;
  /** The least ratio of their time to ours. */
  atLeast?: number;
  /** The greatest ratio of our time to theirs. */
  atMost?: number;
  open(): Promise<{ ours: Timed; theirs: Timed } & AsyncDisposable>;
}

/** Goes once; returns how long what counts took, in milliseconds. */
type Timed = () => Promise<number>;

const ROUNDS = isSmoke ? 1 : Number(flag("rounds") ?? 25);
const WARM_UP = isSmoke ? 0 : 5;

const corpora = new Map<CorpusName, Corpus>();

/** All lines but those on memory. */
const COMPARISONS: Comparison[] = [
  pipes("mix", "64 KiB", { atLeast: 2.8 }),
  pipes("mix", "8 KiB", { atLeast: 2.6 }),
  pipes("mix", "1 KiB", { atLeast: 1.5 }),
  pipes("mix", "one event per chunk", { atLeast: 1.1 }),
  pipes("duty", "64 KiB", { atLeast: 3.5 }),
  pipes("duty", "one event per chunk", {}),
  pipes("giant", "64 KiB", {}),
  pipes("giant", "1 KiB", {}),
  pipes("mix", "64 KiB", { atLeast: 1, ours: pipeEvents }),
  pipes("mix", "one event per chunk", { atLeast: 1, ours: pipeEvents }),
  pipes("duty", "64 KiB", { atLeast: 1, ours: pipeEvents }),
  cores("mix", "64 KiB", 1.2),
  cores("mix", "8 KiB", 1.2),
  cores("mix", "1 KiB", 1.2),
  cores("mix", "one event per chunk", 1.2),
  cores("duty", "64 KiB", 1.2),
  cores("duty", "1 KiB", 1.2),
  floors("mix", "64 KiB", 1.6),
  floors("duty", "64 KiB", undefined),
  floors("mix", "one event per chunk", 1.2),
  floors("duty", "one event per chunk", 1.2),
  floors("mix", "one event per chunk", undefined, pipeDefaultIdentity),
  whole("duty", "64 KiB", listenTyped, pipeAndParse, 1),
  whole("duty", "64 KiB", listenTyped, feedAndParse, undefined),
  whole("duty", "one event per chunk", listenTyped, pipeAndParse, undefined),
  whole("attestations", "64 KiB", listenRaw, pipeAndParse, 2),
  whole("attestations", "64 KiB", listenRaw, feedAndParse, undefined),
  whole(
    "attestations",
    "one event per chunk",
    listenRaw,
    pipeAndParse,
    undefined,
  ),
  posts(10_000, gatherBroadcast, gatherEventTarget, 5),
];

async function main(): Promise<void> {
  const only = flag("only");
  const isJson = Deno.args.includes("--json");
  const rows: RatioRow[] = [];
  const add = (row: RatioRow) => {
    rows.push(row);
    if (!isJson) console.log(line(row));
  };
  if (!isJson) console.log(HEAD);
  for (const comparison of COMPARISONS) {
    if (only !== undefined && !title(comparison).includes(only)) continue;
    add(await compare(comparison));
  }
  if (only === undefined || only === "memory") {
    for (const row of await measureMemory()) add(row);
  }
  if (isJson) console.log(JSON.stringify({ rounds: ROUNDS, rows }));
}

const HEAD = `| what | on | target | measured | medians |
|---|---|---|---|---|`;

function line({ what, on, target, measured, detail, isMet }: RatioRow): string {
  const verdict = target === undefined ? "" : isMet ? " ✓" : " ✗";
  return `| ${what} | ${on} | ${
    target ?? "–"
  } | ${measured}${verdict} | ${detail} |`;
}

function title({ what, on }: Comparison): string {
  return `${what} ${on}`;
}

function flag(name: string): string | undefined {
  const prefix = `--${name}=`;
  return Deno.args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
}

async function compare(comparison: Comparison): Promise<RatioRow> {
  const { what, on, atLeast, atMost } = comparison;
  await using sides = await comparison.open();
  for (let round = 0; round < WARM_UP; round++) {
    await sides.theirs();
    await sides.ours();
  }
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Each goes first every other round, since one pays for the other's garbage.
    if (round % 2 === 0) theirs.push(await sides.theirs());
    ours.push(await sides.ours());
    if (round % 2 === 1) theirs.push(await sides.theirs());
  }
  const ratios = ours.map((our, round) => theirs[round]! / our);
  const detail = (times: number[]) => `${quantile(times, 0.5).toFixed(2)} ms`;
  const isCost = atMost !== undefined || what.startsWith("distance");
  const shown = isCost ? ratios.map((ratio) => 1 / ratio) : ratios;
  const measured = quantile(shown, 0.5);
  return {
    what,
    on,
    ...(atLeast === undefined ? {} : { target: `≥ ${atLeast}×` }),
    ...(atMost === undefined ? {} : { target: `≤ ${atMost}×` }),
    measured: `${measured.toFixed(2)}×`,
    detail: `${detail(ours)} : ${detail(theirs)}, half of the rounds in ${
      quantile(shown, 0.25).toFixed(2)
    }–${quantile(shown, 0.75).toFixed(2)}`,
    isMet: (atLeast === undefined || measured >= atLeast) &&
      (atMost === undefined || measured <= atMost),
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * share)]!;
}

function corpusOf(name: CorpusName): Corpus {
  const corpus = corpora.get(name) ?? createCorpus(name);
  corpora.set(name, corpus);
  return corpus;
}

function timed(
  who: string,
  run: () => Tally | Promise<Tally>,
  expected: Tally,
): Timed {
  return async () => {
    const start = performance.now();
    const result = run();
    const tally = result instanceof Promise ? await result : result;
    const elapsed = performance.now() - start;
    assertTally(who, tally, expected);
    return elapsed;
  };
}

function open(ours: Timed, theirs: Timed): ReturnType<Comparison["open"]> {
  return Promise.resolve({
    ours,
    theirs,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

function pipes(
  name: CorpusName,
  cut: Cut,
  { atLeast, ours = pipeBatches }: { atLeast?: number; ours?: Pipe },
): Comparison {
  return {
    what: ours === pipeBatches
      ? "SseBatchDecoderStream against eventsource-parser's stream"
      : "SseDecoderStream against eventsource-parser's stream",
    on: `${name}, ${cut}`,
    ...(atLeast === undefined ? {} : { atLeast }),
    open() {
      const { tally } = corpusOf(name);
      const chunks = cutCorpus(corpusOf(name), cut);
      return open(
        timed("ours", () => ours(chunks), tally),
        timed("theirs", () => pipeEventSourceParser(chunks), tally),
      );
    },
  };
}

function cores(name: CorpusName, cut: Cut, atLeast: number): Comparison {
  return {
    what: "SseDecoder.push against eventsource-parser's feed, its limit on",
    on: `${name}, ${cut}`,
    atLeast,
    open() {
      const { tally } = corpusOf(name);
      const chunks = cutCorpus(corpusOf(name), cut);
      const repeat = (run: Core): () => Tally => () => {
        let result = run(chunks);
        for (let times = 1; times < 4; times++) result = run(chunks);
        return result;
      };
      return open(
        timed("ours", repeat(pushAll), tally),
        timed("theirs", repeat(feedAll), tally),
      );
    },
  };
}

function floors(
  name: CorpusName,
  cut: Cut,
  atMost: number | undefined,
  floor: Pipe = pipeIdentity,
): Comparison {
  return {
    what: floor === pipeIdentity
      ? "distance of SseBatchDecoderStream to the floor"
      : "distance of SseBatchDecoderStream to the floor with default queues",
    on: `${name}, ${cut}`,
    ...(atMost === undefined ? {} : { atMost }),
    open() {
      const { tally, bytes } = corpusOf(name);
      const chunks = cutCorpus(corpusOf(name), cut);
      const text = { events: 0, units: bytes.byteLength };
      return open(
        timed("ours", () => pipeBatches(chunks), tally),
        timed("floor", () => floor(chunks), text),
      );
    },
  };
}

function whole(
  name: CorpusName,
  cut: Cut,
  openOurs: OpenPipeline,
  openTheirs: OpenPipeline,
  atLeast: number | undefined,
): Comparison {
  return {
    what: `whole listener${
      openOurs === listenRaw ? ", raw," : ", typed,"
    } against eventsource-parser's ${
      openTheirs === feedAndParse ? "feed" : "stream"
    } + JSON.parse + callback`,
    on: `${name}, ${cut}`,
    ...(atLeast === undefined ? {} : { atLeast }),
    async open() {
      const corpus = corpusOf(name);
      const ours = await openOurs(corpus, cut);
      const theirs = await openTheirs(corpus, cut);
      const time = (who: string, pipeline: typeof ours): Timed => () => {
        pipeline.prepare();
        return timed(who, () => pipeline.round(), corpus.tally)();
      };
      return {
        ours: time("ours", ours),
        theirs: time("theirs", theirs),
        async [Symbol.asyncDispose]() {
          await ours[Symbol.asyncDispose]();
          await theirs[Symbol.asyncDispose]();
        },
      };
    },
  };
}

function posts(
  subscribers: number,
  gatherOurs: Gather,
  gatherTheirs: Gather,
  atLeast: number,
): Comparison {
  return {
    what: "Broadcast.post against EventTarget.dispatchEvent",
    on: `${subscribers.toLocaleString("en")} subscribers`,
    atLeast,
    open() {
      const ours = gatherOurs(subscribers);
      const theirs = gatherTheirs(subscribers);
      const time = (audience: typeof ours): Timed => async () => {
        const start = performance.now();
        audience.post();
        const elapsed = performance.now() - start;
        await audience.read();
        return elapsed;
      };
      return Promise.resolve({
        ours: time(ours),
        theirs: time(theirs),
        async [Symbol.asyncDispose]() {
          await ours[Symbol.asyncDispose]();
          await theirs[Symbol.asyncDispose]();
        },
      });
    },
  };
}

/** In a process of its own, whose heap holds nothing else. */
async function measureMemory(): Promise<RatioRow[]> {
  const command = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-read",
      new URL("./memory.ts", import.meta.url).pathname,
      "--json",
      ...(isSmoke ? ["--smoke"] : []),
    ],
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error("memory.ts failed");
  const rows: MemoryRow[] = JSON.parse(new TextDecoder().decode(stdout));
  return rows.map(({ what, on, limit, value, unit, detail }) => ({
    what,
    on,
    ...(limit === undefined ? {} : { target: `≤ ${limit} ${unit}` }),
    measured: `${value.toFixed(1)} ${unit}`,
    detail,
    isMet: limit === undefined || value <= limit,
  }));
}

if (import.meta.main) await main();
