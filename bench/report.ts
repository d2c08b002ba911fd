/**
 * Runs all comparisons and writes docs/benchmarks.md. The ways of a comparison go in turn in one
 * process, since two runs on a machine with other work cannot be compared.
 *
 * `deno task bench:report [--rounds=15] [--only=WORDS] [--smoke]`; with the last two the page is
 * printed only.
 */

// deno-lint-ignore-file no-console -- a script that prints

import { COMPARISONS, type Way } from "./comparisons.ts";
import { isSmoke } from "./corpus.ts";
import type { MemoryRow } from "./memory.ts";

const PAGE = new URL("../docs/benchmarks.md", import.meta.url);
const only = flag("only");
const ROUNDS = isSmoke ? 1 : Number(flag("rounds") ?? 15);
const WARM_UP = isSmoke ? 0 : 5;

/** The tables of the page, in its words. */
const TABLES: Record<string, string> = {
  listener: `## The whole listener

From the bytes of a response to a subscriber's loop. The listener decodes, checks, meters, and
delivers each event once; the peers parse JSON and call a function. \`duty\` are \`head\`, \`block\` and
\`block_gossip\`, \`attestations\` are \`single_attestation\`. A real node writes one event at a time, so the
lines with one event per chunk are the nearest to it. The bare pipe is
\`TextDecoderStream\` → identity → \`WritableStream\` and decodes nothing: it shows what the streams themselves cost.`,
  pipe: `## Decoders as streams

From bytes to a sink. \`mix\` is 8 MB of all topics, \`giant\` four events of 1 MB.`,
  core: `## Decoders without streams

Text in, events out.`,
  payload: `## Payloads

\`parseEventData\` parses and checks; \`JSON.parse\` only parses. A payload that no subscriber needs is not parsed.`,
  "fan-out": `## One value to many subscribers

How long the sender is busy. \`EventTarget\` calls the subscribers at once; \`Broadcast\` queues for each.`,
};

const PROFILE_TEXT = `## Where the time of an event goes

From a sampling profiler, on \`duty\` with one event per chunk, in one run. The profiler slows down what it
samples, so compare the parts with each other, not the sums with the tables above. All ways but the feed go
through streams, which cost them about the same: what is left for decoding, parsing and listening is the difference
to the bare pipe. \`deno run --allow-read --allow-sys bench/profile.ts\` prints this table, and with
\`--functions\` each function.
`;

const MEMORY_TEXT = `## Memory and many nodes

| what | on | measured | |
|---|---|---:|---|`;

const GATEWAY_TEXT = `## The gateway

1,000 readers of events of about 300 bytes, beside nginx with nchan and better-sse. All servers run at the
same time and are measured in turn. \`deno run -A bench/gateway_bench.ts\` prints this section.
`;

const PAGE_TEXT = `## From an event to its pixels

From the moment at which three simulated nodes send a head to the moment at which the live page has painted it,
in Chromium without a graphics card. \`deno run -A bench/page_bench.ts\` prints this section.
`;

interface Result {
  table: string;
  on: string;
  baseline: string;
  /** Time of the baseline, in milliseconds. */
  time: number;
  /** How many times as fast as the baseline each way is. */
  ratios: Map<string, number>;
}

async function main(): Promise<void> {
  const results: Result[] = [];
  for (const { table, on, open } of COMPARISONS) {
    if (only !== undefined && !`${table}: ${on}`.includes(only)) continue;
    const ways = await open();
    results.push({ table, on, ...await compare(ways) });
    for (const { close } of ways) await close?.();
    console.error(summary(results.at(-1)!));
  }
  const sections = only === undefined ? await measureRest() : [];
  const page = await render(results, sections);
  if (only !== undefined || isSmoke) return console.log(page);
  await Deno.writeTextFile(PAGE, page);
  await capture(["fmt", "--quiet", PAGE.pathname]);
}

/** Medians over rounds, in which each way goes once, in another order each time. */
async function compare(
  ways: readonly Way[],
): Promise<Pick<Result, "baseline" | "time" | "ratios">> {
  const times = ways.map((): number[] => []);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    for (let turn = 0; turn < ways.length; turn++) {
      const index = (turn + Math.abs(round)) % ways.length;
      const { before, run, after } = ways[index]!;
      before?.();
      const start = performance.now();
      await run();
      const elapsed = performance.now() - start;
      await after?.();
      if (round >= 0) times[index]!.push(elapsed);
    }
  }
  const [baseline = []] = times;
  const ratios = ways.map(({ name }, index) =>
    [
      name,
      median(times[index]!.map((time, round) => baseline[round]! / time)),
    ] as const
  );
  return {
    baseline: ways[0]!.name,
    time: median(baseline),
    ratios: new Map(ratios.slice(1)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function summary({ table, on, ratios }: Result): string {
  const parts = Array.from(
    ratios,
    ([name, ratio]) => `${name} ${ratio.toFixed(2)}×`,
  );
  return `${table}: ${on}: ${parts.join(", ")}`;
}

async function render(
  results: readonly Result[],
  sections: readonly string[],
): Promise<string> {
  const page = [
    "# Benchmarks",
    "",
    "`deno task bench:report` runs all comparisons and writes this page; it takes ten minutes. `deno task bench`",
    "runs the same ones with `deno bench`. Each run counts its events and fails if one is missing. A peer that",
    "is not available is left out, with a line that names it.",
    "",
    await circumstances(),
    "",
    `The ways of a line run in turn in one process, ${ROUNDS} times each. The second column is the median time of`,
    "the peer; the others show how many times as fast as the peer each way is, as a median. 2.00× is twice as fast,",
    "0.50× takes twice the time.",
    "",
    ...conclusions(results),
  ];
  for (const [table, text] of Object.entries(TABLES)) {
    const lines = results.filter((result) => result.table === table);
    if (lines.length > 0) page.push(text, "", ...renderTable(lines), "");
  }
  page.push(...sections);
  return page.join("\n");
}

/** What follows from the numbers for a user; the lines that are lost are named. */
function conclusions(results: readonly Result[]): string[] {
  const losses = results.flatMap(({ table, on, baseline, ratios }) =>
    [...ratios].filter(([name, ratio]) =>
      /^(Sse|parseEventData|Broadcast$)/.test(name) && ratio < 0.95
    ).map(([name, ratio]) =>
      `- ${name} on ${on} (${table}): ${ratio.toFixed(2)}× of ${baseline}`
    )
  );
  return [
    "## What you may conclude",
    "",
    "A node sends a few events per slot, or some thousands with attestations. Each costs a few microseconds in",
    "any of these ways, and reading it from a socket costs ten times as much: choose by behaviour, not by speed.",
    "Where events come in large chunks, as from a recording or a relay, `raw: true` saves most of the work.",
    "",
    ...losses.length === 0 ? ["No way of ours was slower than its peer."] : [
      "Slower than the peer are:",
      "",
      ...losses,
    ],
    "",
  ];
}

function renderTable(lines: readonly Result[]): string[] {
  const names = [...new Set(lines.flatMap(({ ratios }) => [...ratios.keys()]))];
  return [
    `| on | ${lines[0]!.baseline} | ${names.join(" | ")} |`,
    `|---|${"---:|".repeat(names.length + 1)}`,
    ...lines.map(({ on, time, ratios }) => {
      const cells = names.map((name) => {
        const ratio = ratios.get(name);
        return ratio === undefined ? "" : `${ratio.toFixed(2)}×`;
      });
      return `| ${on} | ${duration(time)} | ${cells.join(" | ")} |`;
    }),
  ];
}

function duration(ms: number): string {
  return ms < 1
    ? `${(ms * 1000).toPrecision(3)} µs`
    : `${ms.toPrecision(3)} ms`;
}

async function circumstances(): Promise<string> {
  const decoders = await Deno.readTextFile(
    new URL("decoders.ts", import.meta.url),
  );
  const peers = new Set(
    decoders.matchAll(/"npm:(@?[^@"]+)@(\d[^/"]*)/g)
      .map(([, name, version]) => `${name} ${version}`),
  );
  const [load = 0] = Deno.loadavg();
  return `Measured on ${
    new Date().toISOString().slice(0, 10)
  } with Deno ${Deno.version.deno}, V8 ${Deno.version.v8}, ${
    [...peers].join(", ")
  }, on ${navigator.hardwareConcurrency} cores with ${
    Math.round(Deno.systemMemoryInfo().total / 2 ** 30)
  } GiB of memory and a load of ${load.toFixed(1)}.`;
}

/** What is measured in processes of its own, section by section. */
async function measureRest(): Promise<string[]> {
  const run = async (script: string, ...flags: string[]) => {
    console.error(script);
    const { pathname } = new URL(script, import.meta.url);
    const smoke = isSmoke ? ["--smoke"] : [];
    return await capture(["run", "--quiet", ...flags, pathname, ...smoke]);
  };
  // Where a program is missing, the rest of the page is still written.
  const runIfPossible = (script: string) =>
    run(script, "--allow-all").catch((error: Error) => {
      console.error(error.message);
      return "This could not be measured here.\n";
    });
  const rows: MemoryRow[] = JSON.parse(await run("memory.ts", "--allow-read"));
  return [
    PROFILE_TEXT,
    await run("profile.ts", "--allow-read", "--allow-sys"),
    MEMORY_TEXT,
    ...rows.map(({ what, on, value, unit, detail }) =>
      `| ${what} | ${on} | ${value.toFixed(1)} ${unit} | ${detail} |`
    ),
    "",
    GATEWAY_TEXT,
    await runIfPossible("gateway_bench.ts"),
    PAGE_TEXT,
    await runIfPossible("page_bench.ts"),
  ];
}

async function capture(args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}

function flag(name: string): string | undefined {
  const prefix = `--${name}=`;
  return Deno.args.find((arg) => arg.startsWith(prefix))?.slice(prefix.length);
}

if (import.meta.main) await main();
