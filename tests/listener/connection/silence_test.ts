import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mock } from "node:test";
import { type DisconnectedStatus, SseListener } from "@org/beacon-sse";
import { briefs, configAtSlot, listen, nextStatus, take } from "../helpers.ts";
import { sample } from "../../prometheus_samples.ts";
import {
  Feed,
  frame,
  head,
  nodeSending,
  openStream,
  ScriptedNode,
} from "../scripted_node.ts";
import { StoppingRelay } from "../../beacon/http/http_server.ts";

function finality(epoch: number): string {
  return frame("finalized_checkpoint", {
    block: `0x${"1".repeat(64)}`,
    state: `0x${"2".repeat(64)}`,
    epoch: String(epoch),
    execution_optimistic: false,
  });
}

Deno.test("SseListener() listens to a node whose /node/syncing never answers", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using node = new ScriptedNode({
    events: () => openStream(frame("head", head(100))),
    other: (_request, path) => path.endsWith("/syncing") ? never : undefined,
  });
  await using listener = await listen([node]);
  assertEquals(await briefs(listener.events(), 1), "head 100");
  assertEquals(listener.nodes[0]!.syncing, undefined);
  resolve(new Response());
});

Deno.test("SseListener() reads a silent stream until the next one is open", async () => {
  const first = new Feed();
  const second = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? first.open()
        : second.promise.then(() => openStream(finality(2))),
  });
  await using listener = await listen([node], {
    topics: ["finalized_checkpoint"],
    idleTimeoutMs: 300,
  });
  const events = listener.events();
  const statuses = listener.status();
  const { reason } = await nextStatus(
    statuses.values({ preventCancel: true }),
    "disconnected",
  );
  assertEquals(reason, "idle");
  first.send(finality(1));
  assertEquals(
    (await take(events.values({ preventCancel: true }), 1))[0]!.topic,
    "finalized_checkpoint",
  );
  second.resolve();
  await first.left;
  await take(events, 1);
});

Deno.test("SseListener() counts the events over the cap of a silent stream that it still reads", async () => {
  const first = new Feed();
  const second = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? first.open()
        : second.promise.then(() => openStream(frame("head", head(101)))),
  });
  await using listener = await listen([node], {
    maxEventBytes: 1024,
    idleTimeoutMs: 300,
  });
  const events = listener.events();
  await nextStatus(listener.status(), "disconnected");
  first.send(`data: ${"x".repeat(2000)}\n\n${frame("head", head(100))}`);
  await take(events.values({ preventCancel: true }), 1);
  const labels = { addr: node.url };
  const counted = async () =>
    sample(
      await listener.registry.metrics(),
      "app_beacon_node_sse_oversize_total",
      labels,
    );
  assertEquals(await counted(), 1);
  second.resolve();
  await first.left;
  await take(events, 1);
  assertEquals(await counted(), 1);
});

Deno.test("SseListener() does not wait longer and longer for a node that answers and is silent", async () => {
  await using node = nodeSending();
  await using listener = await listen([node], {
    random: () => 0.2,
    idleTimeoutMs: 50,
  });
  const waits: number[] = [];
  for await (const status of listener.status()) {
    if (status.type === "disconnected") waits.push(status.retryInMs);
    if (waits.length === 4) break;
  }
  assertEquals(waits, [200, 200, 200, 200]);
});

Deno.test("SseListener() does not end a stream that is silent before genesis", async () => {
  const stream = new Feed();
  await using node = new ScriptedNode({ events: () => stream.open() });
  const genesisTime = Date.now() + 500;
  await using listener = await listen([node], {
    config: { genesisTime, slotDurationMs: 60_000, slotsPerEpoch: 32 },
    idleTimeoutMs: 200,
  });
  const { at } = await nextStatus(listener.status(), "disconnected");
  assert(at >= genesisTime + 100, `cut ${genesisTime - at} ms before genesis`);
});

Deno.test("SseListener() connects again when the machine slept, without a report of a silent node", async () => {
  let sleptMs = 0;
  await using node = nodeSending(frame("head", head(100)));
  await using listener = await listen([node], {
    config: { ...configAtSlot(100, 500), slotsPerEpoch: 4 },
    now: () => Date.now() + sleptMs,
    idleTimeoutMs: 60_000,
  });
  const statuses = listener.status();
  await take(listener.events(), 1);
  sleptMs = 3_600_000;
  const types: string[] = [];
  for await (const status of statuses) {
    types.push(
      status.type === "disconnected"
        ? `disconnected: ${status.reason}`
        : status.type,
    );
    if (types.filter((type) => type === "connected").length === 2) break;
  }
  assertEquals(types, ["connected", "disconnected: slept", "connected"]);
});

Deno.test("SseListener() leaves the dead connections of a pool behind after silence", async () => {
  let probes = 0;
  const secondProbe = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events: () => openStream(frame("head", head(100))),
    other(_request, path) {
      if (path.endsWith("/syncing") && ++probes === 2) secondProbe.resolve();
      return undefined;
    },
  });
  await using relay = new StoppingRelay(node.url);
  await using listener = await listen([relay], { idleTimeoutMs: 300 });
  const statuses = listener.status();
  const next = () =>
    nextStatus(statuses.values({ preventCancel: true }), "connected");
  await next();
  relay.stop();
  await next();
  // The connection of the first probe is dead, and idle in the pool.
  await secondProbe.promise;
  assertEquals(listener.nodes[0]!.reconnects, 1);
});

Deno.test("SseListener() names a proxy that hands events on in lumps, once", async () => {
  const stream = new Feed();
  await using node = new ScriptedNode({ events: () => stream.open() });
  const messages: string[] = [];
  const warned = Promise.withResolvers<void>();
  await using listener = await listen([node], {
    config: configAtSlot(100, 100),
    // The watchdog counts silence in tenths of it.
    idleTimeoutMs: 1500,
    log: ({ message }) => {
      if (!message.includes("buffers the stream")) return;
      messages.push(message);
      warned.resolve();
    },
  });
  await nextStatus(listener.status(), "connected");
  const events = listener.events();
  for (const slot of [100, 103]) {
    await new Promise((resolve) => setTimeout(resolve, 600));
    const slots = [slot, slot + 1, slot + 2];
    stream.send(slots.map((slot) => frame("head", head(slot))).join(""));
  }
  await take(events, 6);
  await warned.promise;
  assertEquals(messages.length, 1);
  assertStringIncludes(
    listener.nodes[0]!.lastError!.message,
    "3 heads came at once",
  );
});

for (const name of ["status_code", "statusCode", "code", "status"]) {
  Deno.test(`SseListener() counts an error event with a ${name} as the refusal that it is`, async () => {
    await using node = nodeSending(
      frame("error", { [name]: 504, message: "timeout" }),
    );
    await using listener = await listen([node]);
    const { reason, error } = await nextStatus(
      listener.status(),
      "disconnected",
    ) as DisconnectedStatus & { error: { status: number } };
    assertEquals([reason, error.status], ["status", 504]);
    assertStringIncludes(error.message, "timeout");
  });
}

Deno.test("SseListener() leaves a topic out that an error event refuses", async () => {
  await using node = new ScriptedNode({
    events: (request) =>
      request.url.includes("block_gossip")
        ? openStream(
          frame("error", { code: 400, message: "Invalid topic: block_gossip" }),
        )
        : openStream(frame("head", head(100))),
  });
  await using listener = await listen([node]);
  assertEquals(
    await briefs(listener.events({ topics: ["head"] }), 1),
    "head 100",
  );
  assertEquals(listener.nodes[0]!.missingTopics, ["block_gossip"]);
});

Deno.test("SseListener() ends at once without a permission for any of several nodes, whose chain it would compare first", async () => {
  // None of the waits may end.
  mock.timers.enable({ apis: ["setTimeout"] });
  const listener = await SseListener.start({
    nodes: ["http://127.0.0.1:5052", "http://127.0.0.1:5053"],
    fetch() {
      const error = new Error("Requires net access");
      error.name = "NotCapable";
      return Promise.reject(error);
    },
  });
  const error = await listener.finished.then(() => undefined, (error) => error);
  mock.timers.reset();
  assertStringIncludes(String(error), "Requires net access");
});

Deno.test("SseListener() logs what fails unforeseen beside a stream", async () => {
  await using node = new ScriptedNode({
    events: () => openStream(frame("head", head(1))),
    other: (_request, path) =>
      path.endsWith("/genesis")
        ? new Response(null, { status: 500 })
        : undefined,
  });
  const logged = Promise.withResolvers<string>();
  await using listener = await SseListener.start({
    nodes: [node.url],
    random() {
      throw new Error("no dice");
    },
    log: ({ message }) => {
      if (message.includes("no dice")) logged.resolve(message);
    },
  });
  await take(listener.events(), 1);
  assertEquals(
    await logged.promise,
    "A task beside the stream failed: no dice",
  );
});
