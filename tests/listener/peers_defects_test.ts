/** What stops, blinds or bloats the listeners before this one, each as a regression test of ours. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type DisconnectedStatus,
  SseListener,
  type SseListenerOptions,
} from "@org/beacon-sse";
import { FaultProxy, SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { brief, configAtSlot, nextStatus, sample, take } from "./helpers.ts";
import {
  block,
  chainReorg,
  endedStream,
  frame,
  head,
  openStream,
  root,
  ScriptedNode,
} from "./scripted_node.ts";

const HASTY = { config: configAtSlot(100), random: () => 0 } satisfies Partial<
  SseListenerOptions
>;

/** What is received of a node whose first answer would have ended another listener. */
async function receiveAfter(first: () => Response): Promise<string[]> {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0 ? first() : openStream(frame("head", head(100))),
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  return (await take(listener.events(), 1)).map(brief);
}

Deno.test("defect: Charon stops for ever on 409", async () => {
  assertEquals(
    await receiveAfter(() => new Response("conflict", { status: 409 })),
    ["head 100"],
  );
});

Deno.test("defect: Charon stops for ever when the stream ends in mid-line", async () => {
  assertEquals(await receiveAfter(() => endedStream("event: head\ndata: {")), [
    "head 100",
  ]);
});

Deno.test("defect: Charon stops for ever on a reset in mid-stream", async () => {
  await using node = await SimulatedBeaconNode.start({ autoplay: false });
  await using proxy = await FaultProxy.start({ target: node.url });
  await using listener = await SseListener.start({
    nodes: [proxy.url],
    random: () => 0,
  });
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  await listener.ready;
  await node.produceBlock();
  await heads.next();
  const statuses = listener.status();
  const reset = proxy.fault({ type: "reset", inMidLine: true });
  await node.produceBlock();
  assertEquals((await nextStatus(statuses, "disconnected")).reason, "network");
  reset.heal();
  assertEquals((await heads.next()).value!.data.block, node.head.root);
});

Deno.test("defect: Charon stops for ever on one payload that is not JSON", async () => {
  assertEquals(
    await receiveAfter(() =>
      openStream("event: head\ndata: {\n\n", frame("head", head(100)))
    ),
    ["head 100"],
  );
});

Deno.test("defect: Charon stops for ever on a reorg deeper than its slot", async () => {
  const deep = chainReorg(5, 1, { depth: "18446744073709551614" });
  assertEquals(
    await receiveAfter(() =>
      openStream(frame("chain_reorg", deep), frame("head", head(100)))
    ),
    ["head 100"],
  );
});

Deno.test("defect: Charon reconnects without a pause after retry: 0", async () => {
  await using node = new ScriptedNode({
    events: () => endedStream("retry: 0\n\n"),
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  for (
    const status of (await take(listener.status(), 6)) as DisconnectedStatus[]
  ) {
    if (status.type === "disconnected") assert(status.retryInMs >= 100);
  }
});

Deno.test("defect: Pluto reads a missing slot as 0", async () => {
  await using node = new ScriptedNode({
    events: () =>
      openStream(
        frame("block", { block: root(1) }),
        frame("block", block(100)),
      ),
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [{ url: node.url, name: "a" }],
  });
  assertEquals((await take(listener.events(), 1)).map(brief), ["block 100"]);
  const metrics = await listener.registry.metrics();
  assertEquals(
    sample(metrics, "app_beacon_node_sse_block_count", { addr: "a" }),
    1,
  );
  assertEquals(
    sample(metrics, "app_beacon_node_sse_malformed_total", {
      addr: "a",
      topic: "block",
    }),
    1,
  );
});

Deno.test("defect: Pluto loses for good the reorg for which a queue has no room", async () => {
  const reorgs = Array.from(
    { length: 1030 },
    (_, index) =>
      frame(
        "chain_reorg",
        chainReorg(100, index === 1029 ? 99 : 1, {
          new_head_block: root(index),
        }),
      ),
  );
  await using node = new ScriptedNode({
    events: () => openStream(...reorgs, frame("head", head(100))),
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const slow = listener.reorgs();
  await take(listener.events({ topics: ["head"] }), 1);
  const epochs = (await take(slow, 1024)).map(({ epoch }) => epoch);
  assertEquals(epochs.at(-1), 0);
});

Deno.test("defect: Pluto asks for ever for a topic that the node refuses", async () => {
  await using node = await SimulatedBeaconNode.start({ autoplay: false });
  node.fault({
    type: "refuse-topics",
    topics: ["block_gossip"],
    answer: "unnamed",
  });
  await using listener = await SseListener.start({
    nodes: [node.url],
    random: () => 0,
  });
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  await listener.ready;
  const { root } = await node.produceBlock();
  assertEquals((await heads.next()).value!.data.block, root);
  assertEquals(listener.nodes[0]!.missingTopics, ["block_gossip"]);
});

Deno.test("defect: Pluto and Charon hold an event of any size", async () => {
  await using node = await SimulatedBeaconNode.start({ autoplay: false });
  await using listener = await SseListener.start({
    nodes: [{ url: node.url, name: "a" }],
    maxEventBytes: 64 * 1024,
  });
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  await listener.ready;
  await node.fault({ type: "endless-frame", bytes: 1_000_000 }).whenHit();
  await node.produceBlock();
  assertEquals((await heads.next()).done, false);
  assertEquals(listener.nodes[0]!.reconnects, 0);
  assertStringIncludes(
    await listener.registry.metrics(),
    `app_beacon_node_sse_oversize_total{addr="a"} 1`,
  );
});
