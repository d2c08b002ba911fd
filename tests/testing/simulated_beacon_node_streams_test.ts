import {
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { CALM, STILL } from "./still_node.ts";

Deno.test("SimulatedBeaconNode().emit() sends anything on streams with the topic", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using heads = await EventReader.open(node.url, "head");
  const both = await fetch(
    `${node.url}/eth/v1/events?topics=block&topics=head`,
  );
  await node.whenConnected(2);
  node.emit("head", { slot: 1 });
  node.emit("block", "not JSON");
  node.emitComment("hello");
  node.emitRaw("data: cut in mid-li");
  node.emitRaw(new Uint8Array([0x0d, 0x0a]));
  node.disconnect();
  assertEquals((await heads.take()).map(({ topic, data }) => [topic, data]), [[
    "head",
    { slot: 1 },
  ]]);
  assertEquals(heads.comments, ["hello"]);
  assertEquals(
    await both.text(),
    'event:head\ndata:{"slot":1}\n\nevent:block\ndata:not JSON\n\n:hello\n\ndata: cut in mid-li\r\n',
  );
  assertThrows(() => node.emit("head", undefined), TypeError, "head");
});

Deno.test("SimulatedBeaconNode() shows its connections and forgets a client that goes away", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  {
    await using _client = await EventReader.open(node.url, "head", "block");
    const connection = await node.whenConnected();
    assertEquals(node.connections, [connection]);
    assertEquals([...connection.topics], ["head", "block"]);
    assertEquals(connection.query.get("topics"), "head,block");
    assertEquals(connection.headers.get("accept"), "*/*");
  }
  await node.connections[0]?.closed;
  assertEquals(node.connections, []);
  assertEquals(node.connectionCount, 1);
  const [request] = node.requests;
  assertEquals([request?.method, request?.path, request?.status], [
    "GET",
    "/eth/v1/events",
    200,
  ]);
});

Deno.test("SimulatedBeaconNode() bounds what waits for a client that does not read", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    maxQueuedEvents: 10,
  });
  const response = await fetch(`${node.url}/eth/v1/events?topics=head`);
  const connection = await node.whenConnected();
  const padding = "x".repeat(100_000);
  for (let i = 0; i < 500; i++) node.emit("head", { i, padding });
  assertGreaterOrEqual(connection.dropped, 400);
  node.disconnect();
  const text = await response.text();
  const reported = [...text.matchAll(/^:error - dropped (\d+) messages$/gm)]
    .reduce((sum, [, count]) => sum + Number(count), 0);
  assertEquals(reported, connection.dropped);
  assertEquals(text.match(/^event:head$/gm)?.length, 500 - reported);
});

Deno.test("SimulatedBeaconNode().close() ends every stream cleanly and frees the port", async () => {
  const node = await SimulatedBeaconNode.start(CALM);
  const clients = await Promise.all(
    [1, 2, 3].map(() => EventReader.open(node.url, "chain_reorg")),
  );
  await node.whenConnected(3);
  node.emit("chain_reorg", { last: true });
  await Promise.all([node.close(), node.close()]);
  for (const client of clients) {
    assertEquals((await client.take()).map(({ data }) => data), [{
      last: true,
    }]);
  }
  const port = Number(new URL(node.url).port);
  await using again = await SimulatedBeaconNode.start({ ...STILL, port });
  assertEquals(again.url, node.url);
});

Deno.test("SimulatedBeaconNode().close() cuts off a client that does not read", async () => {
  const node = await SimulatedBeaconNode.start(STILL);
  const response = await fetch(`${node.url}/eth/v1/events?topics=head`);
  await node.whenConnected();
  const padding = "x".repeat(1_000_000);
  for (let i = 0; i < 30; i++) node.emit("head", { padding });
  await node.close();
  assertEquals(await response.text().catch(() => "cut off"), "cut off");
});

Deno.test("SimulatedBeaconNode().close() ends what waits", async () => {
  const node = await SimulatedBeaconNode.start({
    ...STILL,
    slotDurationMs: 60_000,
  });
  const waiting = [
    assertRejects(() => node.whenConnected(), Error, "closed"),
    assertRejects(
      () => node.produceBlock({ slot: node.slot + 2, late: true }),
      Error,
      "closed",
    ),
  ];
  await node.close();
  await Promise.all(waiting);
  await assertRejects(() => node.whenConnected(), Error, "closed");
  await assertRejects(() => node.whenConnected(0), RangeError, "count");
});
