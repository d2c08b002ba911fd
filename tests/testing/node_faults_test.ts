import { type Fault, SimulatedNode } from "@org/beacon-sse/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { STILL } from "./still_node.ts";

// deno-lint-ignore no-explicit-any -- payloads of many topics
type Payload = any;

/** A node with faults, and what it sends on one stream until it is disconnected. */
async function eventsOf(
  act: (node: SimulatedNode) => Promise<void> | void,
  options: {
    topics?: string;
    faults?: Fault[];
    atOnce?: Fault[];
  } = {},
): Promise<{ text: string; events: { topic: string; data: Payload }[] }> {
  const { topics = "head,block,block_gossip,chain_reorg", faults = [] } =
    options;
  await using node = new SimulatedNode({ ...STILL, faults });
  const response = await node.fetch(
    `${node.url}/eth/v1/events?topics=${topics}`,
  );
  for (const fault of options.atOnce ?? []) node.fault(fault);
  await act(node);
  node.disconnect();
  const text = await response.text();
  const events = text.split("\n\n").filter((frame) => frame !== "").map(
    (frame) => {
      const [, topic = "", data = ""] = /^event:(.*)\ndata:(.*)$/.exec(frame) ??
        [];
      return { topic, data: data.startsWith("{") ? JSON.parse(data) : data };
    },
  );
  return { text, events };
}

async function oneBlock(node: SimulatedNode): Promise<void> {
  await node.produceBlock();
}

Deno.test("delay lets an answer wait, and ends with its fault", async () => {
  await using node = new SimulatedNode(STILL);
  const fault = node.fault({
    type: "delay",
    ms: 80_000_000,
    endpoint: "health",
    times: 1,
  });
  const response = node.fetch(`${node.url}/eth/v1/node/health`);
  await fault.whenHit();
  fault.heal();
  assertEquals((await response).status, 200);
});

Deno.test("status breaks its body off on demand", async () => {
  await using node = new SimulatedNode(STILL);
  node.fault({
    type: "status",
    status: 200,
    ending: "break",
    endpoint: "spec",
  });
  const response = await node.fetch(`${node.url}/eth/v1/config/spec`);
  assertEquals(response.status, 200);
  await assertRejects(() => response.text(), TypeError);
});

Deno.test("sync-state reports another state than the true one", async () => {
  await using node = new SimulatedNode(STILL);
  node.fault({ type: "sync-state", isSyncing: true, elOffline: true });
  const response = await node.fetch(`${node.url}/eth/v1/node/syncing`);
  const { data } = await response.json();
  assertEquals([data.is_syncing, data.el_offline, data.is_optimistic], [
    true,
    true,
    false,
  ]);
});

Deno.test("forget-orphans answers 404 for blocks off the branch of the head", async () => {
  await using node = new SimulatedNode(STILL);
  using fault = node.fault({ type: "forget-orphans" });
  const { oldHead, newHead } = node.reorg();
  const statusOf = async (root: string) => {
    const url = `${node.url}/eth/v1/beacon/headers/${root}`;
    const response = await node.fetch(url);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await statusOf(oldHead.root), 404);
  assertEquals(await statusOf(newHead.root), 200);
  fault.heal();
  assertEquals(await statusOf(oldHead.root), 200);
});

Deno.test("payload-form writes the same payload in another order and case", async () => {
  const plain = await eventsOf(oneBlock);
  const other = await eventsOf(oneBlock, {
    atOnce: [{ type: "payload-form" }],
  });
  const [, block] = plain.events;
  const [, same] = other.events;
  assertEquals(Object.keys(same!.data), ["block", "slot"]);
  assertEquals(same!.data.slot, block!.data.slot);
  assertEquals(same!.data.block.toLowerCase(), block!.data.block);
  assert(/[A-F]/.test(same!.data.block));
});

Deno.test("duplicate sends each event twice, unasked one more behind it", async () => {
  const topics = async (...atOnce: Fault[]) =>
    (await eventsOf(oneBlock, { topics: "block", atOnce })).events
      .map(({ topic }) => topic);
  assertEquals(await topics({ type: "duplicate" }), ["block", "block"]);
  assertEquals(await topics({ type: "unasked" }), ["block", "sync_state"]);
});

Deno.test("padded-event is a block event of so many bytes", async () => {
  const { text, events } = await eventsOf(() => {}, {
    topics: "block",
    atOnce: [{ type: "padded-event", bytes: 600 }],
  });
  assertEquals(text.length, "event:".length + "\ndata:".length + 600 + 2);
  assertEquals(events[0]!.topic, "block");
});

Deno.test("flip goes to a block beside the head, and back", async () => {
  const { events } = await eventsOf(() => {}, { atOnce: [{ type: "flip" }] });
  const reorgs = events.filter(({ topic }) => topic === "chain_reorg");
  assertEquals(reorgs.length, 2);
  assertEquals(reorgs[0]!.data.old_head_block, reorgs[1]!.data.new_head_block);
  assertEquals(reorgs[0]!.data.new_head_block, reorgs[1]!.data.old_head_block);
});

Deno.test("own-branch leaves the common chain, and comes back to it when it is healed", async () => {
  const options = {
    slotDurationMs: 40,
    emptySlotRate: 0,
    reorgRate: 0,
    lateBlockRate: 0,
    keepAliveMs: 0,
    genesisTime: Math.floor(Date.now() / 1000 - 10) * 1000,
  };
  await using node = new SimulatedNode(options);
  await using other = new SimulatedNode(options);
  const agrees = () => other.block(node.head.root) !== undefined;
  const until = async (condition: () => boolean) => {
    while (!condition()) await delay(5);
  };
  using fault = node.fault({ type: "own-branch" });
  const from = node.head.slot;
  await until(() => node.head.slot > from && !agrees());
  fault.heal();
  await until(() => node.head.slot > from && agrees());
  assert(agrees());
});

for (const sameRoot of [true, false]) {
  Deno.test(`new-chain begins at slot 0 under the same address, sameRoot: ${sameRoot}`, async () => {
    await using node = new SimulatedNode(STILL);
    const { genesisValidatorsRoot, genesisTime, head } = node;
    node.fault({ type: "new-chain", sameRoot });
    assertEquals(
      node.genesisValidatorsRoot === genesisValidatorsRoot,
      sameRoot,
    );
    assert(node.genesisTime > genesisTime);
    assertEquals(node.head.slot, 0);
    assertEquals(node.block(head.root), undefined);
    const response = await node.fetch(`${node.url}/eth/v1/beacon/genesis`);
    const { data } = await response.json();
    assertEquals(data.genesis_time, String(node.genesisTime / 1000));
    assertEquals(data.genesis_validators_root, node.genesisValidatorsRoot);
  });
}

Deno.test("optimistic reports a block before and after it is verified", async () => {
  const { events } = await eventsOf(async (node) => {
    node.fault({ type: "optimistic", ms: 0 });
    await node.produceBlock();
    await delay(5);
  }, { topics: "head,block" });
  assertEquals(
    events.map(({ topic, data }) => [topic, data.execution_optimistic]),
    [["block", true], ["head", true], ["block", false], ["head", false]],
  );
});

Deno.test("catch-up reports the blocks of the past again, oldest first", async () => {
  const { events } = await eventsOf(() => {}, {
    topics: "head",
    atOnce: [{ type: "catch-up", slots: 5 }],
  });
  const slots = events.map(({ data }) => Number(data.slot));
  assertEquals(slots, [96, 97, 98, 99, 100]);
});

Deno.test("burst reports many blocks of one slot", async () => {
  const { events } = await eventsOf(() => {}, {
    topics: "block_gossip",
    atOnce: [{ type: "burst", events: 20 }],
  });
  assertEquals(new Set(events.map(({ data }) => data.block)).size, 20);
  assertEquals(new Set(events.map(({ data }) => data.slot)).size, 1);
});

Deno.test("other-chain may report another genesis time", async () => {
  await using node = new SimulatedNode(STILL);
  node.fault({ type: "other-chain", laterBy: 7 });
  const response = await node.fetch(`${node.url}/eth/v1/beacon/genesis`);
  const { data } = await response.json();
  assertEquals(data.genesis_time, String(node.genesisTime / 1000 + 7));
});
