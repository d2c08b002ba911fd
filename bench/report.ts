/**
 * Renders the benchmarks as Markdown and puts them into docs/benchmarks.md, between `<!-- bench:start -->`
 * and `<!-- bench:end -->` if it has these lines, else to the standard output.
 *
 * `deno task bench:report [--bench=FILE] [--ratios=FILE] [--smoke]`: without files, `deno bench` and
 * `ratios.ts` are run; a file holds the `--json` output of one of them. With `--smoke` the file
 * stays as it is.
 */

// deno-lint-ignore-file no-console -- a script that prints where there is no place to write to

import { isSmoke } from "./corpus.ts";
import type { RatioRow } from "./ratios.ts";

/** What `deno bench --json` prints; times are in nanoseconds. */
interface BenchRun {
  runtime: string;
  cpu: string;
  benches: {
    origin: string;
    group: string | null;
    name: string;
    baseline: boolean;
    results: ({ ok: { p75: number } } | { failed: unknown })[];
  }[];
}

interface RatioRun {
  rounds: number;
  rows: RatioRow[];
}

const ROOT = new URL("../", import.meta.url);
const PAGE = new URL("docs/benchmarks.md", ROOT);
const START = "<!-- bench:start -->";
const END = "<!-- bench:end -->";

async function main(): Promise<void> {
  const smoke = isSmoke ? ["--smoke"] : [];
  const ratios = await load<RatioRun>("ratios", [
    ...["run", "--quiet", "--allow-read", "--allow-run", "bench/ratios.ts"],
    ...["--json", ...smoke],
  ]);
  const run = await load<BenchRun>("bench", [
    ...["bench", "--quiet", "--no-prompt", "--allow-read", "--json", "bench/"],
    ...(isSmoke ? ["--", "--smoke"] : []),
  ]);
  const text = await render(run, ratios);
  const page = await Deno.readTextFile(PAGE);
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (isSmoke || start === -1 || end < start) {
    console.log(text);
    return;
  }
  await Deno.writeTextFile(
    PAGE,
    `${page.slice(0, start + START.length)}\n\n${text}\n${page.slice(end)}`,
  );
  await capture(["fmt", "--quiet", PAGE.pathname]);
}

/** Reads a run from the file that `--name=` tells, or makes one. */
async function load<T>(name: string, args: string[]): Promise<T> {
  const prefix = `--${name}=`;
  const file = Deno.args.find((arg) => arg.startsWith(prefix))
    ?.slice(prefix.length);
  return JSON.parse(
    file === undefined ? await capture(args) : await Deno.readTextFile(file),
  );
}

async function capture(args: string[]): Promise<string> {
  const command = new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    stderr: "inherit",
  });
  const { success, stdout } = await command.output();
  if (!success) throw new Error(`deno ${args.join(" ")} failed`);
  return new TextDecoder().decode(stdout);
}

async function render(run: BenchRun, ratios: RatioRun): Promise<string> {
  return [
    await renderCircumstances(run),
    "",
    `Ours against the peer in turn, in one process; medians of ${ratios.rounds} rounds. A ratio of 2× is twice`,
    "as fast; of the lines that have a limit (≤), less is better.",
    "",
    ...renderRatios(ratios),
    "",
    "<details>",
    "<summary>All of <code>deno bench</code></summary>",
    "",
    "Times are 75th percentiles of the baseline; ratios say how many times as fast as it the others are.",
    "",
    ...renderBenches(run),
    "</details>",
    "",
  ].join("\n");
}

async function renderCircumstances(
  { runtime, cpu }: BenchRun,
): Promise<string> {
  const { total } = Deno.systemMemoryInfo();
  const decoders = await Deno.readTextFile(
    new URL("decoders.ts", import.meta.url),
  );
  const config = JSON.parse(
    await Deno.readTextFile(new URL("deno.json", ROOT)),
  );
  const peers = new Set(
    decoders.matchAll(/"npm:(@?[^@"]+)@(\d[^/"]*)/g)
      .map(([, name, version]) => `${name} ${version}`),
  );
  const [load = 0] = Deno.loadavg();
  const circumstances = [
    new Date().toISOString().slice(0, 10),
    `${config.name} ${config.version}`,
    `${runtime.replace("/", " ")}, V8 ${Deno.version.v8}`,
    [...peers].join(", "),
    `${navigator.hardwareConcurrency} cores (${cpu}), ${
      Math.round(total / 2 ** 30)
    } GiB of memory, ${
      load < 0.5 ? "nothing else running" : `load ${load.toFixed(1)}`
    }`,
  ];
  return `${circumstances.join("; ")}.`;
}

function renderRatios({ rows }: RatioRun): string[] {
  return [
    "| what | on | at least / at most | measured |",
    "|---|---|---|---|",
    ...rows.map(({ what, on, target, measured, isMet }) => {
      const verdict = target === undefined ? "" : isMet ? " ✓" : " ✗";
      return `| ${what} | ${on} | ${target ?? ""} | ${measured}${verdict} |`;
    }),
  ];
}

/** A table for each file and each kind of group: a line per group, a column per candidate. */
function renderBenches({ benches }: BenchRun): string[] {
  const tables = Map.groupBy(benches, ({ origin, group }) => {
    const file = origin.replace(/^.*\//, "").replace(/_bench\.ts$/, "");
    const kind = /^([\w ]+): /.exec(group ?? "")?.[1];
    return kind === undefined ? file : `${file}, ${kind}`;
  });
  return tables.entries().flatMap(([title, members]) => {
    const names = [
      ...new Set(
        members.toSorted((a, b) => Number(b.baseline) - Number(a.baseline))
          .map(({ name }) => name),
      ),
    ];
    const groups = Map.groupBy(members, ({ group }) => group ?? "");
    return [
      `**${title}**`,
      "",
      `| | ${names.join(" | ")} |`,
      `|---|${"---:|".repeat(names.length)}`,
      ...groups.entries().map(([group, rows]) => {
        const baseline = timeOf(rows.find(({ baseline }) => baseline));
        const cells = names.map((name) => {
          const row = rows.find((row) => row.name === name);
          const time = timeOf(row);
          if (time === undefined) return row === undefined ? "" : "failed";
          if (row!.baseline || baseline === undefined) return duration(time);
          return `${(baseline / time).toFixed(2)}×`;
        });
        return `| ${group.replace(/^[\w ]+: /, "")} | ${cells.join(" | ")} |`;
      }),
      "",
    ];
  }).toArray();
}

function timeOf(bench: BenchRun["benches"][number] | undefined) {
  const result = bench?.results[0];
  return result !== undefined && "ok" in result ? result.ok.p75 : undefined;
}

function duration(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${nanoseconds.toFixed(0)} ns`;
  if (nanoseconds < 1e6) return `${(nanoseconds / 1e3).toPrecision(3)} µs`;
  return `${(nanoseconds / 1e6).toPrecision(3)} ms`;
}

if (import.meta.main) await main();
