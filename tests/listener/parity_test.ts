/**
 * A counterpart of each test that Charon's `app/sse` and Pluto's `crates/app/src/sse` have, named
 * after it. Where this listener deliberately does something else, the title says what.
 */

import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { mock } from "node:test";
import { setImmediate } from "node:timers";
import {
  type BeaconEvent,
  BeaconHttpError,
  BeaconNetworkError,
  type BeaconNodeOptions,
  type DisconnectedStatus,
  KNOWN_TOPICS,
  SseListener,
  type SseListenerOptions,
} from "@org/beacon-sse";
import {
  type ServerSentEvent,
  SseBatchDecoderStream,
  SseDecoder,
} from "@org/beacon-sse/sse";
import { openEventStream } from "../../src/beacon/http/event_stream.ts";
import { NodeEndpoint } from "../../src/beacon/http/endpoint.ts";
import { TOPIC_EXAMPLES } from "../beacon/events/topic_examples.ts";
import { brief, configAtSlot, nextStatus, sample, take } from "./helpers.ts";
import {
  block,
  chainReorg,
  endedStream,
  frame,
  head,
  openStream,
  ScriptedNode,
} from "./scripted_node.ts";

/** Slot 400 is now, so that events up to epoch 12 are of the past. */
const OPTIONS = {
  config: configAtSlot(400),
  random: () => 0,
} satisfies Partial<
  SseListenerOptions
>;

const MARKER = frame("block", block(399));

/** What a listener makes of one stream: its events up to the marker, reorgs and metrics. */
async function listenTo(
  frames: string[],
  options: Partial<SseListenerOptions> = {},
): Promise<{
  events: BeaconEvent<string>[];
  reorgEpochs: number[];
  metric: (name: string, labels?: Record<string, string>) => number | undefined;
}> {
  await using node = new ScriptedNode({
    events: () => openStream(...frames, MARKER),
  });
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: node.url, name: "a" }],
    ...options,
  });
  const subscriptions = {
    events: listener.events(),
    reorgs: listener.reorgs(),
  };
  const events: BeaconEvent<string>[] = [];
  for await (
    const event of subscriptions.events as AsyncIterable<BeaconEvent>
  ) {
    if (event.topic === "block" && event.data.slot === 399) break;
    events.push(event);
  }
  assertEquals(listener.nodes[0]!.reconnects, 0);
  const metrics = await listener.registry.metrics();
  // What a closed listener has queued can still be read.
  await listener.close();
  const reorgs = await Array.fromAsync(subscriptions.reorgs);
  return {
    events,
    reorgEpochs: reorgs.map(({ epoch }) => epoch),
    metric: (name, labels = {}) =>
      sample(metrics, `app_beacon_node_${name}`, { addr: "a", ...labels }),
  };
}

const GENESIS = 1_700_000_000_000;
const SLOT_MS = 12_000;

/** A listener whose node sends each event at a time of the test's choice. */
class TimedListener implements AsyncDisposable {
  readonly #node: ScriptedNode;
  readonly #listener: SseListener;
  readonly #clock: { now: number };
  readonly #received: AsyncIterator<BeaconEvent<string>>;
  readonly #send: (text: string) => void;

  static async start(
    options: Partial<SseListenerOptions> = {},
  ): Promise<TimedListener> {
    const clock = { now: GENESIS };
    const { readable, writable } = new TransformStream<
      Uint8Array<ArrayBuffer>
    >();
    const writer = writable.getWriter();
    const node = new ScriptedNode({
      events: () =>
        new Response(readable, {
          headers: { "content-type": "text/event-stream" },
        }),
    });
    const listener = await SseListener.start({
      config: {
        genesisTime: GENESIS,
        slotDurationMs: SLOT_MS,
        slotsPerEpoch: 32,
      },
      nodes: [{ url: node.url, name: "a" }],
      now: () => clock.now,
      ...options,
    });
    await listener.ready;
    return new TimedListener(node, listener, clock, (text) => {
      // Fails where the client has left, which is no concern of the test.
      writer.write(new TextEncoder().encode(text)).catch(() => {});
    });
  }

  private constructor(
    node: ScriptedNode,
    listener: SseListener,
    clock: { now: number },
    send: (text: string) => void,
  ) {
    this.#node = node;
    this.#listener = listener;
    this.#clock = clock;
    this.#received = listener.events()[Symbol.asyncIterator]();
    this.#send = send;
  }

  /** Lets the node send an event so long after the start of a slot, and waits for it. */
  async send(
    topic: string,
    data: Record<string, unknown>,
    slot: number,
    delayMs: number,
  ): Promise<void> {
    this.#clock.now = GENESIS + slot * SLOT_MS + delayMs;
    this.#send(frame(topic, data));
    const { value } = await this.#received.next();
    assertEquals([value.topic, value.receivedAt], [topic, this.#clock.now]);
  }

  /** Values of a metric for this node. */
  async metric(
    name: string,
    labels: Record<string, string> = {},
  ): Promise<number | undefined> {
    return sample(
      await this.#listener.registry.metrics(),
      `app_beacon_node_${name}`,
      { addr: "a", ...labels },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener.close();
    await this.#node[Symbol.asyncDispose]();
  }
}

/** Time that passes only when a test lets it, and real turns of the event loop in between. */
class FakeClock implements Disposable {
  constructor() {
    mock.timers.enable({ apis: ["setTimeout"] });
  }

  /** Lets time pass, and then all that follows from it without input from outside. */
  async tick(milliseconds: number): Promise<void> {
    mock.timers.tick(milliseconds);
    await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.dispose](): void {
    mock.timers.reset();
  }
}

// Charon, client_internal_test.go.

Deno.test("parity: Charon TestReconnect: connects a second time when the server closes, and ends without an error", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0 ? endedStream() : openStream(MARKER),
  });
  const controller = new AbortController();
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
    signal: controller.signal,
  });
  assertEquals((await take(listener.events(), 1)).map(brief), ["block 399"]);
  assertEquals(
    node.requests.map(({ url }) => new URL(url).pathname),
    ["/eth/v1/events", "/eth/v1/events"],
  );
  controller.abort();
  await listener.finished;
});

Deno.test("parity: Charon TestParseEventRetry: retry 10 is read as 10 ms", () => {
  const retries: number[] = [];
  const decoder = new SseDecoder({ onRetry: (ms) => retries.push(ms) });
  assertEquals(decoder.push("retry: 10\n\n"), []);
  assertEquals(retries, [10]);
});

Deno.test("parity: Charon TestParseEventRetry: retry 10 does not shorten our waits, which have a base of their own", async () => {
  await using node = new ScriptedNode({
    events: () => endedStream("retry: 10\n\n"),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
    random: () => 0.5,
  });
  const { retryInMs } = await nextStatus(listener.status(), "disconnected");
  assertEquals(retryInMs, 500);
});

Deno.test("parity: Charon TestParseEventInvalidRetry: retry ??? is ignored without an error", () => {
  const retries: number[] = [];
  const decoder = new SseDecoder({ onRetry: (ms) => retries.push(ms) });
  assertEquals(decoder.push("retry: ???\ndata: a\n\n").length, 1);
  assertEquals(retries, []);
});

for (
  const { name, stream, expected, lastEventId = "" } of [
    { name: "no data", stream: "\n", expected: [] },
    {
      name: "id, which alone is no event",
      stream: "id: 7\n\n",
      expected: [],
      lastEventId: "7",
    },
    {
      name: "event, which without data is no event",
      stream: "event: head\n\n",
      expected: [],
    },
    { name: "data", stream: "data: {}\n\n", expected: [message("{}")] },
    {
      name: "multi-line data is joined by line feeds",
      stream: "data: a\ndata: b\ndata: c\n\n",
      expected: [message("a\nb\nc")],
    },
    {
      name: "multi-line data with CRLF",
      stream: "data: a\r\ndata: b\r\n\r\n",
      expected: [message("a\nb")],
    },
    {
      name: "a comment is ignored",
      stream: ": hello\ndata: a\n\n",
      expected: [message("a")],
    },
    {
      name: "a line without a colon is ignored",
      stream: "hello\ndata: a\n\n",
      expected: [message("a")],
    },
    {
      name: "several fields without spaces",
      stream: "id:7\nevent:head\ndata:a\n\n",
      expected: [{ type: "head", data: "a", lastEventId: "7" }],
      lastEventId: "7",
    },
    {
      name: "several fields with spaces",
      stream: "id: 7\nevent: head\ndata: a\n\n",
      expected: [{ type: "head", data: "a", lastEventId: "7" }],
      lastEventId: "7",
    },
    {
      name: "fields mixed with an unsupported one, a comment and more data",
      stream: "event: head\nslot: 7\ndata: a\n: hello\ndata: b\n\n",
      expected: [{ type: "head", data: "a\nb", lastEventId: "" }],
    },
    {
      name: "an incomplete last line is dropped, where Charon has an error",
      stream: "data: a\n\ndata: b",
      expected: [message("a")],
    },
    {
      name: "an empty input is no event, where Charon has an EOF",
      stream: "",
      expected: [],
    },
    {
      name:
        "a complete line without a blank one is no event, where Charon has an EOF",
      stream: "data: a\n",
      expected: [],
    },
  ]
) {
  Deno.test(`parity: Charon TestParseEvent: ${name}`, async () => {
    const decoder = new SseBatchDecoderStream();
    const batches = await Array.fromAsync(
      ReadableStream.from([stream]).pipeThrough(decoder),
    );
    assertEquals(batches.flat(), expected);
    assertEquals(decoder.lastEventId, lastEventId);
  });
}

function message(data: string): ServerSentEvent {
  return { type: "message", data, lastEventId: "" };
}

Deno.test("parity: Charon TestClientReconnect: one event of each of 5 connections, with a wait before each, where Charon has none after retry 0", async () => {
  using clock = new FakeClock();
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      endedStream("retry: 0\n", frame("block", block(300 + connection))),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
  });
  const events = listener.events();
  const disconnects = listener.status();
  for (let connections = 1; connections <= 5; connections++) {
    const { retryInMs } = await nextStatus(
      disconnects.values({
        preventCancel: true,
      }),
      "disconnected",
    );
    assertEquals(retryInMs, 100);
    await clock.tick(99);
    assertEquals(node.requests.length, connections);
    await clock.tick(1);
  }
  assertEquals((await take(events, 5)).map(brief), [
    "block 300",
    "block 301",
    "block 302",
    "block 303",
    "block 304",
  ]);
});

Deno.test("parity: Charon TestClientError409: 409 is told and tried again, where Charon stops for ever", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? new Response("conflict", { status: 409 })
        : openStream(MARKER),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
  });
  const statuses = listener.status();
  assertEquals((await take(listener.events(), 1)).map(brief), ["block 399"]);
  const { reason, error } = await nextStatus(statuses, "disconnected");
  assertEquals(reason, "status");
  assertInstanceOf(error, BeaconHttpError);
  assertEquals([error.status, error.body], [409, "conflict"]);
});

Deno.test("parity: Charon TestClientEventHandlerErrorPropagation: a subscriber's error ends its own loop, where Charon ends the node", async () => {
  await using node = new ScriptedNode({
    events: () => openStream(frame("block", block(300)), MARKER),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
  });
  const other = listener.events();
  const failure = new Error("handler");
  const error = await assertRejects(async () => {
    for await (const _event of listener.events()) throw failure;
  });
  assertEquals(error, failure);
  assertEquals((await take(other, 2)).map(brief), ["block 300", "block 399"]);
  assertEquals(listener.nodes[0]!.state, "connected");
});

// Charon, listener_internal_test.go.

for (
  const { name, topic, payload } of [
    { name: "head", topic: "head", payload: head(300) },
    { name: "chain_reorg", topic: "chain_reorg", payload: chainReorg(300, 2) },
    { name: "block", topic: "block", payload: block(300) },
  ]
) {
  Deno.test(`parity: Charon TestHandleEvents: ${name} is handled`, async () => {
    const { events, metric } = await listenTo([frame(topic, payload)]);
    assertEquals(events.map(brief), [`${topic} 300`]);
    assertEquals(metric("sse_malformed_total", { topic }), undefined);
    if (topic === "head") assertEquals(metric("sse_head_slot"), 300);
    if (topic === "chain_reorg") {
      assertEquals(metric("sse_chain_reorg_depth_sum"), 2);
    }
    if (topic === "block") assertEquals(metric("sse_block_count"), 2);
  });
}

for (
  const { name, topic, payload } of [
    { name: "head of the wrong JSON type", topic: "head", payload: "head" },
    {
      name: 'head with slot "ten"',
      topic: "head",
      payload: head(300, { slot: "ten" }),
    },
    {
      name: "chain_reorg of the wrong JSON type",
      topic: "chain_reorg",
      payload: ["chain_reorg"],
    },
    {
      name: 'chain_reorg with slot "ten"',
      topic: "chain_reorg",
      payload: chainReorg(300, 2, { slot: "ten" }),
    },
    {
      name: 'chain_reorg with depth "x50"',
      topic: "chain_reorg",
      payload: chainReorg(300, 2, { depth: "x50" }),
    },
    { name: "block of the wrong JSON type", topic: "block", payload: 42 },
    {
      name: 'block with slot "invalid"',
      topic: "block",
      payload: { ...block(300), slot: "invalid" },
    },
  ]
) {
  Deno.test(`parity: Charon TestHandleEvents: ${name} is counted and skipped, where Charon ends the node`, async () => {
    const { events, reorgEpochs, metric } = await listenTo([
      frame(topic, payload),
    ]);
    assertEquals(events, []);
    assertEquals(reorgEpochs, []);
    assertEquals(metric("sse_malformed_total", { topic }), 1);
    assertEquals(metric("sse_head_slot"), undefined);
    assertEquals(metric("sse_chain_reorg_depth_count"), undefined);
  });
}

Deno.test("parity: Charon TestStartListener: starts without an error against a node", async () => {
  await using node = new ScriptedNode({ events: () => openStream() });
  await using listener = await SseListener.start({ nodes: [node.url] });
  await listener.ready;
  assertEquals(listener.nodes[0]!.state, "connected");
});

/** Reorgs to epochs 5, 5 and 10, all of them different. */
const REORGS = [
  chainReorg(163, 2),
  chainReorg(165, 3),
  chainReorg(322, 2),
].map((payload) => frame("chain_reorg", payload));

Deno.test("parity: Charon TestSubscribeNotifyChainReorg: 5, 5, 10 is told as 5, 10 with parity", async () => {
  const { reorgEpochs } = await listenTo(REORGS, { parity: "charon" });
  assertEquals(reorgEpochs, [5, 10]);
});

Deno.test("parity: Charon TestSubscribeNotifyChainReorg: different reorgs of one epoch are all told by default", async () => {
  const { reorgEpochs } = await listenTo([...REORGS, ...REORGS]);
  assertEquals(reorgEpochs, [5, 5, 10]);
});

Deno.test("parity: Charon TestSubscribeNotifyHeadEvent: heads 100, 100, 101 are all told", async () => {
  const { events } = await listenTo(
    [100, 100, 101].map((slot) => frame("head", head(slot))),
  );
  assertEquals(events.map(brief), ["head 100", "head 100", "head 101"]);
});

Deno.test("parity: Charon TestComputeDelay: a head two thirds into its slot has a delay of 8 s", async () => {
  for (const parity of [undefined, "charon"] as const) {
    await using listener = await TimedListener.start(parity && { parity });
    await listener.send("head", head(100), 100, 8000);
    assertEquals(await listener.metric("sse_head_delay_sum"), 8);
    assertEquals(
      await listener.metric("sse_head_delay_bucket", { le: "8" }),
      1,
    );
    assertEquals(
      await listener.metric("sse_head_delay_bucket", { le: "6" }),
      0,
    );
  }
});

Deno.test("parity: Charon TestComputeDelay: a head 1 s into the next slot is not observed with parity", async () => {
  await using listener = await TimedListener.start({ parity: "charon" });
  await listener.send("head", head(100), 100, 13_000);
  assertEquals(await listener.metric("sse_head_delay_count"), undefined);
  assertEquals(await listener.metric("sse_head_slot"), 100);
});

Deno.test("parity: Charon TestComputeDelay: a head 1 s into the next slot is observed and counted as late by default", async () => {
  await using listener = await TimedListener.start();
  await listener.send("head", head(100), 100, 13_000);
  assertEquals(await listener.metric("sse_head_delay_sum"), 13);
  assertEquals(
    await listener.metric("sse_head_delay_bucket", { le: "12" }),
    0,
  );
  assertEquals(await listener.metric("sse_late_total", { topic: "head" }), 1);
});

Deno.test("parity: Charon TestBlockProcessingTime: a head 400 ms behind its gossip is measured, once", async () => {
  await using listener = await TimedListener.start();
  await listener.send("block_gossip", block(100), 100, 1000);
  await listener.send("head", head(100), 100, 1400);
  await listener.send("head", head(100), 100, 3000);
  const name = "sse_block_processing_time";
  assertEquals(await listener.metric(`${name}_count`), 1);
  assertEquals(await listener.metric(`${name}_sum`), 0.4);
});

Deno.test("parity: Charon TestBlockProcessingTimeCleanup: of 150 slots those of the last epoch are remembered", async () => {
  await using listener = await TimedListener.start();
  for (let slot = 0; slot < 150; slot++) {
    await listener.send("block_gossip", block(slot), slot, 1000);
    if (slot % 2 === 0) await listener.send("head", head(slot), slot, 1400);
  }
  const name = "sse_block_processing_time_count";
  assertEquals(await listener.metric(name), 75);
  for (let slot = 119; slot < 150; slot += 2) {
    await listener.send("head", head(slot), 150, 0);
  }
  assertEquals(await listener.metric(name), 75 + 16);
  await listener.send("head", head(1), 150, 0);
  await listener.send("head", head(3), 150, 0);
  assertEquals(await listener.metric(name), 75 + 16);
});

Deno.test("parity: Charon TestBlockProcessingTimeCleanup: gossip without any head is forgotten too, where Charon keeps it for ever", async () => {
  await using listener = await TimedListener.start();
  for (let slot = 0; slot < 150; slot++) {
    await listener.send("block_gossip", block(slot), slot, 1000);
  }
  await listener.send("head", head(1), 150, 0);
  await listener.send("head", head(149), 150, 0);
  assertEquals(await listener.metric("sse_block_processing_time_count"), 1);
});

// Pluto, crates/app/src/sse/mod.rs.

Deno.test("parity: Pluto compute_delay_inside_and_outside_window: blocks at 3.9 and 4.1 s are observed, the latter as late", async () => {
  await using listener = await TimedListener.start();
  for (const topic of ["block", "block_gossip"]) {
    await listener.send(topic, block(100), 100, 3900);
    assertEquals(await listener.metric("sse_late_total", { topic }), undefined);
    await listener.send(topic, block(101), 101, 4100);
    assertEquals(await listener.metric("sse_late_total", { topic }), 1);
    assertEquals(await listener.metric(`sse_${topic}_sum`), 8);
  }
});

Deno.test("parity: Pluto chain_reorg_notifies_and_dedups: a reorg that comes twice is told once", async () => {
  const { reorgEpochs, events } = await listenTo([REORGS[0]!, REORGS[0]!]);
  assertEquals(reorgEpochs, [5]);
  assertEquals(events.length, 2);
});

Deno.test("parity: Pluto chain_reorg_notifies_and_dedups: a reorg that two nodes tell of is told once", async () => {
  const frames = [...REORGS, MARKER];
  await using a = new ScriptedNode({ events: () => openStream(...frames) });
  await using b = new ScriptedNode({ events: () => openStream(...frames) });
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: [{ url: a.url, name: "a" }, { url: b.url, name: "b" }],
  });
  const reorgs = listener.reorgs();
  const counted = async (addr: string) =>
    sample(
      await listener.registry.metrics(),
      "app_beacon_node_sse_events_total",
      { addr, topic: "block" },
    );
  for (const addr of ["a", "b"]) {
    while (await counted(addr) === undefined) {
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  await listener.close();
  const epochs = await Array.fromAsync(reorgs, ({ epoch }) => epoch);
  assertEquals(epochs, [5, 5, 10]);
});

Deno.test("parity: Pluto chain_reorg_epoch_zero_first_event_is_deduped: it is with parity", async () => {
  const { reorgEpochs } = await listenTo(
    [frame("chain_reorg", chainReorg(10, 2)), REORGS[0]!],
    { parity: "charon" },
  );
  assertEquals(reorgEpochs, [5]);
});

Deno.test("parity: Pluto chain_reorg_epoch_zero_first_event_is_deduped: it is told by default", async () => {
  const { reorgEpochs } = await listenTo([
    frame("chain_reorg", chainReorg(10, 2)),
    REORGS[0]!,
  ]);
  assertEquals(reorgEpochs, [0, 5]);
});

Deno.test("parity: Pluto chain_reorg_depth_exceeding_slot_is_ignored: it is counted and skipped", async () => {
  const { reorgEpochs, events, metric } = await listenTo([
    frame("chain_reorg", chainReorg(5, 6)),
    frame("chain_reorg", chainReorg(5, 5)),
  ]);
  assertEquals(reorgEpochs, [0]);
  assertEquals(events.map(brief), ["chain_reorg 5"]);
  assertEquals(metric("sse_malformed_total", { topic: "chain_reorg" }), 1);
  assertEquals(metric("sse_chain_reorg_depth_sum"), 5);
});

Deno.test("parity: Pluto malformed_payload_is_skipped_and_processing_continues: also where it is no JSON", async () => {
  const { events, metric } = await listenTo([
    "event: chain_reorg\ndata: {not json\n\n",
    "event: head\ndata\n\n",
    frame("head", head(300)),
  ]);
  assertEquals(events.map(brief), ["head 300"]);
  assertEquals(metric("sse_malformed_total", { topic: "chain_reorg" }), 1);
  assertEquals(metric("sse_malformed_total", { topic: "head" }), 1);
});

Deno.test("parity: Pluto malformed_payload_is_skipped_and_processing_continues: a missing slot is malformed, where Pluto takes 0", async () => {
  const topics = ["head", "block", "block_gossip", "chain_reorg"];
  const { events, metric } = await listenTo(
    topics.map((topic) => frame(topic, {})),
  );
  assertEquals(events, []);
  for (const topic of topics) {
    assertEquals(metric("sse_malformed_total", { topic }), 1);
  }
  assertEquals(metric("sse_head_slot"), undefined);
});

Deno.test("parity: Pluto handles_all_event_types_without_panicking: each topic is delivered with its data", async () => {
  const current = Math.max(
    ...TOPIC_EXAMPLES.map(({ payload }) =>
      Number(/"slot":"(\d+)"/.exec(JSON.stringify(payload))?.[1] ?? 0)
    ),
  );
  const { events, metric } = await listenTo(
    TOPIC_EXAMPLES.map(({ topic, payload }) => frame(topic, payload)),
    { topics: [...KNOWN_TOPICS], config: configAtSlot(current) },
  );
  assertEquals(
    events.map(({ topic, data }) => ({ topic, data })),
    TOPIC_EXAMPLES.map(({ topic, data }) => ({ topic, data })) as {
      topic: string;
      data: unknown;
    }[],
  );
  for (const topic of KNOWN_TOPICS) {
    assertEquals(metric("sse_malformed_total", { topic }), undefined);
  }
});

Deno.test("parity: Pluto run_loop_forwards_events_and_stops_on_cancellation: subscriptions end with the signal", async () => {
  await using node = new ScriptedNode({ events: () => openStream(MARKER) });
  const controller = new AbortController();
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
    signal: controller.signal,
  });
  const all = Array.fromAsync(listener.events());
  await take(listener.events(), 1);
  controller.abort();
  await listener.finished;
  assertEquals((await all).map(brief), ["block 399"]);
  assertEquals(listener.nodes[0]!.state, "closed");
});

Deno.test("parity: Pluto dynamic_subscription_via_handle: one may subscribe at any time, within a loop too", async () => {
  await using node = new ScriptedNode({
    events: () => endedStream(REORGS[0]!),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
  });
  for await (const event of listener.events()) {
    assertEquals(event.topic, "chain_reorg");
    const inner = listener.events();
    // The node says it again on its next connection.
    assertEquals((await take(inner, 1)).map(brief), ["chain_reorg 163"]);
    break;
  }
});

Deno.test("parity: Pluto run_loop_stops_when_event_channel_closes: the end of a stream ends no subscription, where Pluto's actor stops", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      endedStream(frame("block", block(300 + connection))),
  });
  const listener = await SseListener.start({ ...OPTIONS, nodes: [node.url] });
  assertEquals((await take(listener.events(), 2)).map(brief), [
    "block 300",
    "block 301",
  ]);
  await listener.close();
  // Only its own end does, and then nobody waits for ever.
  assertEquals(await Array.fromAsync(listener.events()), []);
  const ended = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
    signal: AbortSignal.abort(),
  });
  await assertRejects(() => ended.ready, Error, "closed");
});

/** The first waits between connections to a node, with a tenth of the most that jitter allows. */
async function waitsOf(
  events: (connection: number) => Response,
  count: number,
): Promise<DisconnectedStatus[]> {
  await using node = new ScriptedNode({
    events: (_request, connection) => events(connection),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
    topics: ["block"],
    random: () => 0.1,
  });
  const disconnects: DisconnectedStatus[] = [];
  for await (const status of listener.status()) {
    if (status.type === "disconnected") disconnects.push(status);
    if (disconnects.length === count) break;
  }
  return disconnects;
}

Deno.test("parity: Pluto stream_once_forwards_event_and_reports_productive: waits begin anew after an event", async () => {
  const disconnects = await waitsOf(
    (connection) =>
      connection === 1 ? endedStream(MARKER) : endedStream(": nothing\n\n"),
    3,
  );
  assertEquals(disconnects.map(({ retryInMs }) => retryInMs), [100, 100, 200]);
});

Deno.test("parity: Pluto stream_once_reports_unproductive_on_immediate_eof: waits grow", async () => {
  const disconnects = await waitsOf(() => endedStream(), 2);
  assertEquals(disconnects.map(({ reason }) => reason), ["eof", "eof"]);
  assertEquals(disconnects.map(({ retryInMs }) => retryInMs), [100, 200]);
});

Deno.test("parity: Pluto stream_once_reports_error_on_non_success_status: 500 is told, and waits grow", async () => {
  const disconnects = await waitsOf(
    () => new Response("broken", { status: 500 }),
    2,
  );
  for (const { reason, error } of disconnects) {
    assertEquals(reason, "status");
    assertInstanceOf(error, BeaconHttpError);
    assertEquals([error.status, error.body], [500, "broken"]);
  }
  assertEquals(disconnects.map(({ retryInMs }) => retryInMs), [100, 200]);
});

Deno.test("parity: Pluto stream_once_returns_cancelled_when_token_fires: an open connection ends, and no disconnect is told", async () => {
  const left = Promise.withResolvers<unknown>();
  await using node = new ScriptedNode({
    events: () =>
      new Response(new ReadableStream({ cancel: left.resolve }), {
        headers: { "content-type": "text/event-stream" },
      }),
  });
  const controller = new AbortController();
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
    signal: controller.signal,
  });
  const statuses = listener.status();
  await nextStatus(listener.status(), "connected");
  controller.abort();
  await listener.finished;
  await left.promise;
  const types = await Array.fromAsync(statuses, ({ type }) => type);
  assertEquals(types.includes("disconnected"), false);
});

Deno.test("parity: Pluto stream_once_returns_channel_closed_when_receiver_dropped: a subscriber that leaves ends nothing else", async () => {
  await using timed = await TimedListener.start();
  await timed.send("block", block(100), 100, 0);

  await using node = new ScriptedNode({
    events: (_request, connection) =>
      endedStream(frame("block", block(300 + connection))),
  });
  await using listener = await SseListener.start({
    ...OPTIONS,
    nodes: [node.url],
  });
  const staying = listener.events();
  for await (const _event of listener.events()) break;
  await listener.events().cancel();
  assertEquals((await take(staying, 3)).map(brief), [
    "block 300",
    "block 301",
    "block 302",
  ]);
});

Deno.test("parity: Pluto run_pump_forwards_events_and_stops_on_cancellation: no connection is made behind the end", async () => {
  using clock = new FakeClock();
  await using node = new ScriptedNode({ events: () => endedStream(MARKER) });
  const listener = await SseListener.start({ ...OPTIONS, nodes: [node.url] });
  const statuses = listener.status();
  assertEquals((await take(listener.events(), 1)).map(brief), ["block 399"]);
  await nextStatus(statuses, "disconnected");
  await listener.close();
  await clock.tick(3_600_000);
  assertEquals(node.requests.length, 1);
});

// Pluto, crates/eth2api/src/extensions.rs.

Deno.test("parity: Pluto event_stream_preserves_topic_and_raw_data: as the node wrote them", async () => {
  const raw = '{ "slot" : "7", "extra":[1e3], "block":"0x' + "AB".repeat(32) +
    '" }';
  await using node = new ScriptedNode({
    events: () =>
      openStream(
        `event: block\ndata: ${raw}\n\n`,
        'event: sync_state\ndata:  "é漢💥"\n\n',
      ),
  });
  const controller = new AbortController();
  const { batches } = await openEventStream(new NodeEndpoint(node.url), {
    topics: ["block", "sync_state"],
    form: "joined",
    fetch,
    signal: controller.signal,
    onBytes() {},
  });
  const events: unknown[] = [];
  for await (const batch of batches) {
    for (const event of batch) {
      events.push([event.type, event.data]);
    }
    if (events.length === 2) break;
  }
  assertEquals(events, [["block", raw], ["sync_state", ' "é漢💥"']]);
  controller.abort();
});

// The wait between two attempts, which none of the peers' tests asserts.

/** The waits after which a listener whose node cannot be reached asks it again. */
async function waitsUnderFakeClock(
  random: number,
  attempts: number,
): Promise<number[]> {
  using clock = new FakeClock();
  let passed = 0;
  const askedAt: number[] = [];
  const listener = await SseListener.start({
    ...OPTIONS,
    nodes: [
      { url: "http://127.0.0.1:5052", name: "a" } satisfies BeaconNodeOptions,
    ],
    random: () => random,
    fetch: () => {
      askedAt.push(passed);
      return Promise.reject(new TypeError("no route to host"));
    },
  });
  const statuses = listener.status().values();
  const told: number[] = [];
  while (askedAt.length <= attempts) {
    const { reason, error, retryInMs } = await nextDisconnect(statuses);
    assertEquals(reason, "network");
    assertInstanceOf(error, BeaconNetworkError);
    told.push(retryInMs);
    passed += retryInMs - 1;
    await clock.tick(retryInMs - 1);
    assertEquals(askedAt.length, told.length);
    passed += 1;
    await clock.tick(1);
    assertEquals(askedAt.length, told.length + 1);
  }
  await listener.close();
  await clock.tick(3_600_000);
  assertEquals(askedAt.length, attempts + 1);
  const waits = askedAt.slice(1).map((at, index) => at - askedAt[index]!);
  assertEquals(told, waits);
  return waits;
}

async function nextDisconnect(
  statuses: AsyncIterator<{ type: string }>,
): Promise<DisconnectedStatus> {
  while (true) {
    const { value } = await statuses.next();
    if (value.type === "disconnected") return value as DisconnectedStatus;
  }
}

for (
  const { random, waits } of [
    { random: 0.5, waits: [500, 1000, 2000, 4000, 8000, 15_000, 15_000] },
    {
      random: 0.999999,
      waits: [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000],
    },
    { random: 0.01, waits: [100, 100, 100, 100, 160, 300, 300] },
    { random: 0, waits: [100, 100, 100, 100, 100, 100, 100] },
  ]
) {
  Deno.test(
    `SseListener() asks a node that cannot be reached again after ${
      waits.join(", ")
    } ms where chance is ${random}`,
    async () => {
      assertEquals(await waitsUnderFakeClock(random, waits.length), waits);
    },
  );
}
