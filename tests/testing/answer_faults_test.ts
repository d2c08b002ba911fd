import {
  assertEquals,
  assertGreater,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import { type NodeFault, SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { getJson, statusOf, STILL } from "./still_node.ts";

const EVENTS = "/eth/v1/events?topics=head";
const SYNCING = "/eth/v1/node/syncing";
const GENESIS = "/eth/v1/beacon/genesis";
const HEADERS = "/eth/v1/beacon/headers/head";

/** Starts a node with a fault. */
function nodeWith(...faults: NodeFault[]): Promise<SimulatedBeaconNode> {
  return SimulatedBeaconNode.start({ ...STILL, faults });
}

Deno.test("status answers with any status, and then no more", async () => {
  await using node = await nodeWith();
  const fault = node.fault({ type: "status", status: 503, times: 2 });
  assertEquals(await getJson(`${node.url}${EVENTS}`, 503), {
    code: 503,
    message: "Simulated fault",
  });
  assertEquals(await statusOf(`${node.url}${SYNCING}`), 200);
  assertEquals(await statusOf(`${node.url}${EVENTS}`), 503);
  assertEquals(await statusOf(`${node.url}${EVENTS}`), 200);
  assertEquals(fault.hits, 2);
  assertEquals(node.faults, []);
  assertEquals(node.connectionCount, 1);
});

Deno.test("status answers with any body and headers", async () => {
  await using node = await nodeWith({
    type: "status",
    status: 429,
    body: "<html>",
    contentType: "text/html",
    retryAfter: "7",
    headers: { location: "http://example.org/" },
  });
  const response = await fetch(`${node.url}${EVENTS}`);
  const { headers } = response;
  assertEquals(response.status, 429);
  assertEquals(await response.text(), "<html>");
  assertEquals(headers.get("content-type"), "text/html");
  assertEquals(headers.get("retry-after"), "7");
  assertEquals(headers.get("location"), "http://example.org/");
});

Deno.test("status answers without a body where HTTP has none", async () => {
  await using node = await nodeWith({ type: "status", status: 204 });
  const response = await fetch(`${node.url}${EVENTS}`);
  assertEquals([response.status, await response.text()], [204, ""]);
});

Deno.test("status repeats its body up to 100 MB as the client reads", async () => {
  await using node = await nodeWith({
    type: "status",
    status: 500,
    body: "error ",
    bodyBytes: 100_000_001,
  });
  const response = await fetch(`${node.url}${EVENTS}`);
  let size = 0;
  let last = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    size += chunk.length;
    last = decoder.decode(chunk);
  }
  assertEquals(size, 100_000_001);
  assertEquals(last.endsWith("error error"), true);
});

Deno.test("status sends an endless body until the client leaves", async () => {
  await using node = await nodeWith({
    type: "status",
    status: 500,
    body: "",
    bodyBytes: Infinity,
  });
  const response = await fetch(`${node.url}${EVENTS}`);
  let size = 0;
  for await (const chunk of response.body!) {
    size += chunk.length;
    if (size > 2 ** 24) break;
  }
  assertGreater(size, 2 ** 24);
});

Deno.test("status strikes the endpoint that it names, or all", async () => {
  await using node = await nodeWith();
  const strikes = async (endpoint: "headers" | "all") => {
    using _ = node.fault({ type: "status", status: 404, endpoint });
    const paths = [HEADERS, "/eth/v1/beacon/headers", SYNCING, EVENTS];
    return await Promise.all(
      paths.map((path) => statusOf(`${node.url}${path}`)),
    );
  };
  assertEquals(await strikes("headers"), [404, 404, 200, 200]);
  assertEquals(await strikes("all"), [404, 404, 404, 404]);
});

Deno.test("status and empty follow one another, oldest first", async () => {
  await using node = await nodeWith(
    { type: "status", status: 404, endpoint: "genesis", times: 2 },
    { type: "status", status: 503, times: 1 },
    { type: "empty", times: 1 },
  );
  const statuses = [];
  for (let i = 0; i < 3; i++) {
    statuses.push(await statusOf(`${node.url}${GENESIS}`));
  }
  assertEquals(statuses, [404, 404, 200]);
  assertEquals(await statusOf(`${node.url}${EVENTS}`), 503);
  await using client = await EventReader.open(node.url, "head");
  assertEquals(await client.next(), undefined);
  assertEquals(await statusOf(`${node.url}${EVENTS}`), 200);
  assertEquals(node.connectionCount, 1);
});

Deno.test("content-type sends the event stream under another name", async () => {
  await using node = await nodeWith({ type: "content-type", times: 1 });
  const response = await fetch(`${node.url}${EVENTS}`);
  assertEquals(response.headers.get("content-type"), "text/html");
  node.emit("head", {});
  node.disconnect();
  assertEquals(await response.text(), "event:head\ndata:{}\n\n");
  await using _ = await EventReader.open(node.url, "head");
});

Deno.test("hang answers nothing until it is healed", async () => {
  await using node = await nodeWith();
  const syncing = node.fault({ type: "hang", endpoint: "syncing" });
  const headers = node.fault({ type: "hang", endpoint: "headers" });
  const leaving = new AbortController();
  const { signal } = leaving;
  const left = fetch(`${node.url}${SYNCING}`, { signal });
  const hung = fetch(`${node.url}${HEADERS}`);
  await Promise.all([syncing.whenHit(), headers.whenHit()]);
  assertEquals(await statusOf(`${node.url}${GENESIS}`), 200);
  assertEquals(node.requests.map(({ status }) => status), [0, 0, 200]);
  leaving.abort();
  await assertRejects(() => left);
  node.heal();
  assertEquals((await (await hung).json()).code, 503);
  assertEquals(await statusOf(`${node.url}${HEADERS}`), 200);
});

Deno.test("hang ends with the node", async () => {
  const node = await nodeWith();
  const hang = node.fault({ type: "hang" });
  const answer = fetch(`${node.url}${EVENTS}`);
  await hang.whenHit();
  await node.close();
  assertEquals((await (await answer).json()).code, 503);
});

Deno.test("late-headers sends headers with the first event", async () => {
  await using node = await nodeWith({ type: "late-headers", times: 1 });
  let isAnswered = false;
  const answer = fetch(`${node.url}${EVENTS}`)
    .finally(() => isAnswered = true);
  await node.whenConnected();
  // Another request is answered meanwhile: this one had its time.
  await statusOf(`${node.url}${SYNCING}`);
  assertEquals(isAnswered, false);
  node.emit("head", { slot: "1" });
  const response = await answer;
  assertEquals(response.headers.get("content-type"), "text/event-stream");
  node.emit("head", { slot: "2" });
  node.disconnect();
  assertEquals(
    await response.text(),
    'event:head\ndata:{"slot":"1"}\n\nevent:head\ndata:{"slot":"2"}\n\n',
  );
});

Deno.test("late-headers forgets a client that left before the first event, and ends with the node", async () => {
  await using node = await nodeWith({ type: "late-headers" });
  const leaving = new AbortController();
  const answer = fetch(`${node.url}${EVENTS}`, { signal: leaving.signal });
  const connection = await node.whenConnected();
  leaving.abort();
  await assertRejects(() => answer);
  node.emit("head", {});
  await connection.closed;
  assertEquals(node.connections, []);
  const other = fetch(`${node.url}${EVENTS}`);
  await node.whenConnected(2);
  await node.close();
  assertEquals(await (await other).text(), "");
});

Deno.test("other-chain shows another genesis_validators_root", async () => {
  await using node = await nodeWith();
  const rootOf = async () =>
    (await getJson(`${node.url}${GENESIS}`)).data.genesis_validators_root;
  const own = await rootOf();
  const root = `0x${"ab".repeat(32)}`;
  node.fault({ type: "other-chain", root, times: 1 });
  assertEquals(await rootOf(), root);
  assertEquals(await rootOf(), own);
  using _ = node.fault({ type: "other-chain" });
  const other = await rootOf();
  assertNotEquals(other, own);
  assertEquals(other.length, 66);
});

Deno.test("heal() ends all faults, and a fault its own", async () => {
  await using node = await nodeWith({ type: "status", status: 500 });
  const fault = node.fault({ type: "empty", times: 3 });
  assertEquals(node.faults, [
    { type: "status", status: 500 },
    { type: "empty", times: 3 },
  ]);
  fault.heal();
  assertEquals(node.faults, [{ type: "status", status: 500 }]);
  await assertRejects(() => fault.whenHit(), Error, "empty is over");
  await assertRejects(() => fault.whenHit(0), RangeError, "0");
  node.heal();
  assertEquals(node.faults, []);
  assertEquals(await statusOf(`${node.url}${EVENTS}`), 200);
});
