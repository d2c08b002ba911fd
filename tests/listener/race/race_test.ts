/** `listener.race()`: who reports a block first. */

import { assertEquals } from "@std/assert";
import { type RaceRecord, SseListener } from "@org/beacon-sse";
import { configAtSlot, until } from "../helpers.ts";
import { sample } from "../../prometheus_samples.ts";
import { block, Feed, frame, head } from "../scripted_node.ts";

const ROOT = `0x${"ab".repeat(32)}`;

/** Nodes that are only a `fetch`, and a clock that the test sets. */
class Track {
  now = Date.now();
  /** How far the clock moves on each time that it is read. */
  tickMs = 0;
  readonly names: readonly string[];
  readonly #streams = new Map<string, Feed>();

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** Starts a listener; all nodes are connected when it resolves. */
  async start(slotDurationMs = 12_000): Promise<SseListener> {
    const listener = await SseListener.start({
      nodes: this.names.map((name) => ({ url: `http://${name}`, name })),
      topics: ["head", "block"],
      config: configAtSlot(100, slotDurationMs),
      now: () => this.now += this.tickMs,
      fetch: (input) => this.#fetch(new URL(String(input))),
    });
    await until(() =>
      listener.nodes.every(({ state }) => state === "connected")
    );
    return listener;
  }

  /** A node reports a block, `ms` after the present. */
  async report(
    name: string,
    topic: "head" | "block",
    ms = 0,
    root = ROOT,
  ): Promise<void> {
    this.now += ms;
    this.send(name, topic, root);
    // The chunk is read before the clock moves on.
    for (let i = 0; i < 50; i++) await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve));
  }

  /** A node reports a block, which is read later. */
  send(name: string, topic: "head" | "block", root = ROOT): void {
    const data = topic === "head" ? head(100) : block(100);
    this.#streams.get(name)!.send(frame(topic, { ...data, block: root }));
  }

  #fetch(url: URL): Promise<Response> {
    if (url.pathname !== "/eth/v1/events") {
      return Promise.resolve(Response.json({}, { status: 404 }));
    }
    const feed = new Feed();
    this.#streams.set(url.hostname, feed);
    return Promise.resolve(feed.open());
  }
}

async function next(races: AsyncIterable<RaceRecord>): Promise<RaceRecord> {
  for await (const race of races) return race;
  throw new Error("no record");
}

Deno.test("SseListener.race() measures how far each node is behind the first", async () => {
  const track = new Track(["a", "b", "c"]);
  await using listener = await track.start();
  const races = listener.race();
  const firstAt = track.now + 700;
  await track.report("b", "head", 700);
  await track.report("c", "head", 35);
  await track.report("a", "head", 1200);
  assertEquals(await next(races), {
    topic: "head",
    slot: 100,
    root: ROOT,
    first: "b",
    firstAt,
    lags: { b: 0, c: 35, a: 1235 },
    missing: [],
  });
});

Deno.test("SseListener.race() compares like topics only", async () => {
  const track = new Track(["a", "b"]);
  await using listener = await track.start();
  const races = listener.race();
  await track.report("a", "block");
  await track.report("b", "head", 10);
  await track.report("a", "head", 10);
  await track.report("b", "block", 10);
  const records = [];
  for await (const { topic, first, lags } of races) {
    if (records.push({ topic, first, lags }) === 2) break;
  }
  assertEquals(records, [
    { topic: "head", first: "b", lags: { b: 0, a: 10 } },
    { topic: "block", first: "a", lags: { a: 0, b: 30 } },
  ]);
});

Deno.test("SseListener.race() reports who has not reported after one slot", async () => {
  const track = new Track(["a", "b"]);
  await using listener = await track.start(100);
  const races = listener.race();
  await track.report("a", "head");
  const { first, missing } = await next(races);
  assertEquals({ first, missing }, { first: "a", missing: ["b"] });
  const metrics = await listener.registry.metrics();
  const labels = { addr: "b", topic: "head" };
  assertEquals(
    sample(metrics, "app_beacon_node_sse_missing_total", labels),
    1,
  );
  assertEquals(
    sample(metrics, "app_beacon_node_sse_first_total", {
      addr: "a",
      topic: "head",
    }),
    1,
  );
});

Deno.test("SseListener.race() counts no winner of a tie", async () => {
  const track = new Track(["a", "b"]);
  await using listener = await track.start();
  const races = listener.race();
  await track.report("a", "head");
  await track.report("b", "head");
  assertEquals((await next(races)).lags, { a: 0, b: 0 });
  const metrics = await listener.registry.metrics();
  for (const addr of ["a", "b"]) {
    const labels = { addr, topic: "head" };
    const wins = sample(metrics, "app_beacon_node_sse_first_total", labels);
    assertEquals(wins ?? 0, 0);
  }
  // Both are in the first bucket, whatever the order of the labels.
  for (const addr of ["a", "b"]) {
    const labels = { le: "0.005", addr, topic: "head" };
    assertEquals(
      sample(metrics, "app_beacon_node_sse_lag_seconds_bucket", labels),
      1,
    );
  }
});

Deno.test("SseListener.race() counts what is read in one turn of the event loop as a tie", async () => {
  const track = new Track(["a", "b", "c"]);
  await using listener = await track.start();
  const races = listener.race();
  track.tickMs = 1;
  for (const name of track.names) track.send(name, "head");
  assertEquals((await next(races)).lags, { a: 0, b: 0, c: 0 });
});

Deno.test("SseListener.race() makes no record of what a node repeats or reports of the past", async () => {
  const track = new Track(["a", "b"]);
  await using listener = await track.start();
  const races = listener.race();
  await track.report("a", "head");
  await track.report("a", "head", 5);
  await track.report("b", "head", 5);
  await track.report("a", "head", 5);
  await track.report("a", "block", 30_000);
  await track.report("b", "block");
  track.now -= 30_000;
  const other = `0x${"cd".repeat(32)}`;
  await track.report("a", "block", 0, other);
  await track.report("b", "block", 1, other);
  const records = [];
  for await (const { topic, lags } of races) {
    if (records.push({ topic, lags }) === 2) break;
  }
  assertEquals(records, [
    { topic: "head", lags: { a: 0, b: 10 } },
    { topic: "block", lags: { a: 0, b: 1 } },
  ]);
});

Deno.test("SseListener registers the share of nodes on the most frequent head", async () => {
  const track = new Track(["a", "b", "c"]);
  await using listener = await track.start();
  await track.report("a", "head");
  await track.report("b", "head", 1);
  await track.report("c", "head", 1, `0x${"cd".repeat(32)}`);
  const metrics = await listener.registry.metrics();
  assertEquals(
    sample(metrics, "app_beacon_node_sse_head_agreement", {}),
    2 / 3,
  );
});
