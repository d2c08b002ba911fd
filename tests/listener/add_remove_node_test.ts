import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { SseListener } from "@org/beacon-sse";
import { exampleOf } from "../beacon/events/topic_examples.ts";
import {
  briefs,
  configAtSlot,
  listen,
  nextStatus,
  take,
  type TestNode,
  until,
} from "./helpers.ts";
import {
  block,
  chainReorg,
  Feed,
  frame,
  head,
  nodeSending,
  ScriptedNode,
} from "./scripted_node.ts";

/** Listens to the heads of nodes by name. */
function listenTo(nodes: Record<string, TestNode>): Promise<SseListener> {
  return listen(nodes, { topics: ["head"] });
}

/** A node whose only head is of that slot. */
function nodeAt(slot: number): ScriptedNode {
  return nodeSending(frame("head", head(slot)));
}

Deno.test("SseListener.addNode() delivers the events of the added node", async () => {
  await using a = nodeAt(98);
  await using b = nodeAt(99);
  await using listener = await listenTo({ a });
  const events = listener.events()[Symbol.asyncIterator]();
  assertEquals((await events.next()).value!.node, "a");
  await listener.addNode({ url: b.url, name: "b" });
  const added = (await events.next()).value!;
  assertEquals([added.node, added.slot], ["b", 99]);
  assertEquals(listener.nodes.map(({ name }) => name), ["a", "b"]);
});

Deno.test("SseListener.addNode() refuses a name that another node has, and a URL that is none", async () => {
  await using listener = await listenTo({ a: "http://127.0.0.1:4" });
  await assertRejects(
    () => listener.addNode({ url: "http://127.0.0.1:5", name: "a" }),
    TypeError,
    'Cannot add node: its name must be one that no other node has, got "a"',
  );
  await assertRejects(
    () => listener.addNode("nowhere"),
    TypeError,
    'url must be an absolute URL, got "nowhere"',
  );
  assertEquals(listener.nodes.length, 1);
});

Deno.test("SseListener.addNode() rejects when the listener is closed", async () => {
  const listener = await listen(["http://127.0.0.1:4"]);
  await listener.close();
  await assertRejects(
    () => listener.addNode("http://127.0.0.1:5"),
    Error,
    "the listener is closed",
  );
});

Deno.test("SseListener.removeNode() ends the node's connection, and leaves the others theirs", async () => {
  const [gone, feed] = [new Feed(), new Feed()];
  await using removed = new ScriptedNode({ events: () => gone.open() });
  await using stays = new ScriptedNode({ events: () => feed.open() });
  await using listener = await listenTo({ removed, stays });
  const events = listener.events();
  const statuses = listener.status();
  await until(() => listener.nodes.every(({ state }) => state === "connected"));
  await listener.removeNode("removed");
  await gone.left;
  feed.send(frame("head", head(100)));
  assertEquals(await briefs(events, 1), "head 100");
  assertEquals(
    listener.nodes.map(({ name, reconnects }) => [name, reconnects]),
    [
      ["stays", 0],
    ],
  );
  assertEquals((await take(statuses, 2)).map(({ type }) => type), [
    "connected",
    "connected",
  ]);
});

Deno.test("SseListener.removeNode() takes the node's metrics away", async () => {
  await using a = nodeAt(98);
  await using b = nodeAt(99);
  await using listener = await listenTo({ a, b });
  await until(() => listener.nodes.every(({ headSlot }) => headSlot));
  assertMatch(await listener.registry.metrics(), /addr="a"/);
  await listener.removeNode("a");
  const metrics = await listener.registry.metrics();
  assertEquals(metrics.match(/.*addr="a".*/g), null);
  assertMatch(metrics, /head_delay_count\{addr="b"\} 1/);
});

Deno.test("SseListener.removeNode() names the nodes there are when it does not know one", async () => {
  await using listener = await listenTo({ a: "http://127.0.0.1:4" });
  await assertRejects(
    () => listener.removeNode("b"),
    TypeError,
    'Cannot remove node: name must be one of "a", got "b"',
  );
});

Deno.test("SseListener.addNode() takes a node back that was removed, with counters from 0", async () => {
  await using a = nodeAt(98);
  await using listener = await listenTo({ a });
  await take(listener.events(), 1);
  await listener.removeNode("a");
  assertEquals(listener.nodes, []);
  await listener.addNode({ url: a.url, name: "a" });
  await nextStatus(listener.status(), "connected");
  await until(() => listener.nodes[0]!.headSlot === 98);
  assertMatch(
    await listener.registry.metrics(),
    /sse_events_total\{addr="a",topic="head"\} 1\n/,
  );
});

Deno.test("SseListener.addNode() delivers nothing again that the only node before has reported", async () => {
  const frames = [98, 99].flatMap((slot) => [
    frame("block", block(slot)),
    frame("head", head(slot)),
  ]);
  await using a = nodeSending(...frames);
  await using b = nodeSending(...frames, frame("head", head(100)));
  await using listener = await listen({ a }, { topics: ["head", "block"] });
  const events = listener.events();
  await take(listener.events(), 4);
  await listener.addNode({ url: b.url, name: "b" });
  assertEquals(
    await briefs(events, 5),
    "block 98, head 98, block 99, head 99, head 100",
  );
});

for (const raw of [false, true]) {
  Deno.test(`SseListener.addNode() delivers no ${raw ? "raw" : "parsed"} attestation again that the only node before has sent`, async () => {
    const topic = "single_attestation";
    const { payload } = exampleOf(topic);
    const attestation = (attester: number) => ({
      ...payload as object,
      attester_index: `${attester}`,
    });
    const reversed = (attester: number) =>
      Object.fromEntries(Object.entries(attestation(attester)).reverse());
    await using a = nodeSending(
      ...[1, 2, 1].map((each) => frame(topic, attestation(each))),
    );
    await using b = nodeSending(
      ...[1, 2, 3].map((each) =>
        frame(topic, raw ? attestation(each) : reversed(each))
      ),
    );
    await using listener = await listen({ a }, {
      config: configAtSlot(20_000_000),
      topics: [topic],
    });
    const events = listener.events({ raw });
    await take(listener.events({ raw }), 2);
    await listener.addNode({ url: b.url, name: "b" });
    const attesters = (await take(events, 3)).map(({ node, raw }) =>
      `${node} ${JSON.parse(raw).attester_index}`
    );
    assertEquals(attesters, ["a 1", "a 2", "b 3"]);
  });
}

Deno.test("SseListener.removeNode() leaves no metrics of a race that the node has begun", async () => {
  const feed = new Feed();
  await using a = nodeAt(100);
  await using b = new ScriptedNode({ events: () => feed.open() });
  await using listener = await listenTo({ b });
  const races = listener.race();
  await listener.ready;
  await listener.addNode({ url: a.url, name: "a" });
  await take(listener.events(), 1);
  await listener.removeNode("a");
  feed.send(frame("head", head(100)));
  const [race] = await take(races, 1);
  assertEquals([race!.first, race!.lags], ["b", { b: 0 }]);
  const metrics = await listener.registry.metrics();
  assertEquals(metrics.match(/.*addr="a".*/g), null);
});

Deno.test("SseListener.removeNode() ends the requests for a reorg of the removed node", async () => {
  const requested = Promise.withResolvers<AbortSignal>();
  await using a = nodeSending(frame("chain_reorg", chainReorg(99, 2)));
  await using listener = await listen({ a }, {
    topics: ["chain_reorg"],
    fetch: (input, init) => {
      if (!String(input).includes("/headers/")) return fetch(input, init);
      const { signal } = init!;
      requested.resolve(signal!);
      return new Promise((_, reject) =>
        signal!.addEventListener("abort", () => reject(signal!.reason))
      );
    },
  });
  const reorgs = listener.reorgs();
  const signal = await requested.promise;
  assertEquals(signal.aborted, false);
  await listener.removeNode("a");
  assertEquals(signal.aborted, true);
  assertEquals((await take(reorgs, 1))[0]!.slot, 99);
});
