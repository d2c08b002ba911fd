/** Every comparison as a group of `deno bench`. */

import { COMPARISONS } from "./comparisons.ts";
import { isSmoke } from "./corpus.ts";

for (const { table, on, open } of COMPARISONS) {
  // They stay open as long as the process runs, as a listener does.
  for (const [index, way] of (await open()).entries()) {
    const { name, before, run, after } = way;
    Deno.bench(name, {
      ...(isSmoke ? { n: 1, warmup: 0 } : {}),
      group: `${table}: ${on}`,
      baseline: index === 0,
    }, async (bench) => {
      before?.();
      bench.start();
      await run();
      bench.end();
      await after?.();
    });
  }
}
