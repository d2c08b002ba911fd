import { assertEquals } from "@std/assert";
import type { SseListener, SseListenerOptions } from "@org/beacon-sse";
import { ChainNode } from "../chain_node.ts";
import { configAtSlot, listen, take, until } from "../helpers.ts";
import { chainReorg, head, root } from "../scripted_node.ts";

const CONFIG = { ...configAtSlot(100), slotsPerEpoch: 8 };

/** Listens in epochs of 8 slots. */
function listenTo(
  nodes: ChainNode[],
  options: Partial<SseListenerOptions> = {},
): Promise<SseListener> {
  const topics = ["head", "chain_reorg"];
  return listen(nodes, { config: CONFIG, topics, ...options });
}

/** The reorg from block 16 to block 17, both on block 15, as a client reports it. */
const reorg = (depth: number, changes = {}) =>
  chainReorg(17, depth, {
    old_head_block: root(16),
    new_head_block: root(17),
    ...changes,
  });

/** The chain of that reorg. */
const forked = (node: ChainNode) =>
  node.add({ slot: 15 }, { slot: 16 }, { slot: 17, parent: 15 });

Deno.test("SseListener.reorgs() yields the epoch of the common ancestor, whatever depth the node reports", async () => {
  await using node = forked(new ChainNode());
  await using listener = await listenTo([node]);
  const reorgs = listener.reorgs();
  await node.send(["head", head(15)], ["head", head(16)], [
    "chain_reorg",
    reorg(1),
  ]);
  const [found] = await take(reorgs, 1);
  assertEquals([found!.epoch, found!.depth, found!.ancestorSlot], [1, 1, 15]);
  assertEquals([found!.oldHeadBlock, found!.newHeadBlock], [
    root(16),
    root(17),
  ]);
});

Deno.test("SseListener.reorgs() keeps the payload's epoch where it is the lower one", async () => {
  await using node = forked(new ChainNode());
  await using listener = await listenTo([node]);
  const reorgs = listener.reorgs();
  await node.send(["head", head(16)], ["chain_reorg", reorg(12)]);
  const [found] = await take(reorgs, 1);
  assertEquals([found!.epoch, found!.depth, found!.ancestorSlot], [0, 12, 15]);
});

Deno.test("SseListener.reorgs() yields once what two nodes report with different depths", async () => {
  await using a = forked(new ChainNode());
  await using b = forked(new ChainNode());
  await using listener = await listenTo([a, b]);
  const reorgs = listener.reorgs();
  const events = listener.events({ topics: ["chain_reorg"] });
  await a.send(["head", head(16)], ["chain_reorg", reorg(1)]);
  await take(listener.reorgs(), 1);
  await b.send(["head", head(16)], ["chain_reorg", reorg(2)], [
    "chain_reorg",
    chainReorg(19, 2),
  ]);
  assertEquals(
    (await take(reorgs, 2)).map(({ slot, depth }) => [slot, depth]),
    [[17, 1], [19, 2]],
  );
  assertEquals((await take(events, 2)).map(({ slot }) => slot), [17, 19]);
});

Deno.test("SseListener() delivers events while the ancestor of a reorg is requested, and uses the payload's epoch after a second", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using node = new ChainNode({
    other: (path) => path.includes("/headers/") ? never : undefined,
  });
  await using listener = await listenTo([node]);
  const reorgs = listener.reorgs();
  const events = listener.events();
  await node.send(["chain_reorg", reorg(1)], ["head", head(17)]);
  assertEquals((await take(events, 2)).map(({ topic }) => topic), [
    "chain_reorg",
    "head",
  ]);
  const [found] = await take(reorgs, 1);
  assertEquals([found!.epoch, found!.ancestorSlot], [2, undefined]);
  resolve(new Response());
});

Deno.test("SseListener.reorgs() reaches to slot 0 where the depth is beyond the slot by an epoch at most", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node]);
  const reorgs = listener.reorgs();
  await node.send(
    ["chain_reorg", chainReorg(3, 12)],
    ["chain_reorg", chainReorg(4, 12)],
    ["head", head(5)],
  );
  await take(listener.events({ topics: ["head"] }), 1);
  const [found] = await take(reorgs, 1);
  assertEquals([found!.slot, found!.epoch, found!.depth], [4, 0, 12]);
});

Deno.test("SseListener.reorgs() keeps Charon's arithmetic with its parity", async () => {
  await using node = forked(new ChainNode());
  await using listener = await listenTo([node], { parity: "charon" });
  const reorgs = listener.reorgs();
  await node.send(
    ["chain_reorg", chainReorg(4, 5)],
    ["head", head(16)],
    ["chain_reorg", reorg(1)],
  );
  const [found] = await take(reorgs, 1);
  assertEquals([found!.epoch, found!.ancestorSlot], [2, undefined]);
  assertEquals(node.requested, []);
});

Deno.test("SseListener() follows the new head of a reorg that no head event follows", async () => {
  await using node = forked(new ChainNode({ bySlot: true }).add({ slot: 7 }));
  await using listener = await listenTo([node]);
  const reorgs = listener.reorgs();
  await node.send(["head", head(15)], ["head", head(16)], [
    "chain_reorg",
    reorg(2),
  ]);
  await take(reorgs, 1);
  assertEquals(listener.nodes[0]!.headSlot, 17);
  // The way to the next head begins at the new head: nothing was left behind.
  node.drop();
  node.add({ slot: 18 });
  const recovered = listener.events();
  await node.connected();
  const [event] = await take(recovered, 1);
  assertEquals([event!.topic, event!.slot, event!.recovered], [
    "head",
    18,
    true,
  ]);
  await listener.close();
  assertEquals(await take(reorgs, 1), []);
});

Deno.test("SseListener() does not go back to a reorg's new head that later heads have followed", async () => {
  await using node = forked(new ChainNode());
  await using listener = await listenTo([node]);
  await node.send(
    ["head", head(16)],
    ["head", head(17)],
    ["head", head(18)],
    ["chain_reorg", reorg(2)],
  );
  await take(listener.reorgs(), 1);
  assertEquals(listener.nodes[0]!.headSlot, 18);
});

for (const order of ["before", "after", "without"]) {
  Deno.test(`SseListener.duties() yields a reorg in the first slot of an epoch that changes its dependent root, reported ${order} the head`, async () => {
    await using node = new ChainNode();
    await using listener = await listenTo([node]);
    const duties = listener.duties();
    const roots = (ofEpoch: number, ofNextEpoch: number) => ({
      previous_duty_dependent_root: root(ofEpoch),
      current_duty_dependent_root: root(ofNextEpoch),
    });
    const reported: [string, unknown][] = [
      ["head", head(24, roots(7, 1022))],
      [
        "chain_reorg",
        chainReorg(24, 5, {
          old_head_block: root(23),
          new_head_block: root(24),
        }),
      ],
    ];
    await node.send(
      ["head", head(21, roots(1, 7))],
      ["head", head(23, roots(1, 7))],
      ...(order === "after" ? reported : reported.toReversed()).map((
        [topic, payload],
      ): [string, unknown] =>
        order === "without" && topic === "head"
          ? ["head", head(25, roots(7, 1022))]
          : [topic, payload]
      ),
    );
    const [change] = await take(duties, 1);
    assertEquals([change!.epoch, change!.previousRoot, change!.dependentRoot], [
      4,
      root(23),
      root(1022),
    ]);
  });
}

/** Two nodes of that chain whose head is block 16, and a listener that knows so. */
async function twoNodesAt16() {
  const [a, b] = [forked(new ChainNode()), forked(new ChainNode())];
  const listener = await listenTo([a, b]);
  const reorgs = listener.reorgs();
  const events = listener.events({ topics: ["chain_reorg"] });
  for (const node of [a, b]) await node.send(["head", head(16)]);
  await until(() => listener.nodes.every(({ headSlot }) => headSlot === 16));
  return {
    ...{ a, b, listener, reorgs, events },
    async [Symbol.asyncDispose]() {
      await listener.close();
      for (const node of [a, b]) await node[Symbol.asyncDispose]();
    },
  };
}

Deno.test("SseListener.reorgs() yields once what one node reports and another one recovers from a later head", async () => {
  await using stage = await twoNodesAt16();
  const { a, b, listener, reorgs, events } = stage;
  b.drop();
  b.add({ slot: 18 });
  await a.send(["chain_reorg", reorg(2)], ["head", head(17)]);
  await take(listener.reorgs(), 1);
  await b.connected();
  await until(() => listener.nodes[1]!.headSlot === 18);
  await listener.close();
  assertEquals((await take(reorgs, 2)).map(({ slot }) => slot), [17]);
  assertEquals((await take(events, 2)).map(({ slot }) => slot), [17]);
});

Deno.test("SseListener.reorgs() yields once what one node recovers and another one reports later", async () => {
  await using stage = await twoNodesAt16();
  const { a, b, listener, reorgs, events } = stage;
  b.drop();
  b.add({ slot: 18 });
  assertEquals((await take(listener.reorgs(), 1))[0]!.recovered, true);
  await a.send(["chain_reorg", reorg(2)], ["head", head(19)]);
  await until(() => listener.nodes[0]!.headSlot === 19);
  await listener.close();
  assertEquals((await take(reorgs, 2)).map(({ slot }) => slot), [18]);
  assertEquals((await take(events, 2)).map(({ slot }) => slot), [18]);
});

Deno.test("SseListener() keeps the head behind a reorg when the head before it is verified late", async () => {
  await using node = forked(new ChainNode());
  await using listener = await listenTo([node]);
  const events = listener.events();
  await node.send(
    ["head", head(16, { execution_optimistic: true })],
    ["chain_reorg", reorg(2)],
    ["head", head(17)],
    ["head", head(16)],
  );
  assertEquals((await take(events, 4)).map(({ slot }) => slot), [
    16,
    17,
    17,
    16,
  ]);
  assertEquals(listener.nodes[0]!.headSlot, 17);
});

Deno.test("SseListener() keeps its head when a reorg before it is verified late", async () => {
  await using node = forked(new ChainNode()).add({ slot: 18, parent: 15 });
  await using listener = await listenTo([node]);
  const events = listener.events();
  const optimistic = { execution_optimistic: true };
  const roots = { old_head_block: root(17), new_head_block: root(18) };
  const next = chainReorg(18, 3, { ...roots, ...optimistic });
  await node.send(
    ["head", head(16)],
    ["chain_reorg", reorg(2, optimistic)],
    ["head", head(17, optimistic)],
    ["chain_reorg", next],
    ["head", head(18, optimistic)],
    ["chain_reorg", reorg(2)],
    ["head", head(17)],
  );
  assertEquals((await take(events, 7)).map(({ slot }) => slot), [
    16,
    17,
    17,
    18,
    18,
    17,
    17,
  ]);
  assertEquals(listener.nodes[0]!.headSlot, 18);
});

for (const at of [17, 18]) {
  Deno.test(`SseListener.events() delivers a verified reorg once after an optimistic one, though a recovery found it at block ${at} in between`, async () => {
    await using stage = await twoNodesAt16();
    const { a, b, listener, reorgs, events } = stage;
    b.drop();
    if (at === 18) b.add({ slot: 18 });
    const optimistic = reorg(2, { execution_optimistic: true });
    await a.send(["chain_reorg", optimistic], ["head", head(17)]);
    await take(listener.reorgs(), 1);
    await b.connected();
    await until(() => listener.nodes[1]!.headSlot === at);
    await a.send(["chain_reorg", reorg(2)], ["head", head(19)]);
    await until(() => listener.nodes[0]!.headSlot === 19);
    await listener.close();
    assertEquals((await take(reorgs, 2)).length, 1);
    assertEquals(
      (await take(events, 3)).map(({ data: { slot, execution_optimistic } }) =>
        `${slot} ${execution_optimistic}`
      ),
      ["17 true", "17 false"],
    );
  });
}
