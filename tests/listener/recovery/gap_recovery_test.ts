import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { type BeaconEvent, SseListener } from "@org/beacon-sse";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { brief, configAtSlot, listen, nextStatus, take } from "../helpers.ts";
import {
  endedStream,
  Feed,
  frame,
  head,
  nodeSending,
  openStream,
  root,
  ScriptedNode,
} from "../scripted_node.ts";

const QUIET = { autoplay: false, slotsPerEpoch: 8 };
const HASTY = { random: () => 0 };

Deno.test("SseListener() delivers the blocks and the head that it missed while away", async () => {
  await using node = await SimulatedBeaconNode.start(QUIET);
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const events = listener.events()[Symbol.asyncIterator]();
  await listener.ready;
  const known = await node.produceBlock();
  for (const topic of ["block_gossip", "block", "head"]) {
    assertEquals(brief((await events.next()).value!), `${topic} ${known.slot}`);
  }
  node.disconnect();
  const missed = [await node.produceBlock(), await node.produceBlock()];
  const received: string[] = [];
  for (let count = 0; count < 3; count++) {
    received.push(brief((await events.next()).value!));
  }
  assertEquals(received, [
    `block ${missed[0]!.slot} recovered`,
    `block ${missed[1]!.slot} recovered`,
    `head ${missed[1]!.slot} recovered`,
  ]);
  const later = await node.produceBlock();
  assertEquals(
    brief((await events.next()).value!),
    `block_gossip ${later.slot}`,
  );
});

Deno.test("SseListener() recovers a head with the dependent roots that the node would have reported", async () => {
  await using node = await SimulatedBeaconNode.start(QUIET);
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
    topics: ["head"],
  });
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  await listener.ready;
  await node.produceBlock();
  await heads.next();
  node.disconnect();
  // Over an epoch's boundary, so that the roots are new ones.
  for (let block = 0; block < 5; block++) await node.produceBlock();
  const recovered = (await heads.next()).value!;
  assertEquals(recovered.recovered, true);
  await using fresh = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
    topics: ["head"],
  });
  await fresh.ready;
  const witness = fresh.events({ topics: ["head"] })[Symbol.asyncIterator]();
  const next = await node.produceBlock();
  const live = (await witness.next()).value!;
  assertEquals(live.slot, next.slot);
  if (Math.floor(next.slot / 8) === Math.floor(recovered.slot! / 8)) {
    assertEquals(
      recovered.data.current_duty_dependent_root,
      live.data.current_duty_dependent_root,
    );
    assertEquals(
      recovered.data.previous_duty_dependent_root,
      live.data.previous_duty_dependent_root,
    );
  }
});

Deno.test("SseListener() delivers one recovered reorg for a branch switched while away", async () => {
  await using node = await SimulatedBeaconNode.start(QUIET);
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  const reorgs = listener.reorgs()[Symbol.asyncIterator]();
  await listener.ready;
  for (let block = 0; block < 4; block++) {
    await node.produceBlock();
    await heads.next();
  }
  const oldHead = node.head;
  node.disconnect();
  const { depth, slot, commonAncestor } = node.reorg({ depth: 3 });
  const after = await node.produceBlock();
  const reorg = (await reorgs.next()).value!;
  assertEquals(reorg.recovered, true);
  assertEquals(reorg.depth, after.slot - commonAncestor.slot);
  assertEquals(reorg.depth, depth + after.slot - slot);
  assertEquals(reorg.oldHeadBlock, oldHead.root);
  assertEquals(reorg.newHeadBlock, after.root);
  assertEquals(reorg.epoch, Math.floor(commonAncestor.slot / 8));
  node.disconnect();
  const live = await nextHead(node, heads);
  assertEquals(live.recovered, true);
  await node.produceBlock();
  await listener.close();
  assertEquals((await reorgs.next()).done, true);
});

Deno.test("SseListener() finds the reorg though the node has forgotten the orphaned blocks", async () => {
  await using node = await SimulatedBeaconNode.start(QUIET);
  const forgotten = new Set<string>();
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
    fetch: (input, init) => {
      const root = String(input).split("/headers/")[1];
      return forgotten.has(root ?? "")
        ? Promise.resolve(new Response(null, { status: 404 }))
        : fetch(input, init);
    },
  });
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  const reorgs = listener.reorgs()[Symbol.asyncIterator]();
  await listener.ready;
  for (let block = 0; block < 4; block++) {
    await node.produceBlock();
    forgotten.add(node.head.root);
    await heads.next();
  }
  node.disconnect();
  const { commonAncestor } = node.reorg({ depth: 2 });
  forgotten.delete(commonAncestor.root);
  const after = await node.produceBlock();
  const reorg = (await reorgs.next()).value!;
  assertEquals(reorg.recovered, true);
  assertEquals(reorg.depth, after.slot - commonAncestor.slot);
});

Deno.test("SseListener() recovers what it missed however long that takes, if nothing waits for it", async () => {
  await using node = await SimulatedBeaconNode.start(QUIET);
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
    topics: ["head", "block", "single_attestation"],
    fetch: async (input, init) => {
      if (String(input).includes("/headers/")) await delay(300);
      return await fetch(input, init);
    },
  });
  const events = listener.events()[Symbol.asyncIterator]();
  await listener.ready;
  const { slot } = await node.produceBlock();
  for (let count = 0; count < 2; count++) await events.next();
  node.disconnect();
  for (let block = 0; block < 4; block++) await node.produceBlock();
  await node.whenConnected(2);
  node.emit("single_attestation", {
    committee_index: "0",
    attester_index: "7",
    data: {
      slot: `${slot}`,
      index: "0",
      beacon_block_root: root(1),
      source: { epoch: "0", root: root(2) },
      target: { epoch: "1", root: root(3) },
    },
    signature: `0x${"5a".repeat(96)}`,
  });
  const received: string[] = [];
  for (let count = 0; count < 6; count++) {
    received.push(brief((await events.next()).value!));
  }
  assertEquals(received, [
    `single_attestation ${slot}`,
    ...[1, 2, 3, 4].map((more) => `block ${slot + more} recovered`),
    `head ${slot + 4} recovered`,
  ]);
});

async function nextHead(
  node: SimulatedBeaconNode,
  heads: AsyncIterator<BeaconEvent<"head">>,
): Promise<BeaconEvent<"head">> {
  while (true) {
    const { value } = await heads.next();
    if (value.data.block === node.head.root) return value;
  }
}

Deno.test("SseListener() reports nothing after an absence in which nothing happened", async () => {
  await using node = await SimulatedBeaconNode.start(QUIET);
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const events = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  const statuses = listener.status();
  await listener.ready;
  await node.produceBlock();
  await events.next();
  node.disconnect();
  await node.whenConnected(2);
  const next = await node.produceBlock();
  assertEquals(brief((await events.next()).value!), `head ${next.slot}`);
  await listener.close();
  const kinds = (await Array.fromAsync(statuses)).map(({ type }) => type);
  assertEquals(kinds.filter((type) => type === "gap"), []);
});

Deno.test("SseListener() reports a gap where the node has no headers", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? endedStream(frame("head", head(90)))
        : openStream(frame("head", head(95))),
    other: (_request, path) =>
      path.includes("/headers/")
        ? new Response("gone", { status: 410 })
        : undefined,
    genesisTime: Math.floor(Date.now() / 1000) - 100 * 12,
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const statuses = listener.status();
  const events = await take(listener.events(), 2);
  assertEquals(events.map(brief), ["head 90", "head 95"]);
  const gap = await nextStatus(statuses, "gap");
  assertEquals([gap.kind, gap.from, gap.node], ["reconnect", 91, node.url]);
  assert(gap.reason!.includes("410"));
  assert(
    (await listener.registry.metrics()).includes(
      `sse_gaps_total{addr="${node.url}",kind="reconnect"} 1`,
    ),
  );
});

Deno.test("SseListener() reports a gap where Lighthouse reports dropped messages", async () => {
  await using node = new ScriptedNode({
    events: () =>
      openStream(frame("head", head(90)), ": error - dropped 17 messages\n"),
    genesisTime: Math.floor(Date.now() / 1000) - 100 * 12,
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const gap = await nextStatus(listener.status(), "gap");
  assertEquals([gap.kind, gap.count], ["dropped", 17]);
});

Deno.test("SseListener() does not go back to heads of the node that come later than a recovered one", async () => {
  const second = new Feed();
  const headers: Record<string, unknown> = {
    head: header(93, 93, 92),
    [root(92)]: header(92, 92, 91),
    [root(91)]: header(91, 91, 90),
    [root(90)]: header(90, 90, 89),
  };
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? endedStream(frame("head", head(90)))
        : second.open(": hello\n\n"),
    other: (_request, path) => {
      const id = /\/headers\/(.+)$/.exec(path)?.[1];
      return id === undefined ? undefined : answer(headers[id]);
    },
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
    config: configAtSlot(100),
    topics: ["head"],
  });
  const events = listener.events()[Symbol.asyncIterator]();
  const next = async () => brief((await events.next()).value!);
  assertEquals(await next(), "head 90");
  assertEquals(await next(), "head 93 recovered");
  second.send(
    [91, 92, 93, 94].map((slot) => frame("head", head(slot))).join(""),
  );
  assertEquals(await next(), "head 94");
});

Deno.test("SseListener() recovers a reorg once though the node reports several times that it dropped messages", async () => {
  const headers: Record<string, unknown> = {
    head: header(92, 191, 89),
    [root(90)]: header(90, 90, 89),
    [root(89)]: header(89, 89, 88),
  };
  let headRequests = 0;
  const requestedTwice = Promise.withResolvers<void>();
  const feed = new Feed();
  await using node = new ScriptedNode({
    events: () => feed.open(frame("head", head(90))),
    other: (_request, path) => {
      const id = /\/headers\/(.+)$/.exec(path)?.[1];
      if (id === undefined) return;
      if (id === "head" && ++headRequests === 2) requestedTwice.resolve();
      return answer(headers[id]);
    },
  });
  await using listener = await listen([node], {
    topics: ["head", "chain_reorg"],
  });
  const events = listener.events()[Symbol.asyncIterator]();
  const next = async () => brief((await events.next()).value!);
  assertEquals(await next(), "head 90");
  feed.send(": error - dropped 1 messages\n".repeat(3));
  assertEquals(await next(), "chain_reorg 92 recovered");
  assertEquals(await next(), "head 92 recovered");
  feed.send(": error - dropped 1 messages\n");
  await requestedTwice.promise;
  feed.send(frame("head", head(93)));
  assertEquals(await next(), "head 93");
});

Deno.test("SseListener() reports a gap where a subscriber of events is too slow", async () => {
  const frames = Array.from(
    { length: 1100 },
    (_, slot) => frame("head", head(slot)),
  );
  await using node = nodeSending(...frames);
  await using listener = await SseListener.start({
    nodes: [node.url],
    config: {
      genesisTime: 1_700_000_000_000,
      slotDurationMs: 12_000,
      slotsPerEpoch: 32,
    },
  });
  const slow = listener.events();
  const gap = await nextStatus(listener.status(), "gap");
  const { kind, from, to, topics, count } = gap;
  assertEquals([kind, from, to, topics, count], ["queue", 0, 75, ["head"], 76]);
  assertEquals(slow.dropped, 76);
  assert(
    (await listener.registry.metrics()).includes(
      `sse_gaps_total{addr="${node.url}",kind="queue"} 1`,
    ),
  );
});

Deno.test("SseListener() reports what a subscriber lost of events without a slot, before it closes", async () => {
  const frames = Array.from(
    { length: 1100 },
    (_, number) => frame("sync_state", { number }),
  );
  await using node = nodeSending(...frames);
  const listener = await listen([node], { topics: ["sync_state"] });
  const slow = listener.events();
  const statuses = listener.status();
  for await (const _ of listener.events()) {
    if (slow.dropped === 76) break;
  }
  await listener.close();
  const gap = await nextStatus(statuses, "gap");
  const { kind, from, to, topics, count } = gap;
  assertEquals([kind, from, to, topics, count], [
    "queue",
    100,
    100,
    ["sync_state"],
    76,
  ]);
});

/** A header, or the answer that there is none. */
function answer(header: unknown): Response {
  return header === undefined
    ? Response.json({ code: 404, message: "not found" }, { status: 404 })
    : Response.json(header);
}

/** The answer to a request for a header. */
function header(slot: number, block: number, parent: number): unknown {
  return {
    execution_optimistic: false,
    finalized: false,
    data: {
      root: root(block),
      canonical: true,
      header: {
        message: {
          slot: String(slot),
          proposer_index: "1",
          parent_root: root(parent),
          state_root: root(block + 1_000_000),
          body_root: root(3),
        },
        signature: `0x${"0".repeat(192)}`,
      },
    },
  };
}
