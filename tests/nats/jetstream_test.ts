import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { SseListener } from "@org/beacon-sse";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { delay } from "@std/async/delay";
import { connect } from "@nats-io/transport-node";
import {
  type BeaconEvent,
  fromJetStream,
  StreamRefusedError,
  toJetStream,
} from "../../src/nats/mod.ts";
import { Broadcast } from "../../src/listener/broadcast/broadcast.ts";
import { NatsServer, NEEDS_NATS_SERVER } from "./nats_server.ts";

function root(number: number): string {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

function block(slot: number, block = slot): BeaconEvent<string> {
  const data = { slot, block: root(block), execution_optimistic: false };
  const raw = `{"slot":"${slot}","block":"${
    root(block)
  }","execution_optimistic":false}`;
  return {
    topic: "block",
    data,
    raw,
    node: "a",
    receivedAt: 1000 + slot,
    slot,
  };
}

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

/** Stands in for a listener: what is posted is what its nodes reported. */
function source() {
  const broadcast = new Broadcast<BeaconEvent<string>>();
  return {
    post: (event: BeaconEvent<string>) => broadcast.post(event),
    events: ({ signal }: { signal: AbortSignal }) =>
      broadcast.subscribe({ signal }),
  };
}

async function take<T>(values: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  for await (const value of values) {
    taken.push(value);
    if (taken.length === count) break;
  }
  return taken;
}

async function nextStatus(
  statuses: AsyncIterable<{ type: string }>,
  type: string,
) {
  for await (const status of statuses) if (status.type === type) return status;
  throw new Error(`no status "${type}"`);
}

for (const transport of ["TCP", "WebSocket"] as const) {
  Deno.test(
    `toJetStream() and fromJetStream() carry events as they are over ${transport}`,
    NEEDS_NATS_SERVER,
    async () => {
      await using server = await NatsServer.start();
      const servers = transport === "TCP" ? server.url : server.webUrl;
      const listener = source();
      await using sink = toJetStream(listener, { servers });
      for (let slot = 1; slot <= 3; slot++) listener.post(block(slot));
      listener.post({ ...block(4), recovered: true });
      await using reader = await fromJetStream({ servers, from: "all" });
      const events = await take(reader.events(), 4);
      assertEquals(
        events.map(({ raw }) => raw),
        [1, 2, 3, 4].map((slot) => block(slot).raw),
      );
      const [first] = events;
      assertEquals(
        [
          first!.topic,
          first!.node,
          first!.receivedAt,
          first!.slot,
          first!.data,
        ],
        ["block", "a", 1001, 1, block(1).data],
      );
      assertEquals(events.map(({ recovered }) => recovered), [
        undefined,
        undefined,
        undefined,
        true,
      ]);
      assertEquals(sink.counts, {
        stored: 4,
        duplicates: 0,
        lost: 0,
        pending: 0,
      });
    },
  );
}

Deno.test(
  "toJetStream() of two listeners stores each event once",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const [one, other] = [source(), source()];
    const first = toJetStream(one, { servers: server.url });
    const second = toJetStream(other, { servers: server.url });
    for (let slot = 1; slot <= 20; slot++) {
      one.post(block(slot));
      other.post({ ...block(slot), node: "b", receivedAt: 7 });
    }
    await first.close();
    await second.close();
    const counts = [first.counts, second.counts];
    assertEquals(counts.reduce((sum, { stored }) => sum + stored, 0), 20);
    assertEquals(
      counts.reduce((sum, { duplicates }) => sum + duplicates, 0),
      20,
    );
  },
);

Deno.test(
  "toJetStream() stores a head again that another one has followed",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    const sink = toJetStream(listener, { servers: server.url });
    const head = (number: number): BeaconEvent<string> => {
      const data = {
        slot: 9,
        block: root(number),
        state: root(0),
        epoch_transition: false,
        previous_duty_dependent_root: root(0),
        current_duty_dependent_root: root(0),
        execution_optimistic: false,
      };
      return {
        topic: "head",
        data,
        raw: JSON.stringify({ ...data, slot: "9" }),
        node: "a",
        receivedAt: 1,
        slot: 9,
      };
    };
    for (const number of [1, 2, 1, 1]) listener.post(head(number));
    await sink.close();
    assertEquals([sink.counts.stored, sink.counts.duplicates], [3, 1]);
  },
);

Deno.test(
  "toJetStream() sends what was in flight again when the server was killed",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    const sink = toJetStream(listener, { servers: server.url });
    const statuses = sink.status();
    listener.post(block(1));
    await nextStatus(statuses, "connected");
    await server.kill();
    for (let slot = 2; slot <= 50; slot++) listener.post(block(slot));
    await server.start();
    await using reader = await fromJetStream({
      servers: server.url,
      from: "all",
    });
    const events = await take(reader.events(), 50);
    assertEquals(
      events.map(({ slot }) => slot),
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
    await sink.close();
    assertEquals(sink.counts, {
      stored: 50,
      duplicates: 0,
      lost: 0,
      pending: 0,
    });
  },
);

Deno.test(
  "toJetStream() waits for a server that is not there yet",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    await server.kill();
    const listener = source();
    const sink = toJetStream(listener, { servers: server.url });
    listener.post(block(1));
    await server.start();
    await using reader = await fromJetStream({
      servers: server.url,
      from: "all",
    });
    assertEquals((await take(reader.events(), 1)).length, 1);
    await sink.close();
  },
);

Deno.test(
  "toJetStream() reports an event that is too large for the server as a gap, and goes on",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    const sink = toJetStream(listener, { servers: server.url });
    const statuses = sink.status();
    listener.post({
      ...block(1),
      raw: `{"slot":"1","block":"${
        root(1)
      }","execution_optimistic":false,"x":"${"y".repeat(2 ** 20)}"}`,
    });
    listener.post(block(2));
    const gap = await nextStatus(statuses, "gap") as Record<string, unknown>;
    assertEquals([gap.from, gap.to, gap.topics, gap.count], [
      1,
      1,
      ["block"],
      1,
    ]);
    await sink.close();
    assertEquals(sink.counts, {
      stored: 1,
      duplicates: 0,
      lost: 1,
      pending: 0,
    });
  },
);

Deno.test(
  "toJetStream() with subjectPerEvent stores an event once without a window",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    const options = { servers: server.url, subjectPerEvent: true };
    const sink = toJetStream(listener, { ...options, duplicateWindowMs: 1000 });
    const statuses = sink.status();
    await nextStatus(statuses, "connected");
    const connection = await connect({ servers: `127.0.0.1:${server.port}` });
    const manager = await jetstreamManager(connection);
    listener.post(block(1));
    listener.post(block(2));
    while (sink.counts.stored < 2) {
      await new Promise((done) => setTimeout(done, 5));
    }
    // A server that has forgotten the ids, as after a purge and a restart: here by a window of none.
    await manager.streams.update("BEACON_MAINNET", {
      duplicate_window: 100_000_000,
    });
    while (
      (await manager.streams.info("BEACON_MAINNET")).config.duplicate_window !==
        100_000_000
    );
    await new Promise((done) => setTimeout(done, 300));
    listener.post(block(1));
    await sink.close();
    assertEquals([sink.counts.stored, sink.counts.duplicates], [2, 1]);
    await connection.close();
  },
);

for (
  const [name, config, reason] of [
    [
      "other subjects",
      { subjects: ["beacon.sepolia.>"] },
      "not beacon.mainnet.>",
    ],
    ["a short duplicate window", {
      subjects: ["beacon.>"],
      duplicate_window: 120e9,
    }, "duplicate_window is 120 s"],
    ["one message per subject", {
      subjects: ["beacon.*.>"],
      duplicate_window: 3600e9,
      max_msgs_per_subject: 1,
    }, "max_msgs_per_subject"],
    ["no acknowledgements", {
      subjects: ["beacon.>"],
      duplicate_window: 3600e9,
      no_ack: true,
    }, "no_ack"],
  ] as const
) {
  Deno.test(
    `toJetStream() refuses a stream with ${name}, and does not alter it`,
    NEEDS_NATS_SERVER,
    async () => {
      await using server = await NatsServer.start();
      const connection = await connect({ servers: `127.0.0.1:${server.port}` });
      const manager = await jetstreamManager(connection);
      await manager.streams.add({
        name: "BEACON_MAINNET",
        ...config,
        subjects: [...config.subjects],
      });
      const before = (await manager.streams.info("BEACON_MAINNET")).config;
      const sink = toJetStream(source(), { servers: server.url });
      const error = await assertRejects(
        () => sink.finished,
        StreamRefusedError,
      );
      assert(error.message.includes(reason), error.message);
      assertEquals(
        (await manager.streams.info("BEACON_MAINNET")).config,
        before,
      );
      await connection.close();
    },
  );
}

Deno.test(
  "fromJetStream() goes on where a reader of the same name was",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    await using _sink = toJetStream(listener, { servers: server.url });
    for (let slot = 1; slot <= 6; slot++) listener.post(block(slot));
    const options = { servers: server.url, durable: "d", from: "all" } as const;
    {
      await using reader = await fromJetStream(options);
      assertEquals((await take(reader.events(), 2)).map(({ slot }) => slot), [
        1,
        2,
      ]);
    }
    {
      await using reader = await fromJetStream(options);
      assertEquals((await take(reader.events(), 4)).map(({ slot }) => slot), [
        3,
        4,
        5,
        6,
      ]);
    }
  },
);

Deno.test(
  "fromJetStream() receives on behind a server that was killed",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    await using _sink = toJetStream(listener, { servers: server.url });
    await using reader = await fromJetStream({
      servers: server.url,
      from: "all",
      durable: "r",
    });
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

Deno.test(
  "JetStreamSource.events() delivers only the topics that are named",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    await using _sink = toJetStream(listener, { servers: server.url });
    listener.post(block(1));
    listener.post(reorg(2, 1));
    listener.post(block(3));
    await using reader = await fromJetStream({
      servers: server.url,
      from: "all",
    });
    const events = await take(reader.events({ topics: ["block"] }), 2);
    assertEquals(events.map(({ slot }) => slot), [1, 3]);
  },
);

Deno.test(
  "JetStreamSource.reorgs() has the epoch that a reorg reaches back to",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    const listener = source();
    await using _sink = toJetStream(listener, { servers: server.url });
    listener.post(reorg(65, 3));
    await using reader = await fromJetStream({
      servers: server.url,
      from: "all",
    });
    const [found] = await take(reader.reorgs(), 1);
    assertEquals([found!.epoch, found!.depth, found!.slot], [1, 3, 65]);
  },
);

Deno.test(
  "toJetStream() shows its counts among the listener's metrics",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
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
