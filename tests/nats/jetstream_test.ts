import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { FaultProxy, SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import {
  type BeaconEvent,
  type JetStreamCounts,
  toJetStream,
} from "../../src/nats/mod.ts";
import {
  block,
  natsTest,
  nextStatus,
  root,
  source,
  type Stage,
  take,
} from "./stage.ts";

function reorg(slot: number, depth: number): BeaconEvent<string> {
  const data = {
    slot,
    depth,
    old_head_block: root(1),
    new_head_block: root(2),
    old_head_state: root(3),
    new_head_state: root(4),
    epoch: Math.floor(slot / 32),
    execution_optimistic: false,
  };
  const raw = JSON.stringify({
    ...data,
    slot: String(slot),
    depth: String(depth),
    epoch: String(data.epoch),
  });
  return { topic: "chain_reorg", data, raw, node: "a", receivedAt: 5, slot };
}

function head(number: number): BeaconEvent<string> {
  const data = {
    slot: 9,
    block: root(number),
    state: root(0),
    epoch_transition: false,
    previous_duty_dependent_root: root(0),
    current_duty_dependent_root: root(0),
    execution_optimistic: false,
  };
  const raw = JSON.stringify({ ...data, slot: "9" });
  return { topic: "head", data, raw, node: "a", receivedAt: 1, slot: 9 };
}

function counts(own: Partial<JetStreamCounts>): JetStreamCounts {
  return { stored: 0, duplicates: 0, lost: 0, pending: 0, ...own };
}

/** What the reader "d" has stored of its position. */
async function storedPosition(stage: Stage): Promise<string | undefined> {
  const { streams } = await stage.manager();
  const message = await streams.getMessage("BEACON_MAINNET_POSITIONS", {
    last_by_subj: "beacon-position.BEACON_MAINNET.d",
  }).catch(() => null);
  return message?.string();
}

for (const transport of ["TCP", "WebSocket"] as const) {
  natsTest(
    `toJetStream() and fromJetStream() carry events as they are over ${transport}`,
    async (stage) => {
      const { server, listener } = stage;
      const servers = transport === "TCP" ? server.url : server.webUrl;
      const sink = stage.sink({ servers });
      for (let slot = 1; slot <= 3; slot++) listener.post(block(slot));
      listener.post({ ...block(4), recovered: true });
      const reader = await stage.reader({ servers });
      const events = await take(reader.events(), 4);
      assertEquals(
        events.map((event) => ({ ...event })),
        [1, 2, 3, 4].map((slot) => ({
          ...block(slot),
          ...(slot === 4 && { recovered: true }),
        })),
      );
      assertEquals(sink.counts, counts({ stored: 4 }));
    },
  );
}

natsTest(
  "toJetStream() of two listeners stores each event once",
  async (stage) => {
    const other = source();
    const first = stage.sink();
    const second = toJetStream(other, { servers: stage.server.url });
    for (let slot = 1; slot <= 20; slot++) {
      stage.listener.post(block(slot));
      other.post({ ...block(slot), node: "b", receivedAt: 7 });
    }
    await first.close();
    await second.close();
    const sum = (name: "stored" | "duplicates") =>
      first.counts[name] + second.counts[name];
    assertEquals([sum("stored"), sum("duplicates")], [20, 20]);
  },
);

natsTest(
  "toJetStream() stores a head again that another one has followed",
  async (stage) => {
    const sink = stage.sink();
    for (const number of [1, 2, 1, 1]) stage.listener.post(head(number));
    await sink.close();
    assertEquals(sink.counts, counts({ stored: 3, duplicates: 1 }));
  },
);

natsTest(
  "toJetStream() stores in order what was sent to a server that was killed",
  async (stage) => {
    const { server, listener } = stage;
    const sink = stage.sink({ inFlight: 4 });
    const statuses = sink.status();
    listener.post(block(1));
    await nextStatus(statuses, "connected");
    await server.kill();
    // More than the window holds.
    for (let slot = 2; slot <= 500; slot++) listener.post(block(slot));
    await nextStatus(statuses, "disconnected");
    await server.start();
    const reader = await stage.reader();
    const events = await take(reader.events(), 500);
    assertEquals(
      events.map(({ slot }) => slot),
      Array.from({ length: 500 }, (_, index) => index + 1),
    );
    await sink.close();
    assertEquals(sink.counts, counts({ stored: 500 }));
  },
);

natsTest(
  "toJetStream() counts what is not acknowledged when it is closed, and reports it as a gap",
  async (stage) => {
    const { server, listener } = stage;
    const sink = stage.sink({ inFlight: 4 });
    const statuses = sink.status();
    await nextStatus(statuses, "connected");
    await server.kill();
    for (let slot = 1; slot <= 10; slot++) listener.post(block(slot));
    const closed = sink.close();
    const { at: _, ...gap } = await nextStatus(statuses, "gap");
    assertEquals(gap, {
      type: "gap",
      from: 1,
      to: 10,
      topics: ["block"],
      count: 10,
      reason: "the sink was closed first",
    });
    await closed;
    assertEquals(sink.counts, counts({ lost: 10 }));
  },
);

natsTest(
  "toJetStream() waits for a server that is not there yet",
  async (stage) => {
    const { server, listener } = stage;
    await server.kill();
    stage.sink();
    listener.post(block(1));
    await server.start();
    const reader = await stage.reader();
    assertEquals((await take(reader.events(), 1)).length, 1);
  },
);

natsTest(
  "toJetStream() reports an event that is too large for the server as a gap, and goes on",
  async (stage) => {
    const { listener } = stage;
    const sink = stage.sink();
    const statuses = sink.status();
    const raw = JSON.stringify({ attestation_1: "y".repeat(2_600_000) });
    listener.post({ ...block(1), topic: "attester_slashing", raw });
    listener.post(block(2));
    const gap = await nextStatus(statuses, "gap") as Record<string, unknown>;
    assertEquals([gap.from, gap.to, gap.topics, gap.count], [
      1,
      1,
      ["attester_slashing"],
      1,
    ]);
    await sink.close();
    assertEquals(sink.counts, counts({ stored: 1, lost: 1 }));
  },
);

natsTest(
  "toJetStream() makes a stream again that somebody has deleted",
  async (stage) => {
    const { listener } = stage;
    const sink = stage.sink();
    const reader = (await stage.reader()).events().getReader();
    listener.post(block(1));
    assertEquals((await reader.read()).value?.slot, 1);
    await (await stage.manager()).streams.delete("BEACON_MAINNET");
    listener.post(block(2));
    listener.post(block(3));
    // The reader begins again with it.
    assertEquals((await reader.read()).value?.slot, 2);
    assertEquals((await reader.read()).value?.slot, 3);
    await reader.cancel();
    await sink.close();
    assertEquals(sink.counts, counts({ stored: 3 }));
  },
);

natsTest(
  "toJetStream() notices a half-open link within 15 s, and loses nothing",
  async (stage) => {
    const { server, listener } = stage;
    await using proxy = await FaultProxy.start({
      target: `http://127.0.0.1:${server.port}`,
    });
    const sink = stage.sink({ servers: `nats://${new URL(proxy.url).host}` });
    const statuses = sink.status();
    await nextStatus(statuses, "connected");
    const fault = proxy.fault({ type: "half-open" });
    listener.post(block(1));
    const disconnected = nextStatus(statuses, "disconnected");
    await deadline(disconnected, 15_000);
    fault.heal();
    const reader = await stage.reader();
    assertEquals((await take(reader.events(), 1))[0]?.slot, 1);
    await sink.close();
    const { stored, duplicates } = sink.counts;
    // The server may have stored it before the link was noticed.
    assertEquals(stored + duplicates, 1);
  },
);

natsTest(
  "toJetStream() with subjectPerEvent stores an event once without a window",
  async (stage) => {
    const { listener } = stage;
    const sink = stage.sink({ subjectPerEvent: true, duplicateWindowMs: 1000 });
    await nextStatus(sink.status(), "connected");
    const { streams } = await stage.manager();
    listener.post(block(1));
    listener.post(block(2));
    while (sink.counts.stored < 2) await delay(5);
    // A server that has forgotten the ids, as after a purge and a restart: here by a short window.
    const name = "BEACON_MAINNET";
    await streams.update(name, { duplicate_window: 100_000_000 });
    await delay(300);
    listener.post(block(1));
    await sink.close();
    assertEquals(sink.counts, counts({ stored: 2, duplicates: 1 }));
  },
);

natsTest(
  "toJetStream() with subjectPerEvent reports what a full stream does not take",
  async (stage) => {
    const { listener } = stage;
    const sink = stage.sink({ subjectPerEvent: true, maxBytes: 1000 });
    const statuses = sink.status();
    for (let slot = 1; slot <= 9; slot++) listener.post(block(slot));
    const gap = await nextStatus(statuses, "gap");
    assertMatch(JSON.stringify(gap), /maximum bytes exceeded/);
    await sink.close();
    const { stored, duplicates, lost } = sink.counts;
    assertEquals([stored + lost, duplicates], [9, 0]);
  },
);

natsTest(
  "toJetStream() stores an event again after a purge and a restart",
  async (stage) => {
    const { server, listener } = stage;
    const sink = stage.sink();
    const statuses = sink.status();
    listener.post(block(1));
    while (sink.counts.stored < 1) await delay(5);
    await (await stage.manager()).streams.purge("BEACON_MAINNET");
    await server.kill();
    await nextStatus(statuses, "disconnected");
    await server.start();
    listener.post(block(1));
    await sink.close();
    assertEquals(sink.counts, counts({ stored: 2 }));
  },
);

natsTest(
  "fromJetStream() goes on where a reader of the same name was",
  async (stage) => {
    const { listener } = stage;
    stage.sink();
    for (let slot = 1; slot <= 6; slot++) listener.post(block(slot));
    const first = await stage.reader({ durable: "d" });
    assertEquals((await take(first.events(), 2)).map(({ slot }) => slot), [
      1,
      2,
    ]);
    const second = await stage.reader({ durable: "d" });
    assertEquals(
      (await take(second.events(), 4)).map(({ slot }) => slot),
      [3, 4, 5, 6],
    );
  },
);

natsTest(
  "fromJetStream() delivers an event again whose reader crashed with it",
  async (stage) => {
    const { listener } = stage;
    stage.sink();
    for (let slot = 1; slot <= 3; slot++) listener.post(block(slot));
    const first = await stage.reader({ durable: "d" });
    const events = first.events().getReader();
    await events.read();
    assertEquals((await events.read()).value?.slot, 2);
    while (await storedPosition(stage) === undefined) await delay(5);
    // Nothing is taken from now on: the stream is not cancelled, as after a crash.
    await first.close();
    const second = await stage.reader({ durable: "d" });
    assertEquals(
      (await take(second.events(), 2)).map(({ slot }) => slot),
      [2, 3],
    );
  },
);

natsTest("fromJetStream() goes on behind a purge", async (stage) => {
  const { listener } = stage;
  const sink = stage.sink();
  for (let slot = 1; slot <= 3; slot++) listener.post(block(slot));
  const reader = (await stage.reader({ durable: "d" })).events().getReader();
  assertEquals((await reader.read()).value?.slot, 1);
  await reader.cancel();
  while (sink.counts.stored < 3) await delay(5);
  await (await stage.manager()).streams.purge("BEACON_MAINNET");
  listener.post(block(4));
  const second = await stage.reader({ durable: "d" });
  assertEquals((await take(second.events(), 1)).map(({ slot }) => slot), [4]);
});

natsTest(
  "fromJetStream() receives on behind a server that was killed",
  async (stage) => {
    const { server, listener } = stage;
    stage.sink();
    const reader = await stage.reader({ durable: "r" });
    const events = reader.events().getReader();
    listener.post(block(1));
    assertEquals((await events.read()).value?.slot, 1);
    await server.kill();
    listener.post(block(2));
    await server.start();
    assertEquals((await events.read()).value?.slot, 2);
    await events.cancel();
  },
);

natsTest(
  "fromJetStream() leaves no connection behind when it is aborted before there is a stream",
  async (stage) => {
    const ended = new AbortController();
    const opening = stage.reader({ signal: ended.signal });
    const { streams } = await stage.manager();
    assertEquals(await streams.names().next(), []);
    ended.abort(new Error("enough"));
    await assertRejects(() => opening, Error, "enough");
  },
);

natsTest(
  "JetStreamSource.events() delivers only the topics that are named",
  async (stage) => {
    const { listener } = stage;
    stage.sink();
    listener.post(block(1));
    listener.post(reorg(2, 1));
    listener.post(block(3));
    const reader = await stage.reader();
    const events = await take(reader.events({ topics: ["block"] }), 2);
    assertEquals(events.map(({ slot }) => slot), [1, 3]);
  },
);

natsTest(
  "JetStreamSource.reorgs() has the epoch that a reorg reaches back to",
  async (stage) => {
    stage.sink();
    stage.listener.post(reorg(65, 3));
    const [found] = await take((await stage.reader()).reorgs(), 1);
    assertEquals([found!.epoch, found!.depth, found!.slot], [1, 3, 65]);
  },
);

natsTest(
  "toJetStream() shows its counts among the listener's metrics",
  async ({ server }) => {
    await using node = await SimulatedBeaconNode.start({ autoplay: false });
    await using listener = await SseListener.start({ nodes: [node.url] });
    const sink = toJetStream(listener, { servers: server.url });
    await node.whenConnected();
    await node.produceBlock();
    const scraped = async () =>
      Object.fromEntries(
        (await listener.registry.metrics()).split("\n")
          .map((line) => /^app_beacon_node_sse_nats_(\S+) (\d+)$/.exec(line))
          .filter((match) => match !== null)
          .map(([, name, value]) => [name, Number(value)]),
      );
    while ((await scraped()).stored_total! < 3) await delay(5);
    assertEquals(await scraped(), {
      connected: 1,
      unacknowledged: 0,
      stored_total: 3,
      duplicates_total: 0,
      lost_total: 0,
      reconnects_total: 0,
    });
    await sink.close();
    assertEquals((await scraped()).connected, 0);
  },
);

Deno.test("toJetStream() names the option that is wrong, and shows no password", () => {
  const wrong = (options: Record<string, unknown>, message: string) => {
    const error = assertThrows(() => toJetStream(source(), options as never));
    assert(
      (error as Error).message.includes(message),
      (error as Error).message,
    );
    assert(!(error as Error).message.includes("secret"));
  };
  wrong({ servers: "http://u:secret@h" }, "servers");
  wrong({ servers: [] }, "servers");
  wrong(
    { servers: ["nats://h", "ws://h"] },
    "all over TCP or all over WebSocket",
  );
  wrong({ servers: "nats://h", network: "a.b" }, "network");
  wrong({ servers: "nats://h", inFlight: 0 }, "inFlight");
});
