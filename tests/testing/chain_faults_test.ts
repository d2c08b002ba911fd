import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { getJson, STILL } from "./still_node.ts";

Deno.test("branch-switch reorgs while there is no stream", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using before = await EventReader.open(node.url, "head", "chain_reorg");
  const oldHead = node.head;
  const fault = node.fault({ type: "branch-switch", depth: 3 });
  assertEquals([fault.hits, node.faults.length], [1, 0]);
  assertEquals(await before.next(), undefined);
  await using after = await EventReader.open(node.url, "head", "chain_reorg");
  const next = await node.produceBlock();
  const event = await after.next();
  assertEquals([event?.topic, event?.data.block], ["head", next.root]);
  let root = next.root;
  for (const slot of [101, 100, 99, 98, 97]) {
    const { header } =
      (await getJson(`${node.url}/eth/v1/beacon/headers/${root}`)).data;
    assertEquals(Number(header.message.slot), slot);
    assertNotEquals(root, oldHead.root);
    root = header.message.parent_root;
  }
});

Deno.test("branch-switch refuses to go below finality, and ends no stream", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using client = await EventReader.open(node.url, "head");
  assertThrows(
    () => node.fault({ type: "branch-switch", depth: 21 }),
    RangeError,
    "21",
  );
  assertEquals(node.faults, []);
  const { root } = await node.produceBlock();
  assertEquals((await client.next())?.data.block, root);
});

Deno.test("clock-skew shifts the node's slots, and heals", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    slotDurationMs: 1_000_000,
  });
  const slot = node.slot;
  const ahead = node.fault({ type: "clock-skew", byMs: 5_000_000 });
  assertEquals(node.slot, slot + 5);
  const behind = node.fault({ type: "clock-skew", byMs: -2_000_000 });
  assertEquals(node.slot, slot + 3);
  assertEquals((await node.produceBlock()).slot, slot + 3);
  const { data } = await getJson(`${node.url}/eth/v1/node/syncing`);
  assertEquals([data.head_slot, data.sync_distance], [String(slot + 3), "0"]);
  ahead.heal();
  assertEquals(node.slot, slot - 2);
  behind.heal();
  behind.heal();
  assertEquals(node.slot, slot);
});

Deno.test("clock-skew forward leaves slots empty and lets the chain go on from there", async () => {
  await using node = await SimulatedBeaconNode.start({
    slotDurationMs: 100,
    emptySlotRate: 0,
    reorgRate: 0,
  });
  await using client = await EventReader.open(node.url, "head");
  const before = Number((await client.next())?.data.slot);
  // 500 epochs: further than blocks are remembered.
  node.fault({ type: "clock-skew", byMs: 400_000 });
  const slots = (await client.take(4)).map(({ data }) => Number(data.slot));
  const jump = slots.findIndex((slot) => slot >= before + 4_000);
  assertEquals(jump >= 0 && jump < 2, true, `${before}, ${slots}`);
  for (let i = jump + 1; i < 4; i++) assertEquals(slots[i], slots[i - 1]! + 1);
});

Deno.test("clock-skew backward holds the chain back until its time has come", async () => {
  await using node = await SimulatedBeaconNode.start({
    slotDurationMs: 100,
    emptySlotRate: 0,
    reorgRate: 0,
  });
  await using client = await EventReader.open(node.url, "head");
  await client.next();
  const behind = node.fault({ type: "clock-skew", byMs: -80_000_000 });
  const waiting = client.next();
  behind.heal(); // waiting for that time would take a day
  assertEquals((await waiting)?.topic, "head");
});
