// deno-lint-ignore-file no-console -- its lines are for the test
/**
 * A program that knows a private certificate authority by `DENO_CERT` and has no permission but the
 * net. It prints a line for each step and waits for one on its standard input where a test acts.
 */

import { subscribe } from "@org/beacon-sse";
import { createNodeFetch } from "../../../src/beacon/http/node_fetch.ts";

const url = Deno.args[0]!;

for await (const { data } of subscribe(url, { topics: ["block_gossip"] })) {
  console.log(`block ${data.slot}`);
  break;
}

const node = createNodeFetch();
console.log(await (await node.fetch(`${url}/one`)).text());
await Deno.stdin.read(new Uint8Array(16));
// The test has stopped the connection; this request goes over it, and the next one must not.
const ended = new AbortController();
const dead = node.fetch(`${url}/two`, { signal: ended.signal });
node.renew();
console.log(await (await node.fetch(`${url}/three`)).text());
ended.abort();
await dead.catch(() => console.log("no answer to two"));
node.close();
