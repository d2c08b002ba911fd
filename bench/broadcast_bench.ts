/**
 * Fan-out: {@linkcode VALUES} values to 1, 100 and 10,000 subscribers. The `post` groups time what
 * the sender waits for, the `post and read` groups until every subscriber has every value.
 */

import { isSmoke, SMOKE } from "./corpus.ts";
import {
  type Gather,
  gatherBroadcast,
  gatherBroadcastChannel,
  gatherEventTarget,
  VALUES,
} from "./posts.ts";

const WAYS: [string, Gather, number][] = [
  ["EventTarget", gatherEventTarget, 10_000],
  ["Broadcast", gatherBroadcast, 10_000],
  // A message is copied for each subscriber: 10,000 would take seconds an iteration.
  ["BroadcastChannel", gatherBroadcastChannel, 100],
];

for (const subscribers of isSmoke ? [1, 100] : [1, 100, 10_000]) {
  for (const [who, gather, most] of WAYS) {
    if (subscribers > most) continue;
    const audience = gather(subscribers);
    audience.post();
    await audience.read();
    const baseline = gather === gatherEventTarget;
    const name = `${VALUES} values to ${subscribers.toLocaleString("en")}`;
    Deno.bench(who, {
      ...SMOKE,
      group: `post: ${name}`,
      baseline,
    }, async (bench) => {
      bench.start();
      audience.post();
      bench.end();
      await audience.read();
    });
    Deno.bench(who, {
      ...SMOKE,
      group: `post and read: ${name}`,
      baseline,
    }, async () => {
      audience.post();
      await audience.read();
    });
  }
}
