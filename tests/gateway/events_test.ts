/** `GET /eth/v1/events` of the gateway. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  brief,
  exitFrame,
  get,
  openReader,
  PipeNode,
  startGateway,
  stillNode,
} from "./helpers.ts";

Deno.test("createGateway() sends the events of a node as they were sent", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head");
  const root = (byte: string) => `"0x${byte.repeat(32)}"`;
  const raw = `{"slot":"101",  "block":${root("AB")},"state":${root("cd")},` +
    `"epoch_transition":false,"previous_duty_dependent_root":${root("00")},` +
    `"current_duty_dependent_root":${root("00")},` +
    `"execution_optimistic":false, "new":"ü"}`;
  node.emit("head", raw);
  const event = await reader.next();
  assertEquals(event?.type, "head");
  assertEquals(event?.data, raw);
  assert(reader.text.includes(`event: head\ndata: ${raw}\n\n`));
});

Deno.test("createGateway() numbers events <epoch>-<seq>-<slot>", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=block,head");
  const { slot } = await node.produceBlock();
  const [block, head] = await reader.take(2);
  const [epoch, seq, idSlot] = block!.lastEventId.split("-");
  assertMatch(block!.lastEventId, /^[0-9a-z]+-\d+-\d+$/);
  assertEquals(Number(idSlot), slot);
  const [nextEpoch, nextSeq] = head!.lastEventId.split("-");
  assertEquals(nextEpoch, epoch);
  assert(BigInt(nextSeq!) > BigInt(seq!));
});

for (
  const [form, query] of [
    ["comma-joined", "topics=block,head"],
    ["repeated", "topics=block&topics=head"],
    ["mixed and repeated twice", "topics=head&topics=block,head"],
  ] as const
) {
  Deno.test(`createGateway() takes topics ${form}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, query);
    const { slot } = await node.produceBlock();
    assertEquals((await reader.take(2)).map(brief), [
      `block ${slot}`,
      `head ${slot}`,
    ]);
  });
}

Deno.test("createGateway() refuses an unknown topic in the form of the Beacon API", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const path = "/eth/v1/events?topics=head,weather_forecast";
  const response = await get(stage.gateway, path);
  assertEquals(response.status, 400);
  assertEquals(response.headers.get("content-type"), "application/json");
  const { code, message } = await response.json();
  assertEquals(code, 400);
  assertMatch(message, /^Invalid topic: weather_forecast\b/);
});

Deno.test("createGateway() refuses a request without topics", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  for (const query of ["", "?topics=", "?topics=,"]) {
    const response = await get(stage.gateway, `/eth/v1/events${query}`);
    assertEquals(response.status, 400);
    assertEquals((await response.json()).code, 400);
  }
});

Deno.test("createGateway() sets the headers that proxies and browsers need", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await using reader = await openReader(stage.gateway, "topics=head");
  const { headers } = reader.response;
  assertEquals(headers.get("content-type"), "text/event-stream");
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(headers.get("x-accel-buffering"), "no");
  assertEquals(headers.get("access-control-allow-origin"), "*");
});

Deno.test("createGateway() answers HEAD without a body and without a reader", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { maxReaders: 1 });
  const request = new Request("http://gateway/eth/v1/events?topics=head", {
    method: "HEAD",
  });
  for (let i = 0; i < 2; i++) {
    const response = await stage.gateway.fetch(request);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    assertEquals(response.body, null);
  }
});

Deno.test("createGateway() answers the preflight of a browser", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const response = await stage.gateway.fetch(
    new Request("http://gateway/eth/v1/events", { method: "OPTIONS" }),
  );
  assertEquals(response.status, 204);
  assertMatch(response.headers.get("access-control-allow-methods")!, /GET/);
});

Deno.test("createGateway() refuses methods that write", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const response = await stage.gateway.fetch(
    new Request("http://gateway/eth/v1/events", { method: "POST", body: "x" }),
  );
  assertEquals(response.status, 405);
  assertEquals((await response.json()).code, 405);
});

Deno.test("createGateway() passes a 2.6 MB attester_slashing on byte for byte", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], {}, {
    topics: ["attester_slashing"],
  });
  await node.whenConnected();
  const query = "topics=attester_slashing";
  await using reader = await openReader(stage.gateway, query);
  const root = `0x${"12".repeat(32)}`;
  const attestation = {
    attesting_indices: Array.from({ length: 131_072 }, (_, i) => `${i + 1e6}`),
    data: {
      slot: "100",
      index: "0",
      beacon_block_root: root,
      source: { epoch: "10", root },
      target: { epoch: "11", root },
    },
    signature: `0x${"34".repeat(96)}`,
  };
  const raw = JSON.stringify({
    attestation_1: attestation,
    attestation_2: attestation,
  });
  assert(raw.length > 2_600_000);
  node.emit("attester_slashing", raw);
  const event = await reader.next();
  assert(event?.data === raw, "the payload differs");
});

Deno.test("createGateway() sends what arrives together in one write", async () => {
  const node = new PipeNode();
  await using stage = await startGateway([{ url: node.url }], {}, {
    topics: ["voluntary_exit"],
    fetch: node.fetch,
  });
  await node.opened;
  await using reader = await openReader(stage.gateway, "topics=voluntary_exit");
  const before = reader.chunks.length;
  node.send(Array.from({ length: 64 }, (_, i) => exitFrame(i)).join(""));
  assertEquals((await reader.take(64)).length, 64);
  assertEquals(reader.chunks.length, before + 1);
});

Deno.test("createGateway() shares the bytes of an event among its readers", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using one = await openReader(stage.gateway, "topics=head");
  await using other = await openReader(stage.gateway, "topics=head");
  await node.produceBlock();
  await one.next();
  await other.next();
  assert(one.chunks.at(-1) === other.chunks.at(-1), "not the same array");
});

Deno.test("createGateway() sends nothing but the topics that a reader lists", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=chain_reorg");
  await node.produceBlock();
  await node.produceBlock();
  node.reorg({ depth: 1 });
  assertEquals((await reader.next())?.type, "chain_reorg");
});

Deno.test("createGateway() names node and arrival time in a comment on request", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([{ url: node.url, name: "first" }]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head&sources=1");
  await node.produceBlock();
  await reader.next();
  const comment = reader.comments.find((comment) => comment.includes("{"))!;
  const { node: name, receivedAt } = JSON.parse(comment);
  assertEquals(name, "first");
  assert(Math.abs(receivedAt - Date.now()) < 60_000);
});

Deno.test("createGateway() ends its streams cleanly when it is closed", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await using reader = await openReader(stage.gateway, "topics=head");
  const end = reader.next();
  await stage.gateway.close();
  assertEquals(await end, undefined);
  const response = await get(stage.gateway, "/eth/v1/events?topics=head");
  assertEquals(response.status, 503);
  await response.body?.cancel();
});

Deno.test("createGateway() ends its streams cleanly behind an event that it has just received", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head");
  const received = reader.next();
  const events = stage.listener.events({ topics: ["head"] });
  const { slot } = await node.produceBlock();
  for await (const _ of events) break;
  await stage.gateway.close();
  assertEquals(brief((await received)!), `head ${slot}`);
  assertEquals(await reader.next(), undefined);
});

Deno.test("createGateway() ends its streams when the listener ends", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await using reader = await openReader(stage.gateway, "topics=head");
  const end = reader.next();
  await stage.listener.close();
  assertEquals(await end, undefined);
});
