/** Gateways that replay from JetStream what their rings no longer have. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type ServerSentEvent, SseListener } from "@org/beacon-sse";
import { createGateway } from "@org/beacon-sse/gateway";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { jetStreamHistory, toJetStream } from "../../src/nats/mod.ts";
import { openReader, type StreamReader } from "../gateway/helpers.ts";
import { NatsServer, NEEDS_NATS_SERVER } from "./nats_server.ts";

const TOPICS = ["block_gossip", "block", "head", "chain_reorg"];
const QUERY = `topics=${TOPICS},gap`;

/** A gateway that publishes what it serves, and keeps few events of each topic. */
async function startGateway(
  nodes: readonly SimulatedBeaconNode[],
  server: NatsServer,
  keepEvents = 4,
) {
  const servers = server.url;
  const listener = await SseListener.start({
    nodes: nodes.map(({ url }) => url),
    topics: TOPICS,
  });
  const sink = toJetStream(listener, { servers });
  const history = jetStreamHistory({ servers });
  const gateway = createGateway(listener, { history, keepEvents });
  for await (const { type } of sink.status()) if (type === "connected") break;
  await listener.ready;
  return {
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await history.close();
      await listener.close();
      await sink.close();
    },
  };
}

/** Reads until an event of a slot arrives. */
async function until(
  reader: StreamReader,
  isLast: (event: ServerSentEvent) => boolean,
): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  while (true) {
    const event = await reader.next();
    assert(event !== undefined, "the stream ended");
    events.push(event);
    if (isLast(event)) return events;
  }
}

const slotOf = ({ data }: ServerSentEvent) => Number(JSON.parse(data).slot);
const lines = (events: readonly ServerSentEvent[]) =>
  events.map(({ type, data }) => `${type} ${data}`);

Deno.test(
  "createGateway() with history replays all that its ring no longer has, nothing twice",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    await using node = await SimulatedBeaconNode.start({ slotDurationMs: 250 });
    await using stage = await startGateway([node], server);
    await using all = await openReader(stage.gateway, QUERY);
    const before = await all.take(5);
    const first = slotOf(before.at(-1)!);
    const rest = await until(all, (event) => slotOf(event) >= first + 20);
    await using again = await openReader(stage.gateway, QUERY, {
      "last-event-id": before.at(-1)!.lastEventId,
    });
    const replayed = await again.take(rest.length);
    assertEquals(lines(replayed), lines(rest));
  },
);

Deno.test(
  "createGateway() with history goes on for a reader of another gateway that was killed",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    await using node = await SimulatedBeaconNode.start({ slotDurationMs: 250 });
    await using witness = await startGateway([node], server, 4096);
    await using all = await openReader(witness.gateway, QUERY);
    const first = await startGateway([node], server);
    let before: ServerSentEvent[];
    {
      await using reader = await openReader(first.gateway, QUERY);
      before = await reader.take(7);
    }
    await first[Symbol.asyncDispose]();
    const expected = await until(
      all,
      (event) => slotOf(event) >= slotOf(before.at(-1)!) + 12,
    );
    await using second = await startGateway([node], server);
    await using reader = await openReader(second.gateway, QUERY, {
      "last-event-id": before.at(-1)!.lastEventId,
    });
    const end = slotOf(expected.at(-1)!) + 8;
    const after = await until(reader, (event) => slotOf(event) >= end);
    expected.push(...await until(all, (event) => slotOf(event) >= end));
    const begin = lines(expected).indexOf(lines(before)[0]!);
    assert(begin >= 0);
    const count = before.length + after.length;
    assertEquals(
      lines([...before, ...after]),
      lines(expected.slice(begin, begin + count)),
    );
  },
);

Deno.test(
  "createGateway() with history goes on behind each event that it has replayed",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    await using node = await SimulatedBeaconNode.start({ slotDurationMs: 250 });
    await using stage = await startGateway([node], server);
    await using witness = await startGateway([node], server, 4096);
    await using all = await openReader(witness.gateway, QUERY);
    const begin = slotOf((await all.next())!);
    const expected = await until(all, (event) => slotOf(event) >= begin + 15);
    let id = "";
    const taken: ServerSentEvent[] = [];
    const query = `${QUERY}&since=slot:${begin + 2}`;
    while (taken.length < 20) {
      const headers: HeadersInit = id === "" ? {} : { "last-event-id": id };
      await using reader = await openReader(stage.gateway, query, headers);
      taken.push(...await reader.take(5));
      id = taken.at(-1)!.lastEventId;
      if (taken.length < 10) assert(id.startsWith("js"), id);
    }
    const from = expected.findIndex((event) => slotOf(event) >= begin + 2);
    assertEquals(lines(taken), lines(expected.slice(from, from + 20)));
  },
);

Deno.test(
  "createGateway() with history reports a gap where JetStream is away",
  NEEDS_NATS_SERVER,
  async () => {
    await using server = await NatsServer.start();
    await using node = await SimulatedBeaconNode.start({ slotDurationMs: 250 });
    await using stage = await startGateway([node], server);
    await using all = await openReader(stage.gateway, QUERY);
    const first = (await all.next())!;
    const slot = slotOf(first);
    await until(all, (event) => slotOf(event) >= slot + 8);
    await server.kill();
    await using again = await openReader(
      stage.gateway,
      "topics=block_gossip,gap",
      { "last-event-id": first.lastEventId },
    );
    const gap = await again.next();
    const { from, topics, reason } = JSON.parse(gap!.data);
    assertEquals([gap!.type, from, topics], [
      "gap",
      slot,
      ["block_gossip"],
    ]);
    assertMatch(reason, /JetStream is away/);
    await server.start();
  },
);
