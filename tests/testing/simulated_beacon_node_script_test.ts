import {
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { assertTrueReorg } from "./true_reorg.ts";
import { CALM, getJson, STILL } from "./still_node.ts";

Deno.test("SimulatedBeaconNode().produceBlock() sends gossip, block, head and head_v2 at once", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using client = await EventReader.open(
    node.url,
    "head",
    "head_v2",
    "block",
    "block_gossip",
  );
  await node.whenConnected();
  const block = await node.produceBlock();
  assertEquals(node.head, block);
  assertEquals(block.slot, 101);
  const [gossip, imported, head, headV2] = await client.take(4);
  const slot = "101";
  assertEquals(gossip!.data, { slot, block: block.root });
  assertEquals(imported!.data, {
    slot,
    block: block.root,
    execution_optimistic: false,
  });
  // Epoch 12 starts at slot 96.
  const root = async (id: number) =>
    (await getJson(`${node.url}/eth/v1/beacon/headers/${id}`)).data.root;
  const [previous, current] = [await root(87), await root(95)];
  assertEquals(head!.data, {
    slot,
    block: block.root,
    state: block.stateRoot,
    epoch_transition: false,
    previous_duty_dependent_root: previous,
    current_duty_dependent_root: current,
    execution_optimistic: false,
  });
  assertEquals(headV2!.data, {
    version: "fulu",
    data: {
      slot,
      block: block.root,
      state: block.stateRoot,
      payload_status: "full",
      epoch_transition: false,
      current_epoch_dependent_root: previous,
      next_epoch_dependent_root: current,
      execution_optimistic: false,
    },
  });
});

Deno.test("SimulatedBeaconNode().produceBlock() changes dependent roots with the branch", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using client = await EventReader.open(node.url, "head", "chain_reorg");
  await node.whenConnected();
  const last = await node.produceBlock({ slot: 103 });
  await node.produceBlock({ slot: 104 });
  await node.produceBlock({ slot: 105, parent: last.parentRoot });
  const [, before, reorg, after] = await client.take(4);
  assertEquals(before!.data.epoch_transition, true);
  assertEquals(before!.data.current_duty_dependent_root, last.root);
  assertEquals(after!.data.current_duty_dependent_root, last.parentRoot);
  assertEquals(
    after!.data.previous_duty_dependent_root,
    before!.data.previous_duty_dependent_root,
  );
  assertEquals(reorg!.topic, "chain_reorg");
  assertEquals(reorg!.data.depth, "5");
  await assertTrueReorg(node, reorg!.data);
});

Deno.test("SimulatedBeaconNode().produceBlock() waits for the moments of its slot on demand", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    slotDurationMs: 200,
  });
  for (const late of [false, true]) {
    const slot = node.slot + 1;
    const block = await node.produceBlock({ slot, late });
    const delay = Date.now() - node.genesisTime - slot * 200;
    assertGreaterOrEqual(delay, (late ? 0.3333 : 0.08) * 200);
    assertEquals(node.head, block);
  }
});

Deno.test("SimulatedBeaconNode().produceBlock() refuses a parent or slot that cannot be", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const produce = (options: { slot?: number; parent?: string }) => () =>
    node.produceBlock(options);
  await assertRejects(produce({ slot: 100 }), RangeError, "100");
  await assertRejects(produce({ parent: "0xab" }), RangeError, "0xab");
  await assertRejects(
    produce({ parent: node.finalized.block.parentRoot }),
    RangeError,
    "finalized",
  );
});

Deno.test("SimulatedBeaconNode().reorg() builds headers that walk to the common ancestor", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using client = await EventReader.open(
    node.url,
    "head",
    "block",
    "chain_reorg",
  );
  await node.whenConnected();
  const oldHead = node.head;
  const reorg = node.reorg({ depth: 3 });
  assertEquals(reorg.oldHead, oldHead);
  assertEquals([reorg.slot, reorg.depth, reorg.commonAncestor.slot], [
    100,
    3,
    97,
  ]);
  const events = await client.take(5);
  assertEquals(events.map(({ topic }) => topic), [
    "block",
    "block",
    "block",
    "chain_reorg",
    "head",
  ]);
  const { data } = events[3]!;
  assertEquals(data, {
    slot: "100",
    depth: "3",
    old_head_block: oldHead.root,
    new_head_block: node.head.root,
    old_head_state: oldHead.stateRoot,
    new_head_state: node.head.stateRoot,
    epoch: "12",
    execution_optimistic: false,
  });
  assertEquals(events[4]!.data.block, node.head.root);
  await assertTrueReorg(node, data);
});

Deno.test("SimulatedBeaconNode().reorg() refuses a depth below finality", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  for (const depth of [0, -1, 1.5, 21]) {
    assertThrows(() => node.reorg({ depth }), RangeError, `${depth}`);
  }
  assertEquals(node.reorg({ depth: 20 }).commonAncestor, node.finalized.block);
});

Deno.test("SimulatedBeaconNode() goes on from the branch that a script chose", async () => {
  await using node = await SimulatedBeaconNode.start(CALM);
  await using client = await EventReader.open(
    node.url,
    "block_gossip",
    "head",
    "chain_reorg",
  );
  // Whatever the schedule had under way when the script interferes.
  assertEquals((await client.next())?.topic, "block_gossip");
  const { newHead } = node.reorg({ depth: 2 });
  const events = await client.take(12);
  const reorgs = events.filter(({ topic }) => topic === "chain_reorg");
  assertEquals(reorgs.map(({ data }) => data.new_head_block), [newHead.root]);
  const slots = events.filter(({ topic }) => topic === "head")
    .map(({ data }) => Number(data.slot));
  assertEquals(slots, slots.toSorted((a, b) => a - b));
});
