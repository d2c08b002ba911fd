import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertNotEquals,
} from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { assertTrueReorg } from "./true_reorg.ts";
import { CALM, getJson } from "./still_node.ts";

Deno.test("SimulatedBeaconNode() plays gossip, block and head of each slot by the clock", async () => {
  await using node = await SimulatedBeaconNode.start(CALM);
  await using client = await EventReader.open(
    node.url,
    "head",
    "block",
    "block_gossip",
  );
  const seen = await client.take(12);
  // The client may have come in the middle of a slot.
  const from = seen.findIndex(({ topic }) => topic === "block_gossip");
  const events = seen.slice(from, from + 9);
  assertEquals(
    events.map(({ topic }) => topic),
    Array(3).fill(["block_gossip", "block", "head"]).flat(),
  );
  for (let i = 0; i < 9; i += 3) {
    const [gossip, block, head] = events.slice(i, i + 3).map(({ data }) =>
      data
    );
    assertEquals(Object.keys(gossip), ["slot", "block"]);
    assertEquals(block, { ...gossip, execution_optimistic: false });
    assertEquals([head.slot, head.block], [gossip.slot, gossip.block]);
    const slotStart = node.genesisTime +
      Number(gossip.slot) * node.slotDurationMs;
    // Never before it is due; how much later depends on the machine.
    assertGreaterOrEqual(
      events[i]!.receivedAt,
      slotStart + 0.08 * node.slotDurationMs,
    );
  }
});

Deno.test("SimulatedBeaconNode() plays the same chain for the same seed", async () => {
  const options = {
    slotDurationMs: 50,
    emptySlotRate: 0.2,
    lateBlockRate: 0.3,
    reorgRate: 0.3,
  };
  await using one = await SimulatedBeaconNode.start({ ...options, seed: 5 });
  const { genesisTime } = one;
  await using same = await SimulatedBeaconNode.start({
    ...options,
    seed: 5,
    genesisTime,
  });
  await using other = await SimulatedBeaconNode.start({
    ...options,
    seed: 6,
    genesisTime,
  });
  const topics = ["block", "head", "chain_reorg", "finalized_checkpoint"];
  const nodes = [one, same, other];
  const clients = await Promise.all(
    nodes.map((node) => EventReader.open(node.url, ...topics)),
  );
  // Compared from a slot on that all clients see whole.
  const first = one.slot + 2;
  const played = await Promise.all(clients.map(async (client) => {
    await using _ = client;
    const events = (await client.take(50))
      .map(({ topic, data }) => ({ topic, data }));
    const from = events.findIndex(({ topic, data }) =>
      topic === "block" && Number(data.slot) >= first
    );
    return events.slice(from, from + 20);
  }));
  assertEquals(played[0]?.length, 20);
  assertEquals(played[1], played[0]);
  assertNotEquals(played[2], played[0]);
});

Deno.test("SimulatedBeaconNode() sends late blocks after attestations are due", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...CALM,
    lateBlockRate: 1,
  });
  await using client = await EventReader.open(node.url, "head");
  for (const { data, receivedAt } of await client.take(2)) {
    const slotStart = node.genesisTime +
      Number(data.slot) * node.slotDurationMs;
    assertGreaterOrEqual(receivedAt - slotStart, 0.3333 * node.slotDurationMs);
  }
});

Deno.test("SimulatedBeaconNode() leaves slots empty", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...CALM,
    slotDurationMs: 50,
    emptySlotRate: 0.5,
  });
  await using client = await EventReader.open(node.url, "head");
  const slots = (await client.take(8)).map(({ data }) => Number(data.slot));
  assert(slots.at(-1)! - slots[0]! > 7, `${slots}`);
});

Deno.test("SimulatedBeaconNode() plays reorgs with a true branch behind them", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...CALM,
    slotDurationMs: 50,
    reorgRate: 0.5,
  });
  await using client = await EventReader.open(node.url, "chain_reorg");
  for (const { data } of await client.take(3)) {
    await assertTrueReorg(node, data);
  }
});

Deno.test("SimulatedBeaconNode() announces finalized checkpoints at epoch starts", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...CALM,
    slotDurationMs: 50,
    slotsPerEpoch: 4,
  });
  await using client = await EventReader.open(
    node.url,
    "head",
    "finalized_checkpoint",
  );
  const events = await client.take(12);
  const index = events.findIndex(({ topic }) =>
    topic === "finalized_checkpoint"
  );
  assertGreaterOrEqual(index, 1);
  const head = events[index - 1]!.data;
  const { data } = events[index]!;
  assertEquals(head.epoch_transition, true);
  assertEquals(Number(data.epoch), Math.floor(Number(head.slot) / 4) - 2);
  const start = await getJson(
    `${node.url}/eth/v1/beacon/headers/${Number(data.epoch) * 4}`,
  );
  assertEquals(data.block, start.data.root);
  assertEquals(data.state, start.data.header.message.state_root);
  assertEquals(start.finalized, true);
});

Deno.test("SimulatedBeaconNode() sends attestations of the slot on demand", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...CALM,
    attestationsPerSlot: 20,
  });
  await using client = await EventReader.open(
    node.url,
    "single_attestation",
    "attestation",
  );
  const events = await client.take(80);
  // Of the second slot: the client may have come in the middle of the first.
  const slot = String(Number(events[0]!.data.data.slot) + 1);
  const [single, aggregate] = ["single_attestation", "attestation"]
    .map((name) =>
      events.filter(({ topic, data }) =>
        topic === name && data.data.slot === slot
      )
    );
  assertEquals(single!.map(({ data }) => Number(data.attester_index)), [
    ...Array(20).keys(),
  ]);
  assertEquals(aggregate!.length, 20);
  const vote = single![0]!.data;
  const head = await getJson(`${node.url}/eth/v1/beacon/headers/${slot}`);
  assertEquals(vote.data.beacon_block_root, head.data.root);
  assertEquals(Number(vote.data.target.epoch), Math.floor(Number(slot) / 8));
  assertEquals(aggregate![0]!.data.data, vote.data);
  assertEquals(vote.signature.length, 194);
});
