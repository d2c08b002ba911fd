/**
 * Where the time of an event goes, by V8's sampling profiler: the whole listener, the bare pipe and what
 * people write, in one run, with one event in a chunk. Prints a table in Markdown.
 *
 *     deno run --allow-read --allow-sys bench/profile.ts [--functions]
 *
 * `--functions` prints a line for each function instead of one for each part.
 */

// deno-lint-ignore-file no-console -- a script that prints

import { type Profiler, Session } from "node:inspector/promises";
import { createCorpus, isSmoke } from "./corpus.ts";
import { PIPELINES } from "./pipelines.ts";

const ROUNDS = isSmoke ? 1 : 30;
const WARM_UP = isSmoke ? 0 : 10;
const INTERVAL_US = 150;
/** A longer sample is one in which other processes ran. */
const MOST_US = 2 * INTERVAL_US;

/** The parts by the folder of their code. */
const PARTS: Record<string, string> = {
  "bench": "the benchmark, with JSON.parse of the peers",
  "src/sse": "decoder",
  "eventsource-parser": "decoder",
  "src/beacon": "payloads: parse, check, identify",
  "src/values": "payloads: parse, check, identify",
  "src/listener": "listener: merge, follow the chain, meter, deliver",
};

const byFunction = Deno.args.includes("--functions");
const corpus = createCorpus("duty");
const events = ROUNDS * corpus.tally.events;
const ways: [name: string, costs: Map<string, number>][] = [];
for (const [name, open] of PIPELINES) {
  const pipeline = await open(corpus, "one event per chunk");
  const run = async (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      pipeline.prepare();
      await pipeline.round();
    }
  };
  await run(WARM_UP);
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: INTERVAL_US });
  await session.post("Profiler.start");
  await run(ROUNDS);
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  await pipeline.close();
  ways.push([name, costsOf(profile)]);
}

const parts = new Set(ways.flatMap(([, costs]) => [...costs.keys()]));
const most = (part: string) =>
  Math.max(...ways.map(([, costs]) => costs.get(part) ?? 0));
console.log(`| µs per event | ${ways.map(([name]) => name).join(" | ")} |`);
console.log(`|---|${"---:|".repeat(ways.length)}`);
for (const part of [...parts].sort((a, b) => most(b) - most(a))) {
  printRow(part, ways.map(([, costs]) => costs.get(part) ?? 0));
}
printRow(
  "all",
  ways.map(([, costs]) => [...costs.values()].reduce((a, b) => a + b)),
);

function printRow(part: string, costs: readonly number[]): void {
  const cells = costs.map((cost) => cost.toFixed(2));
  console.log(`| ${part} | ${cells.join(" | ")} |`);
}

/** The microseconds that an event costs in each part of the code. */
function costsOf(
  { nodes, samples = [], timeDeltas = [] }: Profiler.Profile,
): Map<string, number> {
  const parts = new Map(
    nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]),
  );
  const costs = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const part = parts.get(id)!;
    const cost = Math.min(timeDeltas[index]!, MOST_US) / events;
    costs.set(part, (costs.get(part) ?? 0) + cost);
  }
  return costs;
}

function partOf(
  { functionName, url, lineNumber }: Profiler.Profile["nodes"][0]["callFrame"],
): string {
  if (byFunction) {
    return `${functionName} ${url.split("/").at(-1)}:${lineNumber + 1}`;
  }
  if (functionName === "(garbage collector)") return "garbage collection";
  const [, folder = ""] =
    /\/(bench|src\/(?:sse|beacon|listener|values)|eventsource-parser)\//.exec(
      url,
    ) ??
      [];
  return PARTS[folder] ??
    (url.startsWith("ext:deno_web/06_streams") ? "streams" : "runtime");
}
