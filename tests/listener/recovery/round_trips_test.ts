import { assertEquals, assertStringIncludes } from "@std/assert";
import type { SseListener, SseListenerOptions } from "@org/beacon-sse";
import { ChainNode } from "../chain_node.ts";
import {
  brief,
  briefs,
  configAtSlot,
  listen,
  nextStatus,
  take,
  until,
} from "../helpers.ts";
import { block, head, root } from "../scripted_node.ts";

const EPOCH = 8;

/** Listens to one node in epochs of 8 slots. */
function listenTo(
  node: ChainNode,
  options: Partial<SseListenerOptions> = {},
): Promise<SseListener> {
  const config = { ...configAtSlot(100), slotsPerEpoch: EPOCH };
  const topics = ["head", "block"];
  return listen({ a: node }, { config, topics, ...options });
}

const slots = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ slot: from + index }));

/** Rejects when a signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason))
  );
}

/** Loses the stream behind a first head. */
async function loseAfter(
  node: ChainNode,
  listener: SseListener,
  slot: number,
): Promise<void> {
  const heads = listener.events();
  await node.send(["head", head(slot)]);
  await take(heads, 1);
  node.drop();
}

Deno.test("SseListener() recovers the blocks since its start after a reconnect, though it never saw a head", async () => {
  await using node = new ChainNode({ bySlot: true });
  await using listener = await listenTo(node);
  const events = listener.events();
  await node.connected();
  await nextStatus(listener.status(), "connected");
  node.drop();
  node.add(...slots(87, 102));
  assertEquals(
    await briefs(events, 4),
    "block 100 recovered, block 101 recovered, block 102 recovered, head 102 recovered",
  );
});

Deno.test("SseListener() requests the headers of a gap by slot, four at a time at most", async () => {
  await using node = new ChainNode({ bySlot: true });
  node.add(...slots(80, 90));
  let atOnce = 0;
  let most = 0;
  await using listener = await listenTo(node, {
    fetch: async (input, init) => {
      if (!String(input).includes("/headers/")) return await fetch(input, init);
      most = Math.max(most, ++atOnce);
      try {
        const answer = await fetch(input, init);
        return new Response(await answer.text(), answer);
      } finally {
        atOnce--;
      }
    },
  });
  const events = listener.events();
  await loseAfter(node, listener, 90);
  node.requested.length = 0;
  node.add(...slots(91, 100));
  assertEquals((await take(events, 12)).map(brief), [
    "head 90",
    ...slots(91, 100).map(({ slot }) => `block ${slot} recovered`),
    "head 100 recovered",
  ]);
  assertEquals(node.requested.includes("95"), true);
  assertEquals(node.requested.includes(root(95)), false);
  assertEquals(most, 4);
});

Deno.test("SseListener() walks by parent where the node does not answer by slot", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo(node);
  const events = listener.events();
  node.add(...slots(90, 90));
  await loseAfter(node, listener, 90);
  node.add(...slots(91, 94));
  assertEquals((await take(events, 6)).map(brief), [
    "head 90",
    ...slots(91, 94).map(({ slot }) => `block ${slot} recovered`),
    "head 94 recovered",
  ]);
});

Deno.test("SseListener() delivers live events after a slot, and what it recovers later behind them", async () => {
  const answer = Promise.withResolvers<void>();
  await using node = new ChainNode({ bySlot: true });
  await using listener = await listenTo(node, {
    config: { ...configAtSlot(100, 250), slotsPerEpoch: EPOCH },
    idleTimeoutMs: 60_000,
    fetch: async (input, init) => {
      if (String(input).includes("/headers/head")) await answer.promise;
      return await fetch(input, init);
    },
  });
  const events = listener.events();
  node.add(...slots(80, 90));
  await loseAfter(node, listener, 90);
  node.add(...slots(91, 93));
  await node.send(["block", block(94)], ["head", head(94)]);
  assertEquals(await briefs(events, 3), "head 90, block 94, head 94");
  const late = listener.events();
  answer.resolve();
  assertEquals(
    await briefs(late, 3),
    "block 91 recovered, block 92 recovered, block 93 recovered",
  );
  assertEquals(listener.nodes[0]!.headSlot, 94);
});

Deno.test("SseListener() recovers the blocks since its start where its first stream opens late", async () => {
  const { promise: late, resolve: open } = Promise.withResolvers<void>();
  await using node = new ChainNode({ bySlot: true });
  let now = Date.now();
  await using listener = await listenTo(node, {
    config: { ...configAtSlot(100), slotsPerEpoch: EPOCH },
    now: () => now,
    fetch: async (input, init) => {
      if (String(input).includes("/events")) await late;
      return await fetch(input, init);
    },
  });
  const events = listener.events();
  node.add(...slots(87, 101));
  now += 13_000;
  open();
  assertEquals(
    await briefs(events, 2),
    "block 100 recovered, block 101 recovered",
  );
});

Deno.test("SseListener() recovers the blocks since its start though a head was received while their headers hung", async () => {
  await using node = new ChainNode({ bySlot: true });
  const hung = Promise.withResolvers<void>();
  await using listener = await listenTo(node, {
    config: { ...configAtSlot(100, 250), slotsPerEpoch: EPOCH },
    idleTimeoutMs: 60_000,
    fetch: async (input, init) => {
      if (String(input).includes("/headers/")) {
        await Promise.race([hung.promise, aborted(init!.signal!)]);
      }
      return await fetch(input, init);
    },
  });
  const events = listener.events();
  await node.connected();
  await nextStatus(listener.status(), "connected");
  node.drop();
  node.add(...slots(87, 101));
  await node.send(["block", block(102)], ["head", head(102)]);
  node.add({ slot: 102 });
  assertEquals(await briefs(events, 2), "block 102, head 102");
  const late = listener.events();
  node.drop();
  hung.resolve();
  assertEquals(
    await briefs(late, 2),
    "block 100 recovered, block 101 recovered",
  );
});

Deno.test("SseListener() recovers the block of a head that it reports first behind a reconnect", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo(node);
  const events = listener.events();
  node.add(...slots(90, 90));
  await loseAfter(node, listener, 90);
  await node.send(["head", head(91)], ["head", head(92)]);
  assertEquals(
    await briefs(events, 4),
    "head 90, block 91 recovered, head 91, head 92",
  );
});

/** Loses the stream behind head 90, reports heads while headers hang, and then goes to block 93 on block 91. */
async function switchBehind(heads: readonly number[], node: ChainNode) {
  let isHung = true;
  const listener = await listenTo(node, {
    config: { ...configAtSlot(100, 250), slotsPerEpoch: EPOCH },
    idleTimeoutMs: 60_000,
    topics: ["head", "chain_reorg"],
    fetch: async (input, init) => {
      if (isHung && String(input).includes("/headers/head")) {
        await aborted(init!.signal!);
      }
      return await fetch(input, init);
    },
  });
  node.add(...slots(89, 92));
  await loseAfter(node, listener, 90);
  const events = listener.events();
  for (const slot of heads) await node.send(["head", head(slot)]);
  await take(events, heads.length);
  isHung = false;
  const changes = { reorgs: listener.reorgs(), statuses: listener.status() };
  node.drop();
  node.add({ slot: 93, parent: 91 }).forget(92);
  return { listener, ...changes };
}

Deno.test("SseListener.reorgs() yields the switch behind heads that came while an earlier gap was open", async () => {
  await using node = new ChainNode();
  const { listener, reorgs } = await switchBehind([91, 92], node);
  const [reorg] = await take(reorgs, 1);
  assertEquals(
    [reorg!.oldHeadBlock, reorg!.newHeadBlock, reorg!.ancestorSlot],
    [root(92), root(93), 91],
  );
  await listener.close();
});

Deno.test("SseListener.status() yields a gap where the branches of such a switch may part at a block that was missed", async () => {
  await using node = new ChainNode();
  const { listener, reorgs, statuses } = await switchBehind([92], node);
  const { from, to, topics } = await nextStatus(statuses, "gap");
  assertEquals([from, to, topics], [93, 93, ["chain_reorg"]]);
  await listener.close();
  assertEquals(await take(reorgs, 1), []);
});

Deno.test("SseListener() takes no block of a branch that was left for one that a recovered head depends on", async () => {
  await using node = new ChainNode();
  let isBroken = false;
  await using listener = await listenTo(node, {
    topics: ["head"],
    fetch: (input, init) =>
      isBroken && String(input).includes("/headers/")
        ? Promise.resolve(new Response(null, { status: 500 }))
        : fetch(input, init),
  });
  const events = listener.events({ topics: ["head"] });
  const statuses = listener.status();
  node.add(...slots(78, 86));
  await loseAfter(node, listener, 86);
  node.add(...slots(87, 89));
  // Epoch 11 begins with slot 88. The node leaves blocks 87 to 89, and its headers do not show it.
  const [, recovered] = await take(events, 2);
  assertEquals(recovered!.data.current_duty_dependent_root, root(87));
  isBroken = true;
  node.drop();
  node.add({ slot: 90, parent: 86 });
  await nextStatus(statuses, "gap");
  const later = listener.events({ topics: ["head"] });
  await node.send([
    "head",
    head(90, { current_duty_dependent_root: root(86) }),
  ]);
  await take(later.values({ preventCancel: true }), 1);
  isBroken = false;
  node.drop();
  node.add({ slot: 91 });
  const [last] = await take(later, 1);
  assertEquals(last!.slot, 91);
  assertEquals(last!.data.current_duty_dependent_root, root(86));
});

Deno.test("SseListener() lets no more bytes of events wait for a recovery than maxQueueBytes", async () => {
  const answer = Promise.withResolvers<void>();
  await using node = new ChainNode();
  await using listener = await listenTo(node, {
    topics: ["head"],
    maxQueueBytes: 2000,
    fetch: async (input, init) => {
      if (String(input).includes("/headers/head")) await answer.promise;
      return await fetch(input, init);
    },
  });
  const events = listener.events();
  await loseAfter(node, listener, 90);
  const padding = "x".repeat(600);
  await node.send(["head", head(91, { padding })], [
    "head",
    head(92, { padding }),
  ]);
  assertEquals(await briefs(events, 3), "head 90, head 91, head 92");
  answer.resolve();
});

Deno.test("SseListener() recovers the last two epochs of a longer gap, and reports the rest", async () => {
  await using node = new ChainNode({ bySlot: true });
  await using listener = await listenTo(node);
  const events = listener.events();
  node.add(...slots(60, 70));
  await loseAfter(node, listener, 70);
  const statuses = listener.status();
  node.add(...slots(71, 100));
  const gap = await nextStatus(statuses, "gap");
  assertEquals([gap.from, gap.to, gap.reason], [71, 84, "it is over 16 slots"]);
  assertEquals((await take(events, 18)).map(brief), [
    "head 70",
    ...slots(85, 100).map(({ slot }) => `block ${slot} recovered`),
    "head 100 recovered",
  ]);
});

Deno.test("SseListener() requests the head of a restarted node again before it reports a gap", async () => {
  let requests = 0;
  await using node = new ChainNode({
    bySlot: true,
    other: (path) =>
      path.endsWith("/headers/head") && ++requests < 3
        ? Response.json({ code: 404, message: "no head yet" }, { status: 404 })
        : undefined,
  });
  await using listener = await listenTo(node);
  const [events, statuses] = [listener.events(), listener.status()];
  node.add(...slots(88, 90));
  await loseAfter(node, listener, 90);
  node.add({ slot: 91 });
  assertEquals(
    await briefs(events, 3),
    "head 90, block 91 recovered, head 91 recovered",
  );
  assertEquals(requests, 3);
  await listener.close();
  const types = (await Array.fromAsync(statuses)).map(({ type }) => type);
  assertEquals(types.includes("gap"), false);
});

const finalized = (epoch: number): [string, unknown] => [
  "finalized_checkpoint",
  {
    block: root(epoch * EPOCH),
    state: root(epoch * EPOCH + 1_000_000),
    epoch: `${epoch}`,
    execution_optimistic: false,
  },
];

Deno.test("SseListener() recovers a finalized checkpoint that it missed while away", async () => {
  await using node = new ChainNode({ bySlot: true });
  await using listener = await listenTo(node, {
    topics: ["head", "finalized_checkpoint"],
  });
  const checkpoints = listener.events({ topics: ["finalized_checkpoint"] });
  await node.send(finalized(9));
  node.add(...slots(78, 90));
  await loseAfter(node, listener, 90);
  node.finalized = { epoch: 10, block: 80 };
  const found = await take(checkpoints, 2);
  assertEquals(
    found.map(({ data, recovered }) => [data.epoch, data.block, recovered]),
    [[9, root(72), undefined], [10, root(80), true]],
  );
  assertEquals(found[1]!.data.state, root(1_000_080));
});

Deno.test("SseListener() reports what it cannot recover though the node never answers for its finality", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using node = new ChainNode({
    other: (path) => path.endsWith("/finality_checkpoints") ? never : undefined,
  });
  await using listener = await listenTo(node, {
    topics: ["head", "attestation", "finalized_checkpoint"],
  });
  const statuses = listener.status();
  node.add(...slots(90, 90));
  await loseAfter(node, listener, 90);
  node.add({ slot: 93, parent: 92 });
  const gap = await nextStatus(
    statuses.values({ preventCancel: true }),
    "gap",
  );
  assertEquals([gap.from, gap.to, gap.topics.length], [91, 92, 3]);
  await until(() => node.requested.includes("finality"));
  node.drop();
  assertEquals((await nextStatus(statuses, "gap")).topics, ["attestation"]);
  resolve(new Response());
});

Deno.test("SseListener() names the topics of which events may be missing", async () => {
  const warned = Promise.withResolvers<string>();
  await using node = new ChainNode({ bySlot: true });
  await using listener = await listenTo(node, {
    topics: ["head", "block", "finalized_checkpoint", "voluntary_exit"],
    log: ({ message }) => {
      if (message.includes("missing")) warned.resolve(message);
    },
  });
  const statuses = listener.status();
  node.add(...slots(88, 90));
  await loseAfter(node, listener, 90);
  node.add({ slot: 91 });
  const gap = await nextStatus(statuses, "gap");
  assertEquals(gap.topics, ["finalized_checkpoint", "voluntary_exit"]);
  assertStringIncludes(
    await warned.promise,
    "finalized_checkpoint, voluntary_exit",
  );
});
