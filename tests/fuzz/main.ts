// deno-lint-ignore-file no-console -- a command
/**
 * `deno task fuzz`: random schedules of faults against the listener, in virtual time.
 *
 *     --runs N          how many schedules (10000)
 *     --seed N          seed of the first one (drawn, and printed); the others count up from it
 *     --schedule FILE   runs the schedule in a JSON file instead
 *     --keep-going      does not stop at the tenth run with a broken property
 *
 * Exit code 1 where a property broke; the first one of its kind is made smaller and printed.
 */

import { parseArgs } from "node:util";
import { parsePositiveInteger } from "../../src/cli/flag_values.ts";
import { FuzzSummary } from "./fuzz_summary.ts";
import { minimise } from "./minimise.ts";
import { checkRun, type Violation } from "./properties.ts";
import { randomSchedule, type Schedule } from "./random_schedule.ts";
import { runSchedule } from "./run_schedule.ts";

const PROGRESS_MS = 30_000;
const MOST_BROKEN = 10;

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10000" },
    seed: { type: "string", default: `${1 + Math.floor(Math.random() * 1e9)}` },
    schedule: { type: "string" },
    "keep-going": { type: "boolean", default: false },
  },
});
const runs = parsePositiveInteger("--runs", values.runs);
const seed = parsePositiveInteger("--seed", values.seed);
const { schedule: file, "keep-going": keepsGoing } = values;

function describe(
  schedule: Schedule,
  violations: readonly Violation[],
): string {
  return violations.map(({ property, detail }) =>
    `seed ${schedule.seed}: ${property}: ${detail}`
  )
    .slice(0, 5).join("\n");
}

async function explain(
  schedule: Schedule,
  { property }: Violation,
): Promise<void> {
  const smallest = await minimise(schedule, property);
  const violations = checkRun(await runSchedule(smallest));
  console.log(`\nReproduce: deno task fuzz --seed ${schedule.seed} --runs 1`);
  console.log(`Made smaller (for --schedule): ${JSON.stringify(smallest)}`);
  console.log(`There: ${describe(smallest, violations)}\n`);
}

async function fuzz(): Promise<number> {
  const given = file === undefined
    ? undefined
    : JSON.parse(await Deno.readTextFile(file)) as Schedule;
  console.log(
    given === undefined
      ? `${runs} runs from seed ${seed}`
      : `the schedule in ${file}`,
  );
  const summary = new FuzzSummary();
  const explained = new Set<string>();
  let progressAt = performance.now() + PROGRESS_MS;
  for (let index = 0; index < (given === undefined ? runs : 1); index++) {
    const schedule = given ?? randomSchedule(seed + index);
    const run = await runSchedule(schedule);
    const violations = checkRun(run);
    summary.add(run, violations);
    if (violations.length > 0) {
      console.log(describe(schedule, violations));
      const [first] = violations;
      if (!explained.has(first!.property) && given === undefined) {
        explained.add(first!.property);
        await explain(schedule, first!);
      }
      if (summary.broken === MOST_BROKEN && !keepsGoing) break;
    }
    if (performance.now() > progressAt) {
      progressAt += PROGRESS_MS;
      console.error(`… ${index + 1} of ${runs}`);
    }
  }
  console.log(summary.toString());
  return summary.broken === 0 ? 0 : 1;
}

Deno.exitCode = await fuzz();
