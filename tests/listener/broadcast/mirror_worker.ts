/** Counts what reaches a worker over a mirrored broadcast, up to a value of -1. */

import { receiveBroadcast } from "@org/beacon-sse";

// deno-lint-ignore no-explicit-any -- the page's global type is in force here, not the worker's
const scope = globalThis as any;

scope.onmessage = async ({ data: name }: MessageEvent<string>) => {
  const values = receiveBroadcast<number>(name);
  scope.postMessage("listening");
  let received = 0;
  let lost = 0;
  for await (const { value, missed } of values) {
    lost += missed;
    if (value === -1) break;
    received++;
  }
  scope.postMessage({ received, missed: lost });
};
