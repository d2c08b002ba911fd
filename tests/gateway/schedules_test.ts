/** Random schedules: `deno run --allow-read tests/gateway/schedules_test.ts 1000` runs so many. */

import { assert, assertEquals } from "@std/assert";
import { type Outcome, runSchedule } from "./run_schedule.ts";

const RUNS = 12;

async function runAll(runs: number, first = 1): Promise<Outcome> {
  const sum: Outcome = await runSchedule(first);
  for (let seed = first + 1; seed < first + runs; seed++) {
    const outcome = await runSchedule(seed);
    for (const [name, value] of Object.entries(outcome)) {
      const key = name as keyof Outcome;
      if (Array.isArray(value)) {
        (sum[key] as string[]).push(...value.map((text) => `${seed}: ${text}`));
      } else (sum[key] as number) += value;
    }
  }
  return sum;
}

Deno.test("createGateway() lets readers miss nothing, and receive nothing twice, in random schedules", async () => {
  const sum = await runAll(RUNS);
  assertEquals(sum.missing, []);
  assertEquals(sum.twice, []);
  assert(sum.exchanges > RUNS && sum.blocks > 40 * RUNS);
  assert(
    sum.inGaps < sum.blocks / 20,
    `${sum.inGaps} blocks and heads in gaps`,
  );
});

if (import.meta.main) {
  const [runs = "1000", first = "1"] = Deno.args;
  // deno-lint-ignore no-console -- the accounting is what this is for
  console.log(await runAll(Number(runs), Number(first)));
}
