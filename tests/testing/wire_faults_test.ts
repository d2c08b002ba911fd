import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FaultProxy } from "@org/beacon-sse/testing";
import { EVENTS, HEALTH, stage } from "./proxy_stage.ts";
import { RawClient } from "./raw_client.ts";
import { getJson } from "./still_node.ts";

Deno.test("refuse stops listening, resets, and comes back on the same port", async () => {
  await using s = await stage();
  const { proxy } = s;
  using client = await s.connect();
  const refuse = proxy.fault({ type: "refuse" });
  assertEquals(await client.readAll(), "reset");
  const port = Number(new URL(proxy.url).port);
  await assertRejects(
    () => Deno.connect({ port, hostname: "127.0.0.1" }),
    Deno.errors.ConnectionRefused,
  );
  // Two of them: the port comes back with the last.
  const { url } = proxy;
  using second = proxy.fault({ type: "refuse" });
  refuse.heal();
  await proxy.whenListening();
  await assertRejects(() => fetch(`${url}${HEALTH}`), TypeError);
  second.heal();
  await proxy.whenListening();
  assertEquals(proxy.url, url);
  assertEquals(await (await fetch(`${url}${HEALTH}`)).text(), "");
});

Deno.test("refuse comes back when another process gives the port up", async () => {
  await using s = await stage({ type: "refuse" });
  const { proxy } = s;
  const port = Number(new URL(proxy.url).port);
  const other = Deno.listen({ port, hostname: "127.0.0.1" });
  await assertRejects(
    () => FaultProxy.start({ target: proxy.url, port }),
    Deno.errors.AddrInUse,
  );
  proxy.heal();
  other.close();
  await proxy.whenListening();
  assertEquals(await (await fetch(`${proxy.url}${HEALTH}`)).text(), "");
});

Deno.test("slam accepts and closes, open connections too", async () => {
  await using s = await stage();
  const { proxy } = s;
  using client = await s.connect();
  const slam = proxy.fault({ type: "slam", times: 2 });
  assertEquals(await client.readAll(), "end");
  using next = await RawClient.get(`${proxy.url}${HEALTH}`);
  await next.readAll(); // reset where the request comes after the end
  assertEquals(next.text, "");
  assertEquals(slam.hits, 2);
  assertEquals(await (await fetch(`${proxy.url}${HEALTH}`)).text(), "");
});

Deno.test("reset is a true one, after so many bytes", async () => {
  await using s = await stage({ type: "reset", afterBytes: 40, times: 1 });
  using client = await RawClient.get(`${s.proxy.url}${EVENTS}`);
  assertEquals(await client.readAll(), "reset");
  assertEquals(client.text.length, 40);
  using next = await s.connect();
  s.proxy.fault({ type: "reset" });
  assertEquals(await next.readAll(), "reset");
});

Deno.test("reset strikes in the middle of a line", async () => {
  await using s = await stage();
  const response = await fetch(`${s.proxy.url}${EVENTS}`);
  const reset = s.proxy.fault({ type: "reset", inMidLine: true });
  await s.node.produceBlock();
  let text = "";
  await assertRejects(async () => {
    for await (
      const chunk of response.body!.pipeThrough(new TextDecoderStream())
    ) {
      text += chunk;
    }
  }, TypeError);
  assertEquals(text, 'event:head\ndata:{"sl');
  assertEquals(reset.hits, 1);
});

Deno.test("cut ends cleanly, also in the middle of a line", async () => {
  await using s = await stage();
  using client = await s.connect();
  s.proxy.fault({ type: "cut", inMidLine: true, times: 1 });
  s.node.emit("head", { slot: "1" });
  assertEquals(await client.readAll(), "end");
  assertEquals(client.text.endsWith('event:head\ndata:{"sl'), true);
  using next = await s.connect();
  s.proxy.fault({ type: "cut", afterBytes: 5, times: 1 });
  const { length } = next.text;
  s.node.emit("head", { slot: "1" });
  assertEquals(await next.readAll(), "end");
  assertEquals(next.text.length, length + 5);
});

Deno.test("half-open forwards requests, delivers nothing more and does not close", async () => {
  await using s = await stage();
  const { node, proxy } = s;
  using client = await s.connect();
  const { text } = client;
  const halfOpen = proxy.fault({ type: "half-open", times: 2 });
  assertEquals(halfOpen.hits, 1);
  using other = await RawClient.get(`${proxy.url}${EVENTS}`);
  await node.whenConnected(2); // the request has arrived
  halfOpen.heal();
  node.emit("head", "lost");
  node.disconnect();
  using third = await s.connect(); // the node goes on, they stay dead
  node.emit("head", "1");
  await third.readUntil("data:1\n");
  assertEquals(proxy.openConnections, 3);
  const endings = Promise.all([client.readAll(), other.readAll()]);
  await proxy.close();
  await endings;
  assertEquals([client.text, other.text], [text, ""]);
});

Deno.test("half-open lets go of a client that leaves", async () => {
  await using s = await stage({ type: "half-open" });
  const client = await RawClient.get(`${s.proxy.url}${EVENTS}`);
  const connection = await s.node.whenConnected();
  client[Symbol.dispose]();
  await connection.closed;
  assertEquals(s.node.connections, []);
});

Deno.test("stall delivers everything when it is over", async () => {
  await using s = await stage();
  const { node, proxy } = s;
  using client = await s.connect();
  const stall = proxy.fault({ type: "stall", inMidLine: true });
  node.emit("head", { slot: "1" });
  await stall.whenHit();
  await client.readUntil('{"sl');
  assertEquals(client.text.endsWith('{"sl'), true);
  stall.heal();
  await client.readUntil('{"slot":"1"}');
  proxy.fault({ type: "stall", ms: 10 });
  node.emit("head", { slot: "2" });
  await client.readUntil('{"slot":"2"}');
  node.emit("head", { slot: "3" }); // once on each connection
  await client.readUntil('{"slot":"3"}');
  node.disconnect();
  proxy.fault({ type: "stall", ms: 10 });
  await client.readUntil("0\r\n\r\n");
  assertStringIncludes(client.text, "0\r\n\r\n");
});

Deno.test("drip delivers a few bytes at a time", async () => {
  await using s = await stage({ type: "drip", bytes: 3, intervalMs: 1 });
  const { data } = await getJson(`${s.proxy.url}/eth/v1/beacon/genesis`);
  assertEquals(data.genesis_validators_root.length, 66);
  s.proxy.heal();
  using client = await s.connect();
  s.proxy.fault({ type: "drip", intervalMs: 80_000_000 });
  s.node.emit("head", { slot: "1" });
  const { length } = client.text;
  await client.read();
  assertEquals(client.text.length, length + 1);
  s.proxy.heal();
  await client.readUntil('{"slot":"1"}');
});

Deno.test("faults that wait for a point strike one after another", async () => {
  await using s = await stage();
  using client = await s.connect();
  const { length } = client.text;
  const stall = s.proxy.fault({ type: "stall", afterBytes: 5, ms: 1 });
  s.proxy.fault({ type: "reset", afterBytes: 7 });
  s.node.emit("head", { slot: "1" });
  assertEquals(await client.readAll(), "reset");
  assertEquals(client.text.length, length + 12);
  assertEquals(stall.hits, 1);
});

Deno.test("half-open stays dead for faults that come later, but refuse ends it", async () => {
  await using s = await stage();
  using client = await s.connect();
  const { text } = client;
  s.proxy.fault({ type: "half-open", times: 1 });
  const reset = s.proxy.fault({ type: "reset", times: 1 });
  s.node.emit("head", "1");
  assertEquals(reset.hits, 0);
  s.proxy.fault({ type: "refuse" });
  assertEquals(await client.readAll(), "reset");
  assertEquals(client.text, text);
});
