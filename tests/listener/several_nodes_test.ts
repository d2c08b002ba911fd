import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { MergedHead } from "../../src/listener/merged_head.ts";
import { configAtSlot, nextStatus, take } from "./helpers.ts";
import {
  block,
  endedStream,
  frame,
  head,
  openStream,
  root,
  ScriptedNode,
} from "./scripted_node.ts";

Deno.test("MergedHead.accepts() holds a lagging node's heads back", () => {
  const merged = new MergedHead();
  const heads: [node: number, slot: number][] = [
    [0, 9],
    [1, 8],
    [1, 9],
    [1, 10],
    [0, 9],
    [0, 11],
  ];
  assertEquals(heads.map(([node, slot]) => merged.accepts(node, slot, 11)), [
    true,
    false,
    true,
    true,
    false,
    true,
  ]);
});

Deno.test("MergedHead.accepts() lets the node that leads go back, as in a reorg", () => {
  const merged = new MergedHead();
  assertEquals([
    merged.accepts(0, 10, 10),
    merged.accepts(0, 8, 10),
    merged.accepts(1, 9, 10),
  ], [
    true,
    true,
    true,
  ]);
});

Deno.test("MergedHead.accepts() does not let a head from the future make the others look old", () => {
  const merged = new MergedHead();
  assertEquals([merged.accepts(0, 30, 10), merged.accepts(1, 10, 10)], [
    true,
    true,
  ]);
});

Deno.test("SseListener() never moves the merged head back for a node that lags behind", async () => {
  await using ahead = new ScriptedNode({
    events: () => openStream(frame("head", head(100))),
  });
  let late: ReadableStreamDefaultController<Uint8Array>;
  await using behind = new ScriptedNode({
    events: () =>
      new Response(
        new ReadableStream({ start: (controller) => void (late = controller) }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  await using listener = await SseListener.start({
    config: configAtSlot(100),
    nodes: [{ url: ahead.url, name: "ahead" }, {
      url: behind.url,
      name: "behind",
    }],
  });
  const events = listener.events()[Symbol.asyncIterator]();
  assertEquals((await events.next()).value!.slot, 100);
  while (listener.nodes[1]!.state !== "connected") {
    await nextStatus(listener.status(), "connected");
  }
  late!.enqueue(new TextEncoder().encode(
    frame("head", head(97)) + frame("block", block(97)) +
      frame("head", head(101)),
  ));
  assertEquals((await events.next()).value!.topic, "block");
  assertEquals((await events.next()).value!.slot, 101);
  assertStringIncludes(
    await listener.registry.metrics(),
    `app_beacon_node_sse_suppressed_total{addr="behind",reason="behind"} 1`,
  );
});

Deno.test("SseListener() refuses a node of another chain, and names both roots", async () => {
  const [ours, theirs] = [root(1), root(2)];
  const chain = (root: string, slot: number) =>
    new ScriptedNode({
      events: () => openStream(frame("head", head(slot))),
      other: (_request, path) =>
        path.endsWith("/genesis")
          ? Response.json({
            data: {
              genesis_time: String(now - 100 * 12),
              genesis_validators_root: root,
            },
          })
          : undefined,
    });
  const now = Math.floor(Date.now() / 1000);
  await using right = chain(ours, 100);
  const log: string[] = [];
  await using listener = await SseListener.start({
    nodes: [{ url: right.url, name: "right" }, {
      url: "http://127.0.0.1:4",
      name: "dead",
    }],
  });
  await listener.ready;
  await using wrong = chain(theirs, 99);
  await using both = await SseListener.start({
    nodes: [{ url: wrong.url, name: "wrong" }, {
      url: right.url,
      name: "right",
    }],
    config: {
      genesisTime: (now - 100 * 12) * 1000,
      slotDurationMs: 12_000,
      slotsPerEpoch: 32,
      genesisValidatorsRoot: ours,
    },
    log: ({ message }) => log.push(message),
  });
  const events = both.events();
  const refusal = await nextStatus(both.status(), "wrong_chain");
  assertEquals([refusal.node, refusal.expectedRoot, refusal.actualRoot], [
    "wrong",
    ours,
    theirs,
  ]);
  const [event] = await take(events, 1);
  assertEquals([event!.node, event!.slot], ["right", 100]);
  while (both.nodes[0]!.state !== "wrong_chain") await take(both.status(), 1);
  assert(
    log.some((message) => message.includes(ours) && message.includes(theirs)),
  );
});

/** Genesis of a chain at slot 100. */
function genesis(validatorsRoot: string, slot = 100): Response {
  const now = Math.floor(Date.now() / 1000);
  return Response.json({
    data: {
      genesis_time: String(now - slot * 12),
      genesis_validators_root: validatorsRoot,
    },
  });
}

Deno.test("SseListener() asks again for the chain at each connection where nodes must agree", async () => {
  let chain = root(1);
  await using right = new ScriptedNode({
    events: () => openStream(),
    other: (_request, path) =>
      path.endsWith("/genesis") ? genesis(root(1)) : undefined,
  });
  await using balanced = new ScriptedNode({
    events: (_request, connection) => {
      // Behind the same address another node answers from now on.
      chain = root(2);
      return connection === 0 ? endedStream() : openStream();
    },
    other: (_request, path) =>
      path.endsWith("/genesis") ? genesis(chain) : undefined,
  });
  await using listener = await SseListener.start({
    nodes: [{ url: right.url, name: "right" }, {
      url: balanced.url,
      name: "balanced",
    }],
    random: () => 0,
  });
  const refusal = await nextStatus(listener.status(), "wrong_chain");
  assertEquals([refusal.expectedRoot, refusal.actualRoot], [root(1), root(2)]);
  assertEquals(balanced.requests.length, 1);
});

Deno.test("SseListener() tells of a node whose timing is not the chain's", async () => {
  const node = (spec: Record<string, string>) =>
    new ScriptedNode({
      events: () => openStream(),
      other: (_request, path) =>
        path.endsWith("/genesis") ? genesis(root(1)) : undefined,
      spec,
    });
  await using first = node({});
  await using second = node({ SLOT_DURATION_MS: "6000" });
  const warned = Promise.withResolvers<string>();
  const log = ({ message }: { message: string }) => {
    if (message.includes("timing")) warned.resolve(message);
  };
  const nodes = [first.url, second.url];
  await using listener = await SseListener.start({ nodes, log });
  const message = await warned.promise;
  assertStringIncludes(message, "slotDurationMs");
  assert(message.includes("6000") && message.includes("12000"), message);
  await listener.ready;
});

Deno.test("SseListener() tells of a node that says it is in sync and sends no event for two epochs", async () => {
  let timer: ReturnType<typeof setInterval>;
  await using node = new ScriptedNode({
    events: () =>
      new Response(
        new ReadableStream({
          start(controller) {
            timer = setInterval(
              () => controller.enqueue(new TextEncoder().encode(":\n\n")),
              5,
            );
          },
          cancel: () => clearInterval(timer),
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  await using listener = await SseListener.start({
    config: {
      genesisTime: Date.now() - 100_000,
      slotDurationMs: 20,
      slotsPerEpoch: 4,
    },
    nodes: [node.url],
  });
  const stale = await nextStatus(listener.status(), "stale");
  assertEquals(stale.node, node.url);
  assertEquals(listener.nodes[0]!.state, "connected");
});

Deno.test("SseListener() asks a silent node again whether it is in sync", async () => {
  let asked = 0;
  await using node = new ScriptedNode({
    events: () => openStream(":\n\n"),
    other(_request, path) {
      if (!path.endsWith("/syncing")) return undefined;
      // Before the connection, then busy, then syncing, then in sync.
      const is_syncing = ++asked < 4;
      return asked === 2 ? new Response(null, { status: 503 }) : Response.json({
        data: { head_slot: "1", sync_distance: "0", is_syncing },
      });
    },
  });
  await using listener = await SseListener.start({
    config: configAtSlot(100, 20),
    idleTimeoutMs: 60_000,
    nodes: [node.url],
  });
  assertEquals((await nextStatus(listener.status(), "stale")).node, node.url);
  assertEquals(asked, 4);
});
