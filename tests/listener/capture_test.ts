/** The bytes of a real node, cut at random, through the whole listener. */

import { assertEquals } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { take } from "./helpers.ts";
import { ScriptedNode } from "./scripted_node.ts";

const fixture = (name: string) =>
  Deno.readFileSync(
    new URL(`../fixtures/lodestar-1.5.1/${name}`, import.meta.url),
  );
const json = (bytes: Uint8Array<ArrayBuffer>) =>
  new Response(bytes, { headers: { "content-type": "application/json" } });

const capture = fixture("events.sse");
const expected = [
  ...new TextDecoder().decode(capture).matchAll(/^event: (.*)\ndata: (.*)$/gm),
]
  .map(([, topic, raw]) => ({ topic: topic!, raw: raw! }));

for (const seed of [1, 2, 3]) {
  Deno.test(`SseListener() delivers a real capture whole and in order, cut with seed ${seed}`, async () => {
    assertEquals(expected.length, 240);
    const random = lehmer(seed);
    await using node = new ScriptedNode({
      events: () =>
        new Response(cut(capture, random), {
          headers: { "content-type": "text/event-stream" },
        }),
      other: (_request, path) =>
        path.endsWith("genesis")
          ? json(fixture("genesis.json"))
          : path.endsWith("spec")
          ? json(fixture("spec.json"))
          : undefined,
    });
    await using listener = await SseListener.start({
      nodes: [node.url],
      topics: ["block", "attestation", "head", "finalized_checkpoint"],
    });
    const events = await take(listener.events(), expected.length);
    assertEquals(events.map(({ topic, raw }) => ({ topic, raw })), expected);
    assertEquals(
      events.map(({ data }) => Object.keys(data).length > 0).includes(false),
      false,
    );
    await listener.ready;
    assertEquals(listener.clock!.slotsPerEpoch, 8);
  });
}

/** The bytes in pieces of 1 to 700, behind which the stream stays open. */
function cut(
  bytes: Uint8Array<ArrayBuffer>,
  random: () => number,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return;
      const length = 1 + Math.floor(random() * 700);
      controller.enqueue(bytes.subarray(at, at + length));
      at += length;
    },
  });
}

function lehmer(state: number): () => number {
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
