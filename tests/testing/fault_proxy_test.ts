import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  FaultProxy,
  SimulatedBeaconNode,
  type WireFault,
} from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { EVENTS, HEALTH, stage } from "./proxy_stage.ts";
import { RawClient } from "./raw_client.ts";
import { getJson, STILL } from "./still_node.ts";

Deno.test("FaultProxy() passes everything on", async () => {
  await using s = await stage();
  const { node, proxy } = s;
  assertNotEquals(proxy.url, node.url);
  const { data } = await getJson(`${proxy.url}/eth/v1/beacon/headers/head`);
  assertEquals(data.root, node.head.root);
  await using client = await EventReader.open(proxy.url, "head");
  const padding = "x".repeat(1_000_000);
  node.emit("head", { padding });
  assertEquals((await client.next())?.data.padding, padding);
  assertEquals(proxy.openConnections, proxy.connectionCount);
  node.disconnect();
  assertEquals(await client.next(), undefined);
});

Deno.test("FaultProxy() keeps the path and query of its target, and lets go when one side goes", async () => {
  await using s = await stage();
  const { node, proxy } = s;
  await using other = await FaultProxy.start({
    target: `http://u:p@127.0.0.1:${new URL(node.url).port}/base/?key=1`,
  });
  assertEquals(
    other.url,
    `http://u:p@127.0.0.1:${new URL(other.url).port}/base/?key=1`,
  );
  (await s.connect())[Symbol.dispose]();
  await node.connections[0]?.closed;
  using client = await s.connect();
  assertEquals(proxy.connectionCount, 2);
  await node.close();
  assertEquals(await client.readAll(), "end");
});

Deno.test("FaultProxy() resets where its target is not there or resets", async () => {
  const node = await SimulatedBeaconNode.start(STILL);
  await node.close();
  await using proxy = await FaultProxy.start({ target: node.url });
  using client = await RawClient.get(`${proxy.url}${HEALTH}`);
  assertEquals(await client.readAll(), "reset");
  await using s = await stage();
  await using second = await FaultProxy.start({ target: s.proxy.url });
  using other = await RawClient.get(`${second.url}${EVENTS}`);
  await other.readUntil("\r\n\r\n");
  s.proxy.fault({ type: "reset" });
  assertEquals(await other.readAll(), "reset");
});

Deno.test("FaultProxy().close() ends promptly whatever fault is on", async () => {
  const faults: WireFault[] = [
    { type: "refuse" },
    { type: "slam" },
    { type: "reset", afterBytes: 10_000 },
    { type: "cut", inMidLine: true },
    { type: "half-open" },
    { type: "stall" },
    { type: "drip", intervalMs: 80_000_000 },
  ];
  for (const fault of faults) {
    await using s = await stage();
    using client = await s.connect();
    s.proxy.fault(fault);
    s.node.emit("head", { slot: "1" });
    const waiting = assertRejects(
      () => s.proxy.whenConnected(9),
      Error,
      "closed",
    );
    const ended = client.readAll();
    await Promise.all([s.proxy.close(), s.proxy.close()]);
    await Promise.all([ended, waiting]);
    assertEquals(s.proxy.openConnections, 0);
    await using again = await FaultProxy.start({
      target: s.node.url,
      port: Number(new URL(s.proxy.url).port),
    });
    assertEquals(again.url, s.proxy.url);
  }
});

Deno.test("FaultProxy.start() refuses wrong options", async () => {
  const target = "http://127.0.0.1:5052";
  const refused = async (
    options: unknown,
    errorClass: typeof TypeError | typeof RangeError,
    words: string,
  ) => {
    const error = await assertRejects(
      () => FaultProxy.start(options as { target: string }),
      errorClass,
    );
    assertStringIncludes(error.message, words);
  };
  await refused({}, TypeError, "target must be an http: URL, got undefined");
  await refused({ target: "https://u:p@h/" }, TypeError, "got https://h");
  await refused(null, TypeError, "options must be an object, got null");
  await refused({ target, hostname: "" }, TypeError, "hostname must be");
  await refused({ target, port: 70_000 }, RangeError, "got 70000");
  await refused({ target, port: "1" }, RangeError, "port must be an integer");
  await refused({ target, faults: {} }, TypeError, "faults must be an array");
  await refused({ target, faults: [{ type: "hang" }] }, TypeError, "got hang");
});
