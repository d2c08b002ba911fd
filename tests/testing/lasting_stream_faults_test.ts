import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type NodeFault,
  SimulatedBeaconNode,
  type SimulatedBeaconNodeOptions,
} from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { RawClient } from "./raw_client.ts";
import { getJson, open, readerOf, STILL } from "./still_node.ts";

/** Sends two events to a client of a node with a fault; what the client gets. */
async function received(
  fault: NodeFault,
  options: SimulatedBeaconNodeOptions = {},
): Promise<string> {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    ...options,
    faults: [fault],
  });
  const response = await open(node);
  node.emit("head", "1\n2");
  node.emitComment("hi");
  node.emit("head", "3");
  node.disconnect();
  return new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(await response.arrayBuffer());
}

Deno.test("wire-form writes CR LF and a space", async () => {
  assertEquals(
    await received({ type: "wire-form", lineEnd: "crlf", space: true }),
    "event: head\r\ndata: 1\r\ndata: 2\r\n\r\n: hi\r\n\r\nevent: head\r\ndata: 3\r\n\r\n",
  );
});

Deno.test("wire-form writes CR only, and a byte order mark once", async () => {
  assertEquals(
    await received({ type: "wire-form", lineEnd: "cr", bom: true }),
    "\ufeffevent:head\rdata:1\rdata:2\r\r:hi\r\revent:head\rdata:3\r\r",
  );
});

Deno.test("wire-form changes an open stream, and heals", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  node.emit("head", "1");
  const reader = readerOf(response);
  assertEquals((await reader.read()).value, "event:head\ndata:1\n\n");
  {
    using _ = node.fault({ type: "wire-form", space: true, bom: true });
    node.emit("head", "2");
    assertEquals((await reader.read()).value, "event: head\ndata: 2\n\n");
  }
  node.emit("head", "3");
  assertEquals((await reader.read()).value, "event:head\ndata:3\n\n");
  await reader.cancel();
});

Deno.test("drip sends one byte at a time", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    faults: [{ type: "drip" }],
  });
  using client = await RawClient.get(`${node.url}/eth/v1/events?topics=head`);
  await node.whenConnected();
  node.emit("head", "1");
  node.disconnect();
  await client.readUntil("\r\n0\r\n");
  // Each comes in an HTTP chunk of its own.
  const chunks = [..."event:head\ndata:1\n\n"]
    .map((byte) => `1\r\n${byte}\r\n`).join("");
  assertStringIncludes(client.text, chunks);
});

Deno.test("drip sends more at a time, without a pause", async () => {
  assertEquals(
    await received({ type: "drip", bytes: 7, intervalMs: 0 }),
    "event:head\ndata:1\ndata:2\n\n:hi\n\nevent:head\ndata:3\n\n",
  );
});

Deno.test("drip ends with its client, its heal and its node", async () => {
  const drip = { type: "drip", intervalMs: 80_000_000 } as const;
  await using node = await SimulatedBeaconNode.start(STILL);
  const dripping = node.fault(drip);
  const connection = await (async () => {
    await using _client = await EventReader.open(node.url, "head");
    node.emit("head", "1");
    return await node.whenConnected();
  })();
  await connection.closed;
  await using client = await EventReader.open(node.url, "head");
  node.emit("head", "2");
  dripping.heal();
  assertEquals((await client.next())?.data, 2);
  node.fault(drip);
  node.emit("head", "3");
  await node.close();
  assertEquals((await client.next())?.data, 3);
});

Deno.test("silence loses what happens, comments too", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    keepAliveMs: 1,
  });
  await using client = await EventReader.open(node.url, "head");
  const silence = node.fault({ type: "silence" });
  await using late = await EventReader.open(node.url, "head");
  await silence.whenHit(2);
  const lost = await node.produceBlock();
  node.emitComment("lost too");
  assertEquals(
    (await getJson(`${node.url}/eth/v1/beacon/headers/head`)).data.root,
    lost.root,
  );
  silence.heal();
  const { root } = await node.produceBlock();
  assertEquals((await client.next())?.data.block, root);
  assertEquals((await late.next())?.data.block, root);
  assertEquals([...client.comments, ...late.comments].join(""), "");
});

Deno.test("silence may leave comments", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    keepAliveMs: 5,
    faults: [{ type: "silence", comments: true, times: 1 }],
  });
  const response = await open(node);
  await node.produceBlock();
  const reader = readerOf(response);
  assertEquals((await reader.read()).value, ":\n\n");
  node.emitComment("hi");
  assertEquals((await reader.read()).value, ":hi\n\n");
  await reader.cancel();
});

Deno.test("drop loses events and reports how many", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const [one, other] = [await open(node), await open(node)];
  const connection = await node.whenConnected(2);
  const drop = node.fault({ type: "drop", events: 2 });
  assertEquals(drop.hits, 2);
  for (const data of ["1", "2", "3"]) node.emit("head", data);
  assertEquals(connection.dropped, 2);
  node.disconnect();
  const expected = ":error - dropped 2 messages\n\nevent:head\ndata:3\n\n";
  assertEquals([await one.text(), await other.text()], [expected, expected]);
});

Deno.test("drop that is healed in between reports how many were lost so far", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  const drop = node.fault({ type: "drop", events: 10 });
  for (const data of ["1", "2", "3"]) node.emit("head", data);
  drop.heal();
  node.emit("head", "4");
  node.disconnect();
  assertEquals(
    await response.text(),
    ":error - dropped 3 messages\n\nevent:head\ndata:4\n\n",
  );
});

Deno.test("malformed follows good events with bad ones of their topic", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  const fault = node.fault({
    type: "malformed",
    payloads: ["{", "null"],
    times: 3,
  });
  for (const data of ["1", "2", "3", "4"]) node.emit("head", data);
  node.emitComment("hi");
  node.disconnect();
  const text = await response.text();
  assertEquals(
    [...text.matchAll(/^data:(.*)$/gm)].map(([, data]) => data),
    ["1", "{", "2", "null", "3", "{", "4"],
  );
  assertEquals(text.match(/^event:head$/gm)?.length, 7);
  assertEquals(fault.hits, 3);
});

Deno.test("malformed has payloads of its own", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const response = await open(node);
  const fault = node.fault({ type: "malformed" });
  for (let i = 0; i < 9; i++) node.emit("head", { slot: "12" });
  node.disconnect();
  const data = [...(await response.text()).matchAll(/^data:(.*)$/gm)]
    .map(([, payload]) => payload!);
  const good = '{"slot":"12"}';
  const bad = data.filter((payload) => payload !== good);
  assertEquals([data.length, bad.length], [18, 9]);
  assertEquals(new Set(bad).size, 9);
  assertEquals(bad[0], good.slice(0, 6));
  assertEquals(fault.hits, 9);
});

Deno.test("times counts the streams that are open first", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const first = await open(node);
  const fault = node.fault({ type: "wire-form", space: true, times: 2 });
  const [second, third] = [await open(node), await open(node)];
  assertEquals(fault.hits, 2);
  node.emit("head", "1");
  node.disconnect();
  const texts = await Promise.all(
    [first, second, third].map((response) => response.text()),
  );
  assertEquals(texts.map((text) => text.includes("event: head")), [
    true,
    true,
    false,
  ]);
});
