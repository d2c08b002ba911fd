/** The first program of a newcomer: the first head of a simulated node. */

import { subscribe } from "@org/beacon-sse";
import { SimulatedNode } from "@org/beacon-sse/testing";

const node = new SimulatedNode({ slotDurationMs: 200 });
const events = subscribe(node.url, { topics: ["head"], fetch: node.fetch });
for await (const { topic, data } of events) {
  // deno-lint-ignore no-console -- it is what the program is for
  console.log(topic, data.slot);
  break;
}
await node.close();
