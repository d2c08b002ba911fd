import { assertEquals } from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { getJson, statusOf, STILL } from "./still_node.ts";

/** Requests an event stream; the status of the answer. */
function requested(node: SimulatedBeaconNode, query: string): Promise<number> {
  return statusOf(`${node.url}/eth/v1/events?${query}`);
}

Deno.test("refuse-topics answers 400 that names the topic", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    faults: [{ type: "refuse-topics", topics: ["head_v2", "block_gossip"] }],
  });
  const events = `${node.url}/eth/v1/events`;
  assertEquals(await getJson(`${events}?topics=head,block_gossip`, 400), {
    code: 400,
    message: "Invalid topic: block_gossip",
  });
  assertEquals(await requested(node, "topics=head&topics=head_v2"), 400);
  assertEquals(await requested(node, "topics=head,block"), 200);
});

Deno.test("refuse-topics answers 400 that names nothing, or an empty stream", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const topics = ["block_gossip"];
  const url = `${node.url}/eth/v1/events?topics=head,block_gossip`;
  {
    using _ = node.fault({ type: "refuse-topics", topics, answer: "unnamed" });
    assertEquals((await getJson(url, 400)).message, "Bad request");
  }
  using fault = node.fault({ type: "refuse-topics", topics, answer: "empty" });
  const response = await fetch(url);
  assertEquals([response.status, await response.text()], [200, ""]);
  assertEquals(fault.hits, 1);
});

Deno.test("joined-topics answers 400 whatever the list, and takes repeated keys", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  using fault = node.fault({ type: "joined-topics" });
  const { message } = await getJson(
    `${node.url}/eth/v1/events?topics=head%2Cblock`,
    400,
  );
  assertEquals(message, "Invalid topic: head,block");
  assertEquals(await requested(node, "topics=head&topics=block"), 200);
  assertEquals(await requested(node, "topics=head"), 200);
  assertEquals(fault.hits, 1);
  assertEquals([...(await node.whenConnected(2)).topics], ["head"]);
});

Deno.test("joined-topics hangs on a list", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  const fault = node.fault({ type: "joined-topics", answer: "hang" });
  const answer = requested(node, "topics=head,block");
  await fault.whenHit();
  assertEquals(await requested(node, "topics=head&topics=block"), 200);
  fault.heal();
  assertEquals(await answer, 503);
});

Deno.test("repeated-topics reads the first key only", async () => {
  await using node = await SimulatedBeaconNode.start({
    ...STILL,
    faults: [{ type: "repeated-topics" }],
  });
  await requested(node, "topics=head,block&topics=chain_reorg");
  const connection = await node.whenConnected();
  assertEquals([...connection.topics], ["head", "block"]);
  assertEquals(connection.query.getAll("topics"), [
    "head,block",
    "chain_reorg",
  ]);
});
