import {
  assert,
  assertEquals,
  assertGreater,
  assertNotEquals,
} from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { parseEventData } from "../../src/beacon/events/beacon_event.ts";
import { EventReader } from "./event_reader.ts";
import { open, readerOf, STILL } from "./still_node.ts";

Deno.test("retry sends any reconnection time, also at the beginning", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    faults: [{ type: "retry", value: "99999999999999999999" }],
  });
  const response = await open(node);
  node.fault({ type: "retry", value: "0" });
  assertEquals(node.faults, []);
  node.disconnect();
  assertEquals(
    await response.text(),
    "retry:99999999999999999999\n\nretry:0\n\n",
  );
  const next = await open(node);
  node.disconnect();
  assertEquals(await next.text(), "");
});

Deno.test("endless-frame is one long line, and the stream goes on", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  node.fault({ type: "endless-frame", bytes: 5_000_000 });
  node.emit("head", "1");
  node.disconnect();
  const lines = (await response.text()).split("\n");
  assertEquals(lines[1]?.length, 5_000_000);
  assertEquals(lines[1]?.startsWith("data:xxx"), true);
  assertEquals(lines.toSpliced(1, 1), [
    "event:head",
    "",
    "event:head",
    "data:1",
    "",
    "",
  ]);
});

Deno.test("endless-frame ends when it is healed", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  const endless = node.fault({ type: "endless-frame", prefix: ":" });
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body!) {
    chunks.push(chunk);
    size += chunk.length;
    if (size < 2 ** 23) continue;
    endless.heal();
    node.emit("head", "1");
    node.disconnect();
  }
  const text = await new Blob(chunks as BlobPart[]).text();
  assertGreater(text.length, 2 ** 23);
  assertEquals(text.slice(0, 15), "event:head\n:xxx");
  assertEquals(text.endsWith("xxx\n\nevent:head\ndata:1\n\n"), true);
});

Deno.test("endless-frame ends in the middle of its line when its stream does", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  node.fault({ type: "endless-frame" });
  const reader = readerOf(response);
  assertEquals((await reader.read()).value, "event:head\n");
  node.disconnect();
  let last = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    last = value;
  }
  assertEquals(last.endsWith("\n"), false);
});

Deno.test("close() ends promptly whatever a stream carries", async () => {
  const node = await SimulatedBeaconNode.start({
    ...STILL,
    faults: [{ type: "endless-frame", times: 2 }, { type: "silence" }],
  });
  const read = (await open(node)).text();
  const unread = await open(node);
  await node.close();
  assertEquals((await read).startsWith("event:head\ndata:xx"), true);
  await unread.text().catch(() => {});
});

Deno.test("giant-event is a legal attester_slashing of 2.62 MB", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using client = await EventReader.open(node.url, "attester_slashing");
  await using other = await EventReader.open(node.url, "head");
  const fault = node.fault({ type: "giant-event" });
  assertEquals(fault.hits, 1);
  node.fault({ type: "giant-event", indices: 3 });
  node.emit("head", "1");
  assertEquals((await other.next())?.data, 1);
  const [giant, small] = (await client.take(2)).map(({ data }) => data);
  const text = JSON.stringify(giant);
  const size = text.length;
  assert(size > 2_620_000 && size < 2_630_000, `${size}`);
  parseEventData("attester_slashing", text);
  const { attestation_1: one, attestation_2: two } = giant;
  assertEquals(one.attesting_indices.length, 131_072);
  assertEquals(two.attesting_indices, one.attesting_indices);
  assertEquals(
    new Set(one.attesting_indices).size,
    one.attesting_indices.length,
  );
  assertEquals(one.data.target, two.data.target);
  assertNotEquals(one.data.beacon_block_root, two.data.beacon_block_root);
  assertEquals(one.signature.length, 194);
  assertEquals(small.attestation_2.attesting_indices, [
    "1000000",
    "1000001",
    "1000002",
  ]);
  assertNotEquals(small.attestation_1.signature, one.signature);
});

Deno.test("future-slot and deep-reorg lie on streams with their topics", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using client = await EventReader.open(node.url, "head", "chain_reorg");
  await using other = await EventReader.open(node.url, "block");
  node.fault({ type: "future-slot" });
  node.fault({ type: "deep-reorg" });
  node.emit("block", "1");
  assertEquals((await other.next())?.data, 1);
  const [head, reorg] = (await client.take(2)).map(({ data }) => data);
  assertGreater(Number(head.slot), node.slot + 999_000);
  assertEquals(head.block.length, 66);
  assertEquals(reorg.depth, "18446744073709551614");
  assertEquals(reorg.old_head_block, node.head.parentRoot);
  assertEquals(reorg.new_head_block, node.head.root);
});

Deno.test("disconnect ends streams cleanly, in the middle of a line on demand", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  node.fault({ type: "disconnect", inMidLine: true });
  node.emit("head", "lost");
  assertEquals(await response.text(), 'event:head\ndata:{"slot":"1');
  // Nobody is there: it strikes the next one.
  const fault = node.fault({ type: "disconnect" });
  assertEquals(fault.hits, 0);
  assertEquals(await (await open(node)).text(), "");
  const third = await open(node);
  node.emit("head", "1");
  node.disconnect();
  assertEquals(await third.text(), "event:head\ndata:1\n\n");
});

Deno.test("emitRaw() takes bytes that are made as the client reads", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  const encoder = new TextEncoder();
  node.emitRaw(["data:", "1", "\n\n"].map((text) => encoder.encode(text)));
  node.disconnect();
  assertEquals(await response.text(), "data:1\n\n");
});
