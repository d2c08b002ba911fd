import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { TOPIC_EXAMPLES } from "../beacon/events/topic_examples.ts";
import { brief, configAtSlot, nextStatus, take } from "./helpers.ts";
import {
  block,
  frame,
  head,
  openStream,
  ScriptedNode,
} from "./scripted_node.ts";

const OPTIONS = {
  config: configAtSlot(100),
  random: () => 0,
  topics: ["head"],
};

/** A node whose only head is of that slot. */
function nodeAt(slot: number): ScriptedNode {
  return new ScriptedNode({
    events: () => openStream(frame("head", head(slot))),
  });
}

Deno.test("SseListener.addNode() delivers the events of the added node", async () => {
  await using a = nodeAt(98);
  await using b = nodeAt(99);
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: a.url, name: "a" }],
  });
  const events = listener.events()[Symbol.asyncIterator]();
  assertEquals((await events.next()).value!.node, "a");
  await listener.addNode({ url: b.url, name: "b" });
  const added = (await events.next()).value!;
  assertEquals([added.node, added.slot], ["b", 99]);
  assertEquals(listener.nodes.map(({ name }) => name), ["a", "b"]);
});

Deno.test("SseListener.addNode() refuses a name that another node has, and a URL that is none", async () => {
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: "http://127.0.0.1:4", name: "a" }],
  });
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
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: ["http://127.0.0.1:4"],
  });
  await listener.close();
  await assertRejects(
    () => listener.addNode("http://127.0.0.1:5"),
    Error,
    "the listener is closed",
  );
});

Deno.test("SseListener.removeNode() ends the node's connection, and leaves the others theirs", async () => {
  const left = Promise.withResolvers<void>();
  await using removed = new ScriptedNode({
    events: () =>
      new Response(new ReadableStream({ cancel: () => left.resolve() }), {
        headers: { "content-type": "text/event-stream" },
      }),
  });
  let controller: ReadableStreamDefaultController<Uint8Array>;
  await using stays = new ScriptedNode({
    events: () =>
      new Response(
        new ReadableStream({ start: (given) => void (controller = given) }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: removed.url, name: "removed" }, {
      url: stays.url,
      name: "stays",
    }],
  });
  const events = listener.events();
  const statuses = listener.status();
  while (listener.nodes.some(({ state }) => state !== "connected")) {
    await nextStatus(listener.status(), "connected");
  }
  await listener.removeNode("removed");
  await left.promise;
  controller!.enqueue(new TextEncoder().encode(frame("head", head(100))));
  assertEquals((await take(events, 1)).map(brief), ["head 100"]);
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
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: a.url, name: "a" }, { url: b.url, name: "b" }],
  });
  while (listener.nodes.some(({ headSlot }) => headSlot === undefined)) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assertMatch(await listener.registry.metrics(), /addr="a"/);
  await listener.removeNode("a");
  const metrics = await listener.registry.metrics();
  assertEquals(metrics.match(/.*addr="a".*/g), null);
  assertMatch(metrics, /head_delay_count\{addr="b"\} 1/);
});

Deno.test("SseListener.removeNode() names the nodes there are when it does not know one", async () => {
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: "http://127.0.0.1:4", name: "a" }],
  });
  await assertRejects(
    () => listener.removeNode("b"),
    TypeError,
    'Cannot remove node: name must be one of "a", got "b"',
  );
});

Deno.test("SseListener.addNode() takes a node back that was removed, with counters from 0", async () => {
  await using a = nodeAt(98);
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: a.url, name: "a" }],
  });
  await take(listener.events(), 1);
  await listener.removeNode("a");
  assertEquals(listener.nodes, []);
  await listener.addNode({ url: a.url, name: "a" });
  await nextStatus(listener.status(), "connected");
  while (listener.nodes[0]!.headSlot !== 98) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
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
  await using a = new ScriptedNode({ events: () => openStream(...frames) });
  await using b = new ScriptedNode({
    events: () => openStream(...frames, frame("head", head(100))),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    topics: ["head", "block"],
    nodes: [{ url: a.url, name: "a" }],
  });
  const events = listener.events();
  await take(listener.events(), 4);
  await listener.addNode({ url: b.url, name: "b" });
  assertEquals((await take(events, 5)).map(brief), [
    "block 98",
    "head 98",
    "block 99",
    "head 99",
    "head 100",
  ]);
});

for (const raw of [false, true]) {
  Deno.test(`SseListener.addNode() delivers no ${raw ? "raw" : "parsed"} attestation again that the only node before has sent`, async () => {
    const topic = "single_attestation";
    const { payload } = TOPIC_EXAMPLES.find((each) => each.topic === topic)!;
    const attestation = (attester: number) => ({
      ...payload as object,
      attester_index: `${attester}`,
    });
    const reversed = (attester: number) =>
      Object.fromEntries(Object.entries(attestation(attester)).reverse());
    await using a = new ScriptedNode({
      events: () =>
        openStream(...[1, 2, 1].map((each) => frame(topic, attestation(each)))),
    });
    await using b = new ScriptedNode({
      events: () =>
        openStream(
          ...[1, 2, 3].map((each) =>
            frame(topic, raw ? attestation(each) : reversed(each))
          ),
        ),
    });
    await using listener = await SseListener.start({
      ...OPTIONS,
      config: configAtSlot(20_000_000),
      topics: [topic],
      nodes: [{ url: a.url, name: "a" }],
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
  let send: ((text: string) => void) | undefined;
  await using a = nodeAt(100);
  await using b = new ScriptedNode({
    events: () =>
      new Response(
        new ReadableStream({
          start(controller) {
            send = (text) => controller.enqueue(new TextEncoder().encode(text));
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: b.url, name: "b" }],
  });
  const races = listener.race();
  await listener.ready;
  await listener.addNode({ url: a.url, name: "a" });
  await take(listener.events(), 1);
  await listener.removeNode("a");
  send!(frame("head", head(100)));
  const [race] = await take(races, 1);
  assertEquals([race!.first, race!.lags], ["b", { b: 0 }]);
  const metrics = await listener.registry.metrics();
  assertEquals(metrics.match(/.*addr="a".*/g), null);
});
