/** Readers of the gateway that come back: positions, replay, gaps. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseEventData, SseListener } from "@org/beacon-sse";
import { createGateway, type Gateway } from "@org/beacon-sse/gateway";
import {
  brief,
  get,
  openReader,
  startGateway,
  stillNode,
  type StreamReader,
} from "./helpers.ts";

import { EventHub } from "../../src/gateway/events/event_hub.ts";
import { Resume } from "../../src/gateway/events/resume.ts";

const TOPICS = "topics=block_gossip,block,head,chain_reorg";
const BLOCK_TOPICS = ["block_gossip", "block", "head"];

/** Reads so many events and returns the last one's id. */
async function idAfter(reader: StreamReader, count: number): Promise<string> {
  return (await reader.take(count)).at(-1)!.lastEventId;
}

const WAYS: [string, (id: string) => [query: string, headers: HeadersInit]][] =
  [
    ["Last-Event-ID", (id) => ["", { "last-event-id": id }]],
    ["last_event_id", (id) => [`&last_event_id=${id}`, {}]],
    ["lastEventId", (id) => [`&lastEventId=${id}`, {}]],
    ["a query's Last-Event-ID", (id) => [`&Last-Event-ID=${id}`, {}]],
    ["evs_last_event_id", (id) => [`&evs_last_event_id=${id}`, {}]],
  ];
for (const [way, place] of WAYS) {
  Deno.test(`createGateway() replays what followed a position in ${way}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await node.whenConnected();
    const reader = await openReader(stage.gateway, TOPICS);
    const first = await node.produceBlock();
    const id = await idAfter(reader, 2);
    await reader[Symbol.asyncDispose]();
    const second = await node.produceBlock();
    await (await openReader(stage.gateway, `${TOPICS}&since=earliest`)).take(6);
    const [query, headers] = place(id);
    await using again = await openReader(
      stage.gateway,
      TOPICS + query,
      headers,
    );
    assertEquals((await again.take(4)).map(brief), [
      `head ${first.slot}`,
      ...BLOCK_TOPICS.map((topic) => `${topic} ${second.slot}`),
    ]);
  });
}

Deno.test("createGateway() prefers the header to the query of a page that is still open", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, TOPICS);
  const { slot } = await node.produceBlock();
  const id = await idAfter(reader, 2);
  await reader.next();
  await using again = await openReader(
    stage.gateway,
    `${TOPICS}&since=earliest&last_event_id=garbage`,
    { "last-event-id": id },
  );
  assertEquals(brief((await again.next())!), `head ${slot}`);
});

for (
  const id of [
    "garbage",
    "abc--2",
    "abc-1.5-2",
    "1-2",
    "abc-9999999999999999999999999999999999999-1",
    "ab/c-10000000000-1",
    "abc-10000000000-1-1",
  ]
) {
  Deno.test(`createGateway() refuses the malformed id ${id}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    const response = await get(
      stage.gateway,
      "/eth/v1/events?topics=head",
      { "last-event-id": id },
    );
    assertEquals(response.status, 400);
    const { message } = await response.json();
    assertMatch(message, /^Invalid event id: must be <epoch>-<seq>-<slot>/);
  });
}

for (const epoch of ["other", "0b5e1234", "OLD_1"]) {
  Deno.test(`createGateway() goes on from the slot of an id of ${epoch} without a digest`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, "topics=block_gossip");
    await node.produceBlock();
    const { slot } = await node.produceBlock();
    await node.produceBlock();
    await reader.take(3);
    await using again = await openReader(
      stage.gateway,
      "topics=block_gossip",
      { "last-event-id": `${epoch}-1-${slot}` },
    );
    assertEquals((await again.take(2)).map(brief), [
      `block_gossip ${slot}`,
      `block_gossip ${slot + 1}`,
    ]);
  });
}

Deno.test("createGateway() does not repeat what a reader has where its ring is overrun", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 2 });
  await node.whenConnected();
  await stage.listener.ready;
  await using reader = await openReader(stage.gateway, TOPICS);
  const { slot } = await node.produceBlock();
  const id = await idAfter(reader, 3);
  for (let i = 0; i < 4; i++) {
    await node.produceBlock();
    await reader.take(3);
  }
  await using again = await openReader(stage.gateway, TOPICS, {
    "last-event-id": id,
  });
  assertEquals((await again.take(6)).map(brief), [
    `block ${slot + 1}`,
    `head ${slot + 1}`,
    `block ${slot + 2}`,
    `head ${slot + 2}`,
    `block_gossip ${slot + 3}`,
    `block ${slot + 3}`,
  ]);
});

Deno.test("createGateway() reports what its ring loses while it requests headers", async () => {
  const requested = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 2 }, {
    topics: ["block", "block_gossip"],
    fetch: async (input, init) => {
      if (String(input).endsWith("/headers/head")) {
        requested.resolve();
        await answered.promise;
      }
      return await fetch(input, init);
    },
  });
  await node.whenConnected();
  await stage.listener.ready;
  await using reader = await openReader(stage.gateway, "topics=block_gossip");
  await node.produceBlock();
  const id = await idAfter(reader, 1);
  const other = id.replace(/^[^-]+/, "other");
  const opened = openReader(
    stage.gateway,
    "topics=block,block_gossip,gap",
    { "last-event-id": other },
  );
  await requested.promise;
  for (let i = 0; i < 4; i++) {
    await node.produceBlock();
    await reader.next();
  }
  answered.resolve();
  await using again = await opened;
  const events = await again.take(6);
  const { topics, reason } = JSON.parse(
    events.findLast(({ type }) => type === "gap")!.data,
  );
  assertEquals(topics, ["block", "block_gossip"]);
  assertMatch(reason, /slower than/);
});

Deno.test("createGateway() refuses a position that it has not come to yet", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, TOPICS);
  await node.produceBlock();
  const [epoch, , slot] = (await idAfter(reader, 3)).split("-");
  const response = await get(stage.gateway, "/eth/v1/events?topics=head", {
    "last-event-id": `${epoch}-990000000000-${slot}`,
  });
  assertEquals(response.status, 400);
  assertMatch((await response.json()).message, /seq must be at most/);
});

Deno.test("createGateway() reports what the ring no longer has as comment and event", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 2 }, {
    topics: ["block_gossip"],
  });
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=block_gossip");
  const { slot } = await node.produceBlock();
  const id = await idAfter(reader, 1);
  for (let i = 0; i < 4; i++) {
    await node.produceBlock();
    await reader.next();
  }
  await using again = await openReader(
    stage.gateway,
    "topics=block_gossip,gap",
    { "last-event-id": id },
  );
  const gap = (await again.next())!;
  assertEquals(gap.type, "gap");
  assertEquals(JSON.parse(gap.data), {
    from: slot,
    to: slot + 2,
    topics: ["block_gossip"],
    reason: "the gateway no longer has them, or did not run",
  });
  assert(
    again.comments.some((text) => text.trim() === "error - dropped 2 messages"),
  );
  assertEquals((await again.take(2)).map(brief), [
    `block_gossip ${slot + 3}`,
    `block_gossip ${slot + 4}`,
  ]);
});

Deno.test("createGateway() counts only the events of the topics that a reader lost", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 2 }, {
    topics: ["block_gossip", "head"],
  });
  await node.whenConnected();
  await using reader = await openReader(
    stage.gateway,
    "topics=block_gossip,head",
  );
  await node.produceBlock();
  const id = await idAfter(reader, 1);
  await reader.next();
  for (let i = 0; i < 4; i++) {
    await node.produceBlock();
    await reader.take(2);
  }
  await using again = await openReader(
    stage.gateway,
    "topics=block_gossip,gap",
    { "last-event-id": id },
  );
  await again.next();
  assertEquals(
    again.comments.filter((text) => text.includes("dropped")),
    [" error - dropped 2 messages"].map((text) => text.trim()),
  );
});

Deno.test("createGateway() sends no gap event to who does not list it, but the comment", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 1 }, {
    topics: ["block_gossip"],
  });
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=block_gossip");
  const { slot } = await node.produceBlock();
  const id = await idAfter(reader, 1);
  for (let i = 0; i < 2; i++) {
    await node.produceBlock();
    await reader.next();
  }
  await using again = await openReader(stage.gateway, "topics=block_gossip", {
    "last-event-id": id,
  });
  assertEquals(brief((await again.next())!), `block_gossip ${slot + 2}`);
  assertEquals(
    again.comments.filter((comment) => comment.includes("dropped")).length,
    1,
  );
});

Deno.test("createGateway() keeps rare topics through a flood of another one", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 8 }, {
    topics: ["head", "voluntary_exit"],
  });
  await node.whenConnected();
  await using flood = await openReader(stage.gateway, "topics=voluntary_exit");
  await using reader = await openReader(stage.gateway, "topics=head");
  const { slot } = await node.produceBlock();
  await reader.next();
  for (let i = 0; i < 50; i++) {
    node.emit("voluntary_exit", {
      message: { epoch: "1", validator_index: String(i) },
      signature: `0x${"00".repeat(96)}`,
    });
    await flood.next();
  }
  await using late = await openReader(
    stage.gateway,
    `topics=head&since=slot:${slot}`,
  );
  assertEquals(brief((await late.next())!), `head ${slot}`);
});

Deno.test("createGateway() begins with the oldest event on since=earliest, without a gap", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepEvents: 1 });
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head");
  await node.produceBlock();
  await reader.next();
  const { slot } = await node.produceBlock();
  await reader.next();
  await using late = await openReader(
    stage.gateway,
    "topics=head,gap&since=earliest",
  );
  assertEquals(brief((await late.next())!), `head ${slot}`);
});

Deno.test("createGateway() begins at a time, in milliseconds or as a date, without a zone in UTC", async () => {
  const clock = { now: Date.now() };
  await using node = await stillNode();
  await using stage = await startGateway([node], {}, { now: () => clock.now });
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head");
  await node.produceBlock();
  await reader.next();
  clock.now += 1000;
  const time = clock.now;
  const { slot } = await node.produceBlock();
  await reader.next();
  const date = new Date(time).toISOString();
  const withOffset = date.replace("Z", "+00:00");
  const withoutZone = date.replace("Z", "");
  for (
    const since of [
      time,
      date,
      withOffset,
      encodeURIComponent(withOffset),
      withoutZone,
    ]
  ) {
    await using late = await openReader(
      stage.gateway,
      `topics=head&since=${since}`,
    );
    assertEquals(brief((await late.next())!), `head ${slot}`);
  }
});

Deno.test("createGateway() begins at a slot or an epoch", async () => {
  await using node = await stillNode({ slotsPerEpoch: 8 });
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await stage.listener.ready;
  await using reader = await openReader(stage.gateway, "topics=head");
  await node.produceBlock();
  const first = node.head.slot;
  const slot = (Math.floor(first / 8) + 1) * 8;
  for (let i = first; i < slot; i++) await node.produceBlock();
  await reader.take(slot - first + 1);
  for (const since of [`slot:${slot}`, `epoch:${slot / 8}`]) {
    await using late = await openReader(
      stage.gateway,
      `topics=head&since=${since}`,
    );
    assertEquals(brief((await late.next())!), `head ${slot}`);
  }
});

for (const since of ["slot", "epoch"]) {
  Deno.test(`createGateway() replays nothing since a ${since} that is yet to come`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await stage.listener.ready;
    await using reader = await openReader(stage.gateway, "topics=head");
    await node.produceBlock();
    await reader.next();
    await using late = await openReader(
      stage.gateway,
      `topics=head&since=${since}:100000`,
    );
    const { slot } = await node.produceBlock();
    assertEquals(brief((await late.next())!), `head ${slot}`);
  });
}

for (const since of ["yesterday", "slot:", "slot:-1", "2026-13-45", "1e3"]) {
  Deno.test(`createGateway() refuses since=${since}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    const response = await get(
      stage.gateway,
      `/eth/v1/events?topics=head&since=${since}`,
    );
    assertEquals(response.status, 400);
    assertMatch((await response.json()).message, /^Invalid since: /);
  });
}

Deno.test("createGateway() sends the position in keep-alives, which dispatch no event", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepAliveMs: 5 });
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=chain_reorg");
  const { slot } = await node.produceBlock();
  while (!reader.text.includes(`-${slot}\n\n`)) await reader.readChunk();
  const id = /id: (\S+)\n\n$/.exec(reader.text)![1]!;
  await node.produceBlock();
  node.reorg({ depth: 1 });
  const event = await reader.next();
  assertEquals(event?.type, "chain_reorg");
  await using again = await openReader(stage.gateway, "topics=chain_reorg", {
    "last-event-id": id,
  });
  assertEquals((await again.next())?.data, event?.data);
});

/** Two gateways over the same node, each with a listener of its own. */
async function twoGateways(
  url: string,
): Promise<AsyncDisposable & { gateways: [Gateway, Gateway] }> {
  const listeners = await Promise.all(
    [0, 1].map(() => SseListener.start({ nodes: [url] })),
  );
  const gateways = listeners.map((listener) => createGateway(listener));
  await Promise.all(listeners.map(({ ready }) => ready));
  return {
    gateways: gateways as [Gateway, Gateway],
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await Promise.all(listeners.map((listener) => listener.close()));
    },
  };
}

for (const had of [1, 2, 3, 4]) {
  Deno.test(`createGateway() goes on for a reader of another gateway that has ${had} events of the slot`, async () => {
    await using node = await stillNode();
    await using stage = await twoGateways(node.url);
    const [one, other] = stage.gateways;
    await node.whenConnected(2);
    await using reader = await openReader(one, TOPICS);
    await using all = await openReader(other, TOPICS);
    await node.produceBlock();
    await node.produceBlock();
    const { slot } = node.reorg({ depth: 1 }).newHead;
    await node.produceBlock();
    const expected = (await all.take(13)).map(brief);
    await reader.take(6);
    const id = await idAfter(reader, had);
    await using again = await openReader(other, TOPICS, {
      "last-event-id": id,
    });
    const rest = (await again.take(7 - had)).map(brief);
    assertEquals(rest, expected.slice(6 + had));
    assert(expected.includes(`chain_reorg ${slot}`));
  });
}

Deno.test("createGateway() recovers from headers what a restarted gateway has not seen", async () => {
  await using node = await stillNode();
  let id: string;
  let slot: number;
  {
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, TOPICS);
    ({ slot } = await node.produceBlock());
    id = await idAfter(reader, 2);
  }
  await node.produceBlock();
  await node.produceBlock();
  await using stage = await startGateway([node]);
  await node.whenConnected(2);
  await stage.listener.ready;
  await using again = await openReader(stage.gateway, `${TOPICS},gap`, {
    "last-event-id": id,
  });
  await node.produceBlock();
  const gap = JSON.parse((await again.next())!.data);
  assertEquals(gap.topics, ["block_gossip"]);
  assertEquals([gap.from, gap.to], [slot, slot + 2]);
  assertEquals((await again.take(8)).map(brief), [
    `head ${slot}`,
    `block ${slot + 1}`,
    `head ${slot + 1}`,
    `block ${slot + 2}`,
    `head ${slot + 2}`,
    ...BLOCK_TOPICS.map((topic) => `${topic} ${slot + 3}`),
  ]);
  assert(
    again.comments.some((comment) => /dropped \d+ messages/.test(comment)),
  );
});

Deno.test("createGateway() recovers a reorg that happened while it did not run", async () => {
  await using node = await stillNode();
  let id: string;
  await (async () => {
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, TOPICS);
    await node.produceBlock();
    await node.produceBlock();
    id = await idAfter(reader, 6);
  })();
  const { oldHead, newHead } = node.reorg({ depth: 1 });
  await using stage = await startGateway([node]);
  await node.whenConnected(2);
  await stage.listener.ready;
  await using again = await openReader(stage.gateway, TOPICS, {
    "last-event-id": id!,
  });
  const [block, reorg, head] = await again.take(3);
  assertEquals(JSON.parse(block!.data).block, newHead.root);
  assertEquals(reorg!.type, "chain_reorg");
  assertEquals(JSON.parse(reorg!.data).old_head_block, oldHead.root);
  assertEquals(JSON.parse(reorg!.data).new_head_block, newHead.root);
  assertEquals(JSON.parse(head!.data).block, newHead.root);
});

Deno.test("createGateway() passes on the gap of its only node", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head,gap");
  await node.produceBlock();
  await reader.next();
  node.emitComment("error - dropped 7 messages");
  const gap = await reader.next();
  assertEquals(gap?.type, "gap");
  assertEquals(JSON.parse(gap!.data).reason, "dropped");
  assert(
    reader.comments.some((text) =>
      text.trim() === "error - dropped 7 messages"
    ),
  );
});

Deno.test("createGateway() sends gaps of all topics to who lists nothing but gap", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=gap");
  await node.produceBlock();
  node.emitComment("error - dropped 7 messages");
  assertEquals((await reader.next())?.type, "gap");
});

Deno.test("createGateway() reports gossip that is lost while its only node reconnects", async () => {
  await using node = await stillNode({ slotDurationMs: 1000 });
  await using stage = await startGateway([node], {}, { random: () => 0 });
  await node.whenConnected();
  await stage.listener.ready;
  await using reader = await openReader(
    stage.gateway,
    "topics=block_gossip,gap",
  );
  await node.produceBlock();
  await reader.next();
  node.disconnect();
  await node.produceBlock();
  const gap = await reader.next();
  assertEquals(gap?.type, "gap");
  assertEquals(JSON.parse(gap!.data).topics, ["block_gossip"]);
});

Deno.test("createGateway() keeps a node's gap to itself where another node has no gap", async () => {
  await using node = await stillNode({ startSlot: 100 });
  await using other = await stillNode({ genesisTime: node.genesisTime });
  await using stage = await startGateway([node, other]);
  await node.whenConnected();
  await other.whenConnected();
  await using reader = await openReader(stage.gateway, "topics=head,gap");
  await stage.listener.ready;
  const races = stage.listener.race();
  // Both nodes are ahead of the clock, so that the gap lies behind their connections.
  for (let i = 0; i < 2; i++) {
    await node.produceBlock();
    await other.produceBlock();
    await reader.next();
  }
  const { slot } = node.head;
  for await (const race of races) {
    if (race.topic === "head" && race.slot === slot) break;
  }
  const statuses = stage.listener.status();
  node.emitComment("error - dropped 7 messages");
  for await (const { type } of statuses) if (type === "gap") break;
  await other.produceBlock();
  assertEquals(brief((await reader.next())!), `head ${slot + 1}`);
});

Deno.test("createGateway() does not repeat to a reader of another gateway what it receives later itself", async () => {
  await using fast = await stillNode();
  await using slow = await stillNode({ genesisTime: fast.genesisTime });
  await using one = await startGateway([fast]);
  await using other = await startGateway([slow]);
  await fast.whenConnected();
  await slow.whenConnected();
  await Promise.all([one.listener.ready, other.listener.ready]);
  await using all = await openReader(other.gateway, TOPICS);
  await using reader = await openReader(one.gateway, TOPICS);
  // Both nodes have the same chain.
  await Promise.all([fast.produceBlock(), slow.produceBlock()]);
  await all.take(3);
  await reader.take(3);
  const { slot } = await fast.produceBlock();
  const id = await idAfter(reader, 2);
  await using again = await openReader(other.gateway, TOPICS, {
    "last-event-id": id,
  });
  await slow.produceBlock();
  assertEquals(brief((await again.next())!), `head ${slot}`);
});

Deno.test("createGateway() does not set a reader back that knows of later slots", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { keepAliveMs: 5 });
  await node.whenConnected();
  await stage.listener.ready;
  await using all = await openReader(stage.gateway, "topics=head");
  const { slot } = await node.produceBlock();
  await all.next();
  await using reader = await openReader(stage.gateway, "topics=head", {
    "last-event-id": `other-${"1".padEnd(21, "0")}-${slot + 3}`,
  });
  while (!reader.text.includes("id: ")) await reader.readChunk();
  const slots = reader.text.match(/(?<=^id: .*-)\d+$/gm)!;
  assertEquals(new Set(slots), new Set([String(slot + 3)]));
});

Deno.test("createGateway() gives each event that it recovers from headers a position", async () => {
  await using node = await stillNode();
  const topics = "topics=block,head";
  let id: string;
  {
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, topics);
    await node.produceBlock();
    id = await idAfter(reader, 2);
  }
  for (let i = 0; i < 3; i++) await node.produceBlock();
  const all: string[] = [];
  for (let i = 0; i < 6; i++) {
    // Each time another gateway, from the position of a single event.
    await using stage = await startGateway([node]);
    await stage.listener.ready;
    await using reader = await openReader(stage.gateway, topics, {
      "last-event-id": id,
    });
    const event = (await reader.next())!;
    all.push(brief(event));
    id = event.lastEventId;
  }
  const { slot } = node.head;
  assertEquals(
    all,
    [slot - 2, slot - 1, slot].flatMap((slot) => [
      `block ${slot}`,
      `head ${slot}`,
    ]),
  );
});

Deno.test("createGateway() keeps its position where a node reports a slot that is far ahead", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await stage.listener.ready;
  await using reader = await openReader(stage.gateway, "topics=block_gossip");
  const { slot } = await node.produceBlock();
  await reader.next();
  node.emit("block_gossip", {
    slot: String(slot + 6),
    block: `0x${"12".repeat(32)}`,
  });
  assertEquals((await idAfter(reader, 1)).split("-").at(-1), String(slot));
});

Deno.test("createGateway() recovers what a reader lacks once a node is there, where none was", async () => {
  await using node = await stillNode();
  let id: string;
  {
    await using stage = await startGateway([node]);
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, "topics=block,gap");
    await node.produceBlock();
    id = await idAfter(reader, 1);
  }
  let isUp = false;
  await using stage = await startGateway([node], {}, {
    random: () => 0,
    fetch: (input, init) =>
      isUp ? fetch(input, init) : Promise.reject(new TypeError("down")),
  });
  await using reader = await openReader(stage.gateway, "topics=block,gap", {
    "last-event-id": id,
  });
  const { slot } = await node.produceBlock();
  isUp = true;
  assertEquals(brief((await reader.next())!), `block ${slot}`);
});

Deno.test("Resume() begins before a gap that goes on beyond a reader's position at another gateway", async () => {
  const hub = new EventHub({
    epoch: "here",
    now: () => 0,
    currentSlot: () => 9,
    startSlot: () => 1,
    maxEvents: 100,
    maxBytes: 100_000,
    keepAliveMs: 1000,
  });
  const topics = ["block_gossip", "block"];
  const publish = (slot: number) => {
    const block = `0x${String(slot).repeat(64)}`;
    const raw = JSON.stringify({
      slot: `${slot}`,
      block,
      execution_optimistic: false,
    });
    const data = parseEventData("block", raw);
    hub.publish({
      topic: "block",
      slot,
      raw,
      data,
      node: "a",
      receivedAt: slot,
    });
  };
  publish(5);
  hub.addGap({ from: 6, to: 9, topics: ["block_gossip"], reason: "" }, 1, "a");
  for (const slot of [6, 7, 8, 9]) publish(slot);
  const resume = new Resume({
    hub,
    topics,
    clock: () => undefined,
    startedAt: 0,
    history: { find: () => Promise.reject(new Error("not needed")) },
    past: undefined,
    signal: new AbortController().signal,
  });
  const position = {
    epoch: "there",
    seq: 1,
    digests: [0, 0],
    slot: 8,
  } as const;
  const start = await resume.find(
    { type: "position", position },
    { key: "", topics: new Set(topics), gaps: true, sources: false },
  );
  const frames = [...hub.ring.after(start.seq, topics)].filter((frame) =>
    !start.isKnown!(frame)
  );
  assertEquals(
    frames.map(({ topic, ownSlot }) => `${topic ?? "gap"} ${ownSlot ?? ""}`),
    ["gap ", "block 7", "block 8", "block 9"],
  );
});
