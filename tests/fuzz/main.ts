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

import { FuzzSummary } from "./fuzz_summary.ts";
import { minimise } from "./minimise.ts";
import { checkRun, type Violation } from "./properties.ts";
import { randomSchedule, type Schedule } from "./random_schedule.ts";
import { runSchedule } from "./run_schedule.ts";

/** What the command was asked for. */
interface Arguments {
  runs: number;
  seed: number;
  file: string | undefined;
  keepsGoing: boolean;
}

const PROGRESS_MS = 30_000;
const MOST_BROKEN = 10;

function parseArguments(args: readonly string[]): Arguments {
  const parsed: Arguments = {
    runs: 10_000,
    seed: Math.floor(Math.random() * 1_000_000_000),
    file: undefined,
    keepsGoing: false,
  };
  for (let i = 0; i < args.length; i++) {
    switch (args[i]) {
      case "--runs":
        parsed.runs = wholeNumber("--runs", args[++i]);
        break;
      case "--seed":
        parsed.seed = wholeNumber("--seed", args[++i]);
        break;
      case "--schedule":
        parsed.file = args[++i];
        break;
      case "--keep-going":
        parsed.keepsGoing = true;
        break;
      default:
        throw new TypeError(`Cannot fuzz: unknown argument "${args[i]}"`);
    }
  }
  return parsed;
}

function wholeNumber(flag: string, value: string | undefined): number {
  if (!/^\d{1,15}$/.test(value ?? "")) {
    throw new TypeError(
      `Cannot fuzz: ${flag} must be a whole number, got "${value}"`,
    );
  }
  return Number(value);
}

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

async function fuzz(
  { runs, seed, file, keepsGoing }: Arguments,
): Promise<number> {
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

if (import.meta.main) {
  try {
    Deno.exitCode = await fuzz(parseArguments(Deno.args));
  } catch (error) {
    if (
      !(error instanceof TypeError) || !error.message.startsWith("Cannot fuzz")
    ) throw error;
    console.error(error.message);
    Deno.exitCode = 2;
  }
}
