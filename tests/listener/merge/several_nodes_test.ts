import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import {
  type ComparedNode,
  MergedHead,
} from "../../../src/listener/merge/merged_head.ts";
import { configAtSlot, listen, nextStatus, take, until } from "../helpers.ts";
import {
  block,
  drippingStream,
  endedStream,
  Feed,
  frame,
  head,
  nodeSending,
  openStream,
  root,
  ScriptedNode,
  type ScriptedNodeOptions,
} from "../scripted_node.ts";

/** Where heads stand, of nodes that are all connected; without a slot, one is lost. */
function places(
  heads: [node: number, slot?: number][],
  current = 20,
): string[] {
  const merged = new MergedHead();
  const slots = new Map<number, number>();
  const nodes = new Map<number, ComparedNode>();
  return heads.map(([node, slot]) => {
    if (slot === undefined) {
      slots.delete(node);
      return "lost";
    }
    slots.set(node, slot);
    if (!nodes.has(node)) {
      nodes.set(node, { comparedSlot: -1, behindUntil: -1 });
    }
    return merged.place(
      nodes.get(node)!,
      slot,
      current,
      8,
      (least) =>
        [...slots].some(([other, slot]) => other !== node && slot >= least),
    );
  });
}

Deno.test("MergedHead.place() holds a lagging node's heads back", () => {
  assertEquals(places([[0, 9], [1, 8], [1, 9], [1, 10], [0, 9], [0, 11]]), [
    "leading",
    "behind",
    "caught up",
    "leading",
    "behind",
    "caught up",
  ]);
});

Deno.test("MergedHead.place() holds the heads back of a node that led and starts again from an older head", () => {
  assertEquals(places([[0, 10], [1, 10], [0, 8], [0, 9], [0, 10], [0, 11]]), [
    "leading",
    "leading",
    "behind",
    "behind",
    "caught up",
    "leading",
  ]);
});

Deno.test("MergedHead.place() goes back when all nodes have, as in a reorg", () => {
  assertEquals(places([[0, 10], [1, 10], [0, 9], [1, 9], [0, 9]]), [
    "leading",
    "leading",
    "behind",
    "leading",
    "caught up",
  ]);
});

Deno.test("MergedHead.place() does not go back to a node that lags when the one that led is lost", () => {
  assertEquals(places([[0, 10], [1, 5], [0], [1, 6], [0, 10], [0, 11]]), [
    "leading",
    "behind",
    "lost",
    "behind",
    "leading",
    "leading",
  ]);
});

Deno.test("MergedHead.place() follows a node that is far behind when the one that led is lost", () => {
  assertEquals(places([[0, 20], [1, 5], [0], [1, 6], [1, 19], [0, 18]]), [
    "leading",
    "behind",
    "lost",
    "caught up",
    "leading",
    "behind",
  ]);
});

Deno.test("MergedHead.place() takes head and head_v2 of the same from a node that has caught up", () => {
  assertEquals(
    places([[0, 9], [1, 9], [0, 8], [0, 9], [0, 9], [0, 10], [0, 10]]),
    [
      "leading",
      "leading",
      "behind",
      "caught up",
      "caught up",
      "leading",
      "leading",
    ],
  );
});

Deno.test("MergedHead.place() does not let a head from the future make the others look old", () => {
  assertEquals(places([[0, 30], [1, 10]], 10), ["leading", "leading"]);
});

Deno.test("SseListener() never moves the merged head back for a node that led and starts again from an older head", async () => {
  const [first, second] = [new Feed(), new Feed()];
  const heads = (...slots: number[]) =>
    slots.map((slot) => frame("head", head(slot))).join("");
  await using leader = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? first.open(heads(95, 96, 97))
        : first.open(heads(95, 96, 97, 98, 99)),
    // Its head is where it was when it was backed up: an ancestor of the one that it reported.
    other: (_request, path) => {
      const requested = path.split("/headers/")[1];
      if (requested === undefined) return undefined;
      const slot = [94, 95, 96, 97].find((slot) =>
        head(slot).block === requested
      ) ?? 95;
      const { block, state } = head(slot);
      const message = {
        slot: `${slot}`,
        proposer_index: "1",
        parent_root: head(slot - 1).block,
        state_root: state,
        body_root: root(0),
      };
      return Response.json({
        data: { root: block, canonical: true, header: { message } },
      });
    },
  });
  await using other = new ScriptedNode({
    events: () => second.open(),
  });
  await using listener = await listen({ leader, other }, { topics: ["head"] });
  const reorgs = listener.reorgs();
  const events = listener.events()[Symbol.asyncIterator]();
  const next = async () => (await events.next()).value!.slot;
  assertEquals([await next(), await next(), await next()], [95, 96, 97]);
  await until(() => listener.nodes[1]!.state === "connected");
  second.send(heads(95, 96, 97, 98));
  assertEquals(await next(), 98);
  await until(() => listener.nodes[1]!.headSlot === 98);
  first.end();
  assertEquals(await next(), 99);
  await listener.close();
  assertEquals(await take(reorgs, 1), []);
});

Deno.test("SseListener() never moves the merged head back for a node that lags behind", async () => {
  await using ahead = nodeSending(frame("head", head(100)));
  const late = new Feed();
  await using behind = new ScriptedNode({ events: () => late.open() });
  await using listener = await listen({ ahead, behind });
  const events = listener.events()[Symbol.asyncIterator]();
  assertEquals((await events.next()).value!.slot, 100);
  await until(() => listener.nodes[1]!.state === "connected");
  late.send(
    frame("head", head(97)) + frame("block", block(97)) +
      frame("head", head(101)),
  );
  assertEquals((await events.next()).value!.topic, "block");
  assertEquals((await events.next()).value!.slot, 101);
  assertStringIncludes(
    await listener.registry.metrics(),
    `app_beacon_node_sse_suppressed_total{addr="behind",reason="behind"} 1`,
  );
});

Deno.test("SseListener() refuses a node of another chain, and names both roots", async () => {
  const [ours, theirs] = [root(1), root(2)];
  const genesisTime = genesisAtSlot100();
  const chain = (validatorsRoot: string, slot: number) =>
    new ScriptedNode({
      events: () => openStream(frame("head", head(slot))),
      genesisTime,
      validatorsRoot,
    });
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
      genesisTime: genesisTime * 1000,
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
  await until(() => both.nodes[0]!.state === "wrong_chain");
  assert(
    log.some((message) => message.includes(ours) && message.includes(theirs)),
  );
});

/** Genesis of a chain in slot 100, in seconds. */
function genesisAtSlot100(): number {
  return Math.floor(Date.now() / 1000) - 100 * 12;
}

Deno.test("SseListener() requests the chain again at each connection where nodes must agree", async () => {
  const genesisTime = genesisAtSlot100();
  await using right = new ScriptedNode({
    events: () => openStream(),
    validatorsRoot: root(1),
    genesisTime,
  });
  const options: ScriptedNodeOptions = {
    events: (_request, connection) => {
      // Behind the same address another node answers from now on.
      options.validatorsRoot = root(2);
      return connection === 0 ? endedStream() : openStream();
    },
    validatorsRoot: root(1),
    genesisTime,
  };
  await using balanced = new ScriptedNode(options);
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

Deno.test("SseListener() listens at once to a node whose spec cannot be used, and reports why", async () => {
  await using node = new ScriptedNode({
    events: () => openStream(frame("head", head(100))),
    spec: { SLOT_DURATION_MS: undefined },
  });
  const warned = Promise.withResolvers<void>();
  await using listener = await SseListener.start({
    nodes: [node.url, "http://127.0.0.1:4"],
    log: ({ message }) => message.includes("SECONDS") && warned.resolve(),
  });
  const [event] = await take(listener.events(), 1);
  assertEquals(event!.slot, 100);
  await warned.promise;
  assertStringIncludes(
    listener.nodes[0]!.lastError!.message,
    "it has neither SLOT_DURATION_MS nor SECONDS_PER_SLOT",
  );
});

Deno.test("SseListener() compares the chains of nodes though their timing is given", async () => {
  const of = (validatorsRoot: string) =>
    new ScriptedNode({
      events: () => openStream(frame("head", head(100))),
      validatorsRoot,
    });
  await using one = of(root(1));
  await using other = of(root(2));
  await using listener = await listen([one, other]);
  const refusal = await nextStatus(listener.status(), "wrong_chain");
  assertEquals(
    [refusal.expectedRoot, refusal.actualRoot].toSorted(),
    [root(1), root(2)],
  );
});

Deno.test("SseListener() reports a node whose timing is not the chain's", async () => {
  const node = (spec: Record<string, string>) =>
    new ScriptedNode({
      events: () => openStream(),
      genesisTime: genesisAtSlot100(),
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

Deno.test("SseListener() reports a node that is in sync and sends no event for two epochs", async () => {
  await using node = new ScriptedNode({
    events: () => drippingStream(":\n\n", 5),
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

Deno.test("SseListener() reports a silent node though its streams are cut again and again", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) => {
      const feed = new Feed();
      const answer = feed.open(":\n\n");
      if (connection === 0) setTimeout(() => feed.end(), 1100);
      return answer;
    },
  });
  await using listener = await listen([node], {
    config: { ...configAtSlot(100, 250), slotsPerEpoch: 4 },
    idleTimeoutMs: 60_000,
  });
  const changes: string[] = [];
  for await (const { type } of listener.status()) {
    if (type !== "gap") changes.push(type);
    if (type === "stale") break;
  }
  assertEquals(changes, [
    "connected",
    "disconnected",
    "connected",
    "stale",
  ]);
});

Deno.test("SseListener() requests the sync state of a silent node again", async () => {
  let requested = 0;
  await using node = new ScriptedNode({
    events: () => openStream(":\n\n"),
    other(_request, path) {
      if (!path.endsWith("/syncing")) return undefined;
      // Before the connection, then busy, then syncing, then in sync.
      const is_syncing = ++requested < 4;
      return requested === 2
        ? new Response(null, { status: 503 })
        : Response.json({
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
  // Under load, the check of the next epoch may have come too.
  assert(requested >= 4, `${requested} requests`);
});
