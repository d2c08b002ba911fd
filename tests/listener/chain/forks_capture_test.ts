/** The bytes of real nodes whose chain forked three times, through the whole listener. */

import { assertEquals } from "@std/assert";
import type { BeaconEvent } from "@org/beacon-sse";
import { configAtSlot, listen } from "../helpers.ts";
import { frame, nodeSending } from "../scripted_node.ts";

const capture = (name: string) =>
  Deno.readTextFileSync(
    new URL(`../../fixtures/lodestar-forks/${name}.sse`, import.meta.url),
  );
const reported = (text: string, topic: string) =>
  [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)]
    .filter(([, name]) => name === topic).map(([, , raw]) => raw!);

/** What a listener delivers of these captures, and its reorgs. */
async function replay(...captures: string[]) {
  const nodes = captures.map((text) =>
    nodeSending(text, frame("end", { text }))
  );
  const listener = await listen(nodes, {
    topics: ["head", "block", "chain_reorg", "finalized_checkpoint"],
    config: { ...configAtSlot(200, 2000), slotsPerEpoch: 8 },
  });
  const subscription = listener.events();
  const reorgs = listener.reorgs();
  const events: BeaconEvent[] = [];
  let ended = 0;
  for await (const event of subscription) {
    if (event.topic as string !== "end") events.push(event);
    else if (++ended === captures.length) break;
  }
  const headSlots = listener.nodes.map(({ headSlot }) => headSlot);
  await listener.close();
  for (const node of nodes) await node[Symbol.asyncDispose]();
  return { events, headSlots, reorgs: await Array.fromAsync(reorgs) };
}

const rawOf = (events: BeaconEvent[], topic: string) =>
  events.filter((event) => event.topic === topic).map(({ raw }) => raw);

for (const name of ["node-v", "node-w"]) {
  Deno.test(`SseListener() delivers the forks of a real capture whole and in order: ${name}`, async () => {
    const text = capture(name);
    const { events, headSlots, reorgs } = await replay(text);
    for (const topic of ["head", "block", "chain_reorg"]) {
      assertEquals(rawOf(events, topic), reported(text, topic));
    }
    assertEquals(
      reorgs.map(({ slot, epoch }) => [slot, epoch]),
      name === "node-v" ? [[56, 6]] : [[42, 4]],
    );
    assertEquals(headSlots, [125]);
  });
}

Deno.test("SseListener() delivers each block of two real nodes of one chain once", async () => {
  const texts = [capture("node-v"), capture("node-w")];
  const { events } = await replay(...texts);
  const blocks = texts.flatMap((text) => reported(text, "block"));
  assertEquals(
    rawOf(events, "block").toSorted(),
    [...new Set(blocks)].toSorted(),
  );
});

Deno.test("SseListener() delivers once what a real node repeats after a restart", async () => {
  const text = capture("replay-after-restart");
  const { events } = await replay(text);
  for (const topic of ["block", "head", "finalized_checkpoint"]) {
    const all = reported(text, topic);
    assertEquals(rawOf(events, topic), [...new Set(all)]);
  }
});
