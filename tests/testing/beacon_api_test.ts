import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { getJson, STILL } from "./still_node.ts";

Deno.test("GET genesis gives seconds, and a validators root per seed", async () => {
  await using node = await SimulatedBeaconNode.start({ ...STILL, seed: 1 });
  await using other = await SimulatedBeaconNode.start({ ...STILL, seed: 2 });
  const { data } = await getJson(`${node.url}/eth/v1/beacon/genesis`);
  assertEquals(data.genesis_time, String(node.genesisTime / 1000));
  assertMatch(data.genesis_validators_root, /^0x[0-9a-f]{64}$/);
  assertMatch(data.genesis_fork_version, /^0x[0-9a-f]{8}$/);
  const { data: otherData } = await getJson(
    `${other.url}/eth/v1/beacon/genesis`,
  );
  assertNotEquals(
    otherData.genesis_validators_root,
    data.genesis_validators_root,
  );
});

Deno.test("GET spec gives the timing as decimal strings", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    slotDurationMs: 2_000,
  });
  const { data } = await getJson(`${node.url}/eth/v1/config/spec`);
  assertEquals(data.SLOT_DURATION_MS, "2000");
  assertEquals(data.SECONDS_PER_SLOT, "2");
  assertEquals(data.SLOTS_PER_EPOCH, "8");
  assertEquals(data.ATTESTATION_DUE_BPS, "3333");
  assertEquals(data.ATTESTATION_DUE_BPS_GLOAS, "2500");
  assertEquals(data.GLOAS_FORK_EPOCH, "18446744073709551615");
});

Deno.test("GET spec leaves SECONDS_PER_SLOT out where a slot is no whole second", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    slotDurationMs: 300,
  });
  const { data } = await getJson(`${node.url}/eth/v1/config/spec`);
  assertEquals(data.SLOT_DURATION_MS, "300");
  assertEquals("SECONDS_PER_SLOT" in data, false);
});

Deno.test("GET headers finds the head, genesis, the finalized block, slots and roots", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const headers = `${node.url}/eth/v1/beacon/headers`;
  const head = await getJson(`${headers}/head`);
  assertEquals(head.data.root, node.head.root);
  assertEquals(head.data.canonical, true);
  assertEquals(head.finalized, false);
  const { message, signature } = head.data.header;
  assertEquals(message.slot, String(node.head.slot));
  assertEquals(message.parent_root, node.head.parentRoot);
  assertEquals(message.state_root, node.head.stateRoot);
  assertEquals(message.body_root, node.head.bodyRoot);
  assertMatch(message.proposer_index, /^\d+$/);
  assertMatch(signature, /^0x[0-9a-f]{192}$/);
  assertEquals(await getJson(`${headers}/${node.head.slot}`), head);
  assertEquals(await getJson(`${headers}/${node.head.root}`), head);
  const genesis = await getJson(`${headers}/genesis`);
  assertEquals(genesis.data.header.message.slot, "0");
  assertEquals(await getJson(`${headers}/0`), genesis);
  const finalized = await getJson(`${headers}/finalized`);
  assertEquals(finalized.data.root, node.finalized.block.root);
  assertEquals(finalized.finalized, true);
});

Deno.test("GET headers lists by slot and by parent, on all branches", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const { oldHead, newHead } = node.reorg({ depth: 1 });
  const headers = `${node.url}/eth/v1/beacon/headers`;
  const roots = async (query: string) =>
    (await getJson(`${headers}${query}`)).data
      .map((
        { root, canonical }: { root: string; canonical: boolean },
      ) => [root, canonical]);
  assertEquals(await roots(""), [[newHead.root, true]]);
  const both = [[oldHead.root, false], [newHead.root, true]];
  assertEquals(await roots(`?slot=${newHead.slot}`), both);
  assertEquals(await roots(`?parent_root=${newHead.parentRoot}`), both);
  assertEquals(await roots(`?slot=${newHead.slot + 1}`), []);
});

Deno.test("GET headers finds an orphaned block by its root only", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const { slot } = node.head;
  const orphan = await node.produceBlock({ slot: slot + 1 });
  await node.produceBlock({ slot: slot + 2, parent: orphan.parentRoot });
  const headers = `${node.url}/eth/v1/beacon/headers`;
  const missing = await getJson(`${headers}/${orphan.slot}`, 404);
  assertEquals(missing, {
    code: 404,
    message: `Block not found: ${orphan.slot}`,
  });
  assertEquals(
    (await getJson(`${headers}/${orphan.root}`)).data.canonical,
    false,
  );
});

Deno.test("GET headers answers 404 for what is absent and 400 for what is no block ID", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const headers = `${node.url}/eth/v1/beacon/headers`;
  await getJson(`${headers}/${node.head.slot + 1}`, 404);
  await getJson(`${headers}/0x${"ab".repeat(32)}`, 404);
  for (const id of ["0xab", "justified", "-1", "1.5", ""]) {
    assertEquals((await getJson(`${headers}/${id}`, 400)).code, 400);
  }
  assertEquals(
    (await getJson(`${headers}?slot=x`, 400)).message,
    "Invalid slot: x",
  );
});

Deno.test("GET node/* reports version, sync state and health", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const v1 = await getJson(`${node.url}/eth/v1/node/version`);
  assertMatch(v1.data.version, /^beacon-sse-simulator\/v\d/);
  const v2 = await getJson(`${node.url}/eth/v2/node/version`);
  assertEquals(v2.data.beacon_node.name, "beacon-sse-simulator");
  const { data } = await getJson(`${node.url}/eth/v1/node/syncing`);
  assertEquals(data, {
    head_slot: String(node.head.slot),
    sync_distance: "0",
    is_syncing: false,
    is_optimistic: false,
    el_offline: false,
  });
  const health = await fetch(`${node.url}/eth/v1/node/health`);
  assertEquals([health.status, await health.text()], [200, ""]);
});

Deno.test("GET of anything else is 404, other methods are 405", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await getJson(`${node.url}/eth/v1/beacon/blocks/head`, 404);
  const post = await fetch(`${node.url}/eth/v1/node/version`, {
    method: "POST",
  });
  assertEquals(post.status, 405);
  assertEquals((await post.json()).code, 405);
});

Deno.test("GET events refuses an unknown topic, and a request without topics", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    topics: ["head", "block"],
  });
  const events = `${node.url}/eth/v1/events`;
  assertEquals(await getJson(`${events}?topics=head,weather_forecast`, 400), {
    code: 400,
    message: "Invalid topic: weather_forecast",
  });
  assertEquals(
    (await getJson(`${events}?topics=head&topics=block_gossip`, 400)).code,
    400,
  );
  assertEquals(
    (await getJson(events, 400)).message,
    "Missing query parameter: topics",
  );
  assertEquals(node.connectionCount, 0);
  assertEquals(node.requests.map(({ path, status }) => [path, status]), [
    ["/eth/v1/events", 400],
    ["/eth/v1/events", 400],
    ["/eth/v1/events", 400],
  ]);
});
