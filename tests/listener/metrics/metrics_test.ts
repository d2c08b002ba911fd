import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { SseListener, type SseListenerOptions } from "@org/beacon-sse";
import { Counter, Registry } from "prom-client";
import { listen, take } from "../helpers.ts";
import { sample } from "../../prometheus_samples.ts";
import {
  block,
  chainReorg,
  Feed,
  frame,
  head,
  headV2,
  nodeSending,
  openStream,
  ScriptedNode,
} from "../scripted_node.ts";

const GENESIS = 1_700_000_000_000;
const CONFIG = {
  genesisTime: GENESIS,
  slotDurationMs: 12_000,
  slotsPerEpoch: 32,
};

/** Feeds events at given delays behind the start of their slot, and returns the metrics' text. */
async function metricsOf(
  events: { topic: string; data: Record<string, unknown>; delayMs: number }[],
  options: Partial<SseListenerOptions> = {},
): Promise<string> {
  const feed = new Feed();
  await using node = new ScriptedNode({ events: () => feed.open() });
  let now = GENESIS;
  await using listener = await SseListener.start({
    config: CONFIG,
    nodes: [{ url: node.url, name: "a" }],
    now: () => now,
    ...options,
  });
  await listener.ready;
  const received = listener.events()[Symbol.asyncIterator]();
  for (const [number, { topic, data, delayMs }] of events.entries()) {
    const { slot } = (data.data ?? data) as { slot: string };
    now = GENESIS + Number(slot) * 12_000 + delayMs;
    // An event may be suppressed; the one behind it is not.
    feed.send(frame(topic, data) + frame("marker", { number }));
    while ((await received.next()).value!.topic as string !== "marker");
  }
  return await listener.registry.metrics();
}

Deno.test("SseListener() observes delays in seconds from the start of the slot", async () => {
  const metrics = await metricsOf([
    { topic: "block_gossip", data: block(100), delayMs: 1250 },
    { topic: "block", data: block(100), delayMs: 1500 },
    { topic: "head", data: head(100), delayMs: 1750 },
    { topic: "head", data: head(101), delayMs: 4000 },
    { topic: "chain_reorg", data: chainReorg(101, 3), delayMs: 4000 },
  ]);
  const histogram = (name: string) => [
    sample(metrics, `app_beacon_node_${name}_count`, { addr: "a" }),
    sample(metrics, `app_beacon_node_${name}_sum`, { addr: "a" }),
  ];
  assertEquals(histogram("sse_block_gossip"), [1, 1.25]);
  assertEquals(histogram("sse_block"), [1, 1.5]);
  assertEquals(histogram("sse_head_delay"), [2, 5.75]);
  assertEquals(histogram("sse_block_processing_time"), [1, 0.5]);
  assertEquals(histogram("sse_chain_reorg_depth"), [1, 3]);
  assertEquals(
    sample(metrics, "app_beacon_node_sse_head_slot", { addr: "a" }),
    101,
  );
});

Deno.test("SseListener() has Charon's buckets, the one of 4 seconds as dashboards look for it", async () => {
  const metrics = await metricsOf([
    { topic: "block_gossip", data: block(100), delayMs: 100 },
    { topic: "block", data: block(100), delayMs: 200 },
    { topic: "head", data: head(100), delayMs: 300 },
    { topic: "chain_reorg", data: chainReorg(100, 3), delayMs: 400 },
  ]);
  const buckets = (name: string) =>
    [...metrics.matchAll(
      new RegExp(`^app_beacon_node_${name}_bucket{le="([^"]+)"`, "gm"),
    )]
      .map(([, le]) => le!).join();
  assertEquals(buckets("sse_head_delay"), "2,4,6,8,10,12,+Inf");
  assertEquals(buckets("sse_chain_reorg_depth"), "1,2,4,6,8,16,+Inf");
  const blocks = "0.5,1,1.5,2,2.5,3,3.5,4,4.5,5,6,8,10,12,+Inf";
  assertEquals(buckets("sse_block_gossip"), blocks);
  assertEquals(buckets("sse_block"), blocks);
  assertEquals(
    buckets("sse_block_processing_time"),
    "0.01,0.05,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1,2,4,+Inf",
  );
  assertStringIncludes(
    metrics,
    `app_beacon_node_sse_head_delay_bucket{le="4",addr="a"} 1`,
  );
});

Deno.test("SseListener() observes late heads, which Charon's parity leaves out", async () => {
  const events = [{ topic: "head", data: head(100), delayMs: 13_000 }];
  const name = "app_beacon_node_sse_head_delay_count";
  assertEquals(sample(await metricsOf(events), name, { addr: "a" }), 1);
  const parity = await metricsOf(events, { parity: "charon" });
  assertEquals(sample(parity, name, { addr: "a" }), undefined);
  assertEquals(
    sample(parity, "app_beacon_node_sse_head_slot", { addr: "a" }),
    100,
  );
});

Deno.test("SseListener() observes no delay of what is more than an epoch behind the clock", async () => {
  const metrics = await metricsOf([
    { topic: "block_gossip", data: block(100), delayMs: 33 * 12_000 },
    { topic: "block", data: block(100), delayMs: 33 * 12_000 },
    { topic: "head", data: head(100), delayMs: 33 * 12_000 },
    { topic: "head", data: head(101), delayMs: 32 * 12_000 },
  ]);
  const count = (name: string) =>
    sample(metrics, `app_beacon_node_sse_${name}`, { addr: "a" });
  assertEquals(count("head_delay_count"), 1);
  assertEquals(count("block_count"), undefined);
  assertEquals(count("block_gossip_count"), undefined);
});

Deno.test("SseListener() observes the delay of a repeated head once", async () => {
  const metrics = await metricsOf([
    { topic: "head", data: head(100), delayMs: 1000 },
    { topic: "head", data: head(100), delayMs: 5000 },
  ]);
  const name = "app_beacon_node_sse_head_delay_count";
  assertEquals(sample(metrics, name, { addr: "a" }), 1);
});

Deno.test("SseListener() clamps the delay of a node whose clock is ahead at 0", async () => {
  const metrics = await metricsOf([{
    topic: "block",
    data: block(100),
    delayMs: -700,
  }]);
  assertEquals(
    sample(metrics, "app_beacon_node_sse_block_sum", { addr: "a" }),
    0,
  );
  assertEquals(
    sample(metrics, "app_beacon_node_sse_block_count", { addr: "a" }),
    1,
  );
});

Deno.test("SseListener() counts as late what came when attestations were due", async () => {
  const metrics = await metricsOf([
    { topic: "block", data: block(100), delayMs: 3998 },
    { topic: "block", data: block(101), delayMs: 3999 },
    { topic: "head", data: head(101), delayMs: 4500 },
  ]);
  const late = (topic: string) =>
    sample(metrics, "app_beacon_node_sse_late_total", { addr: "a", topic });
  assertEquals([late("block"), late("head"), late("block_gossip")], [
    1,
    1,
    undefined,
  ]);
});

Deno.test("SseListener() measures processing once, and only with a gossip before the head", async () => {
  const metrics = await metricsOf([
    { topic: "head", data: head(99), delayMs: 900 },
    { topic: "block_gossip", data: block(100), delayMs: 500 },
    { topic: "head", data: head(100), delayMs: 900 },
    { topic: "head", data: head(100), delayMs: 2900 },
    { topic: "block_gossip", data: block(101), delayMs: 500 },
    { topic: "head", data: head(101), delayMs: 400 },
  ]);
  const name = "app_beacon_node_sse_block_processing_time";
  assertEquals(sample(metrics, `${name}_count`, { addr: "a" }), 1);
  assertEquals(sample(metrics, `${name}_sum`, { addr: "a" }), 0.4);
});

Deno.test("SseListener() remembers the gossip of the last 64 slots, though no head follows", async () => {
  const slots = Array.from({ length: 150 }, (_, slot) => slot);
  const metrics = await metricsOf([
    ...slots.map((slot) => (
      { topic: "block_gossip", data: block(slot), delayMs: 1000 }
    )),
    ...[1, 85, 86, 149].map((slot) => (
      { topic: "head", data: head(slot), delayMs: 1500 }
    )),
  ]);
  const name = "app_beacon_node_sse_block_processing_time_count";
  assertEquals(sample(metrics, name, { addr: "a" }), 2);
});

Deno.test("SseListener() measures processing that took no millisecond", async () => {
  const metrics = await metricsOf([
    { topic: "block_gossip", data: block(100), delayMs: 500 },
    { topic: "head", data: head(100), delayMs: 500 },
  ]);
  const name = "app_beacon_node_sse_block_processing_time";
  assertEquals(sample(metrics, `${name}_count`, { addr: "a" }), 1);
  assertEquals(sample(metrics, `${name}_sum`, { addr: "a" }), 0);
});

Deno.test("SseListener() measures a block's head_v2 once, though it is reported again with its payload", async () => {
  const metrics = await metricsOf([
    { topic: "head_v2", data: headV2(100), delayMs: 1000 },
    { topic: "head_v2", data: headV2(100), delayMs: 9000 },
    { topic: "head", data: head(100), delayMs: 1100 },
    { topic: "head_v2", data: headV2(101), delayMs: 2000 },
  ], { topics: ["head", "head_v2"] });
  const name = "app_beacon_node_sse_head_delay";
  assertEquals(sample(metrics, `${name}_count`, { addr: "a" }), 2);
  assertEquals(sample(metrics, `${name}_sum`, { addr: "a" }), 3);
});

Deno.test("SseListener() measures what arrived before the clock was known", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events: () => openStream(frame("block", block(100))),
    async other() {
      await promise;
      return Response.json({
        data: {
          genesis_time: String(GENESIS / 1000),
          genesis_validators_root: `0x${"00".repeat(32)}`,
          SECONDS_PER_SLOT: "12",
          SLOTS_PER_EPOCH: "32",
        },
      });
    },
  });
  await using listener = await SseListener.start({
    nodes: [{ url: node.url, name: "a" }],
    now: () => GENESIS + 100 * 12_000 + 2500,
    fetch: (input, init) =>
      String(input).includes("/syncing")
        ? Promise.resolve(new Response())
        : fetch(input, init),
  });
  await take(listener.events(), 1);
  const name = "app_beacon_node_sse_block_sum";
  assertEquals(
    sample(await listener.registry.metrics(), name, { addr: "a" }),
    undefined,
  );
  resolve();
  await listener.ready;
  assertEquals(
    sample(await listener.registry.metrics(), name, { addr: "a" }),
    2.5,
  );
});

Deno.test("SseListener() shows its connections", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0 ? new Response(null, { status: 500 }) : openStream(
        frame("head", head(100)),
        "event: head\ndata: {}\n\n",
        "event: evil_1\ndata: x\n\n",
        frame("block", block(100)),
      ),
  });
  const now = GENESIS + 100 * 12_000 + 1000;
  await using listener = await listen({ a: node }, {
    config: CONFIG,
    now: () => now,
  });
  const _all = listener.events();
  await take(listener.events({ topics: ["block"] }), 1);
  const metrics = await listener.registry.metrics();
  const value = (name: string, labels: Record<string, string> = {}) =>
    sample(metrics, `app_beacon_node_${name}`, { addr: "a", ...labels });
  assertEquals(value("sse_connected"), 1);
  assertEquals(value("sse_reconnects_total", { reason: "status" }), 1);
  assertEquals(value("sse_events_total", { topic: "head" }), 1);
  assertEquals(value("sse_malformed_total", { topic: "head" }), 1);
  assertEquals(value("sse_malformed_total", { topic: "other" }), 1);
  assertEquals(value("sse_oversize_total"), 0);
  assertEquals(value("sse_last_event_timestamp_seconds"), now / 1000);
  assert(value("sse_bytes_total")! > 400);
  assert(!metrics.includes("evil_1"));
});

Deno.test("SseListener() shares a registry by prefix, and frees its names when it ends", async () => {
  const registry = new Registry();
  const options = {
    registry,
    config: CONFIG,
    nodes: [{ url: "http://127.0.0.1:4", name: "a" }],
  };
  const first = await SseListener.start(options);
  await assertRejects(
    () => SseListener.start(options),
    TypeError,
    'prefix must be another one for each listener of a registry, got "app_beacon_node_", and the registry has app_beacon_node_sse_head_slot',
  );
  const other = await SseListener.start({ ...options, prefix: "other_" });
  await first.close();
  assert(!(await registry.metrics()).includes("app_beacon_node_"));
  const second = await SseListener.start(options);
  assertStringIncludes(
    await registry.metrics(),
    `other_sse_connected{addr="a"} 0`,
  );
  await second.close();
  await other.close();
});

Deno.test("SseListener.start() registers no metric where one of another source has a name of its", async () => {
  const registry = new Registry();
  const name = "app_beacon_node_sse_dropped_total";
  new Counter({ name, help: "another one", registers: [registry] });
  const options = { registry, config: CONFIG, nodes: ["http://127.0.0.1:4"] };
  await assertRejects(() => SseListener.start(options), TypeError, name);
  assertEquals(registry.getMetricsAsArray().map(({ name }) => name), [name]);
});

Deno.test("SseListener() gives its constant labels to all series", async () => {
  const labels = { cluster_name: "a b", nickname: "n" };
  const metrics = await metricsOf([
    { topic: "block_gossip", data: block(100), delayMs: 100 },
    { topic: "head", data: head(100), delayMs: 500 },
  ], { labels });
  const series = metrics.split("\n").filter((line) => /^app_/.test(line));
  assert(series.length > 20);
  for (const line of series) {
    assertStringIncludes(line, `cluster_name="a b"`);
    assertStringIncludes(line, `nickname="n"`);
  }
});

Deno.test("SseListener() shows reorgs and gaps as 0 before the first, so that rules see it", async () => {
  const metrics = await metricsOf([
    { topic: "head", data: head(100), delayMs: 500 },
  ]);
  const count = (name: string, labels = {}) =>
    sample(metrics, `app_beacon_node_sse_${name}`, { addr: "a", ...labels });
  assertEquals(count("chain_reorg_depth_count"), 0);
  for (const kind of ["reconnect", "dropped", "queue"]) {
    assertEquals(count("gaps_total", { kind }), 0);
  }
});

Deno.test("SseListener() names the peer for Obol's dashboards when it has the labels of one", async () => {
  const cluster = { cluster_name: "c", cluster_hash: "0x1" };
  const labels = { ...cluster, cluster_peer: "p", nickname: "n" };
  const named = await metricsOf([], { labels });
  assertEquals(sample(named, "app_peer_name", labels), 1);
  const nameless = await metricsOf([], { labels: cluster });
  assert(!nameless.includes("app_peer_name"));
});

Deno.test("SseListener() shares the name of the peer with other listeners of a registry", async () => {
  const registry = new Registry();
  const labels = { cluster_name: "c", cluster_hash: "0x1", cluster_peer: "p" };
  const start = (prefix: string) =>
    SseListener.start({
      registry,
      labels,
      prefix,
      config: CONFIG,
      nodes: ["http://127.0.0.1:4"],
    });
  await using _first = await start("first_");
  await using _second = await start("second_");
  assertEquals(sample(await registry.metrics(), "app_peer_name", labels), 1);
});

Deno.test("SseListener.start() refuses labels that are not of the right form", async () => {
  const nodes = ["http://127.0.0.1:4"];
  const table: [unknown, string][] = [
    [5, "labels must be an object, got 5"],
    [{ "a-b": "x" }, 'got "a-b"'],
    [{ addr: "x" }, "other than addr, kind, le"],
    [{ __name__: "x" }, 'got "__name__"'],
    [{ a: 5 }, "labels.a must be a string, got 5"],
  ];
  for (const [labels, words] of table) {
    await assertRejects(
      () => SseListener.start({ nodes, labels: labels as never }),
      TypeError,
      words,
    );
  }
});

Deno.test("SseListener() without metrics delivers events and has an empty registry", async () => {
  await using node = nodeSending(frame("head", head(100)));
  await using listener = await SseListener.start({
    nodes: [node.url],
    registry: false,
    config: CONFIG,
    now: () => GENESIS + 100 * 12_000,
  });
  const [event] = await take(listener.events(), 1);
  assertEquals(event!.topic, "head");
  assertEquals(await listener.registry.metrics(), "");
  assertEquals(listener.registry.getMetricsAsArray(), []);
});
