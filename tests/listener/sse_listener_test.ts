import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  eventIdentity,
  KNOWN_TOPICS,
  type LogEntry,
  SseListener,
  type SseListenerOptions,
  subscribe,
} from "@org/beacon-sse";
import { TOPIC_EXAMPLES } from "../beacon/events/topic_examples.ts";
import {
  brief,
  briefs,
  configAtSlot,
  listen,
  nextStatus,
  take,
  until,
} from "./helpers.ts";
import {
  block,
  chainReorg,
  endedStream,
  frame,
  head,
  nodeSending,
  openStream,
  root,
  ScriptedNode,
} from "./scripted_node.ts";

const HASTY = { config: configAtSlot(100), random: () => 0 } satisfies Partial<
  SseListenerOptions
>;

Deno.test("SseListener.start() waits for no node", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using node = new ScriptedNode({
    events: () => promise,
    other: () => promise,
  });
  const listener = await SseListener.start({ nodes: [node.url] });
  assertEquals(listener.nodes[0]!.state, "connecting");
  await listener.close();
  resolve(new Response());
});

const TIMING = { genesisTime: 0, slotDurationMs: 12_000, slotsPerEpoch: 32 };

Deno.test("SseListener.start() refuses bad options, naming option and value", async () => {
  const nodes = ["http://127.0.0.1:5052"];
  // deno-lint-ignore no-explicit-any -- what a user without types may pass
  const table: [any, typeof TypeError | typeof RangeError, string][] = [
    [undefined, TypeError, "undefined"],
    [{}, TypeError, "nodes"],
    [{ nodes: [] }, TypeError, "nodes"],
    [{ nodes: ["localhost"] }, TypeError, "localhost"],
    [{ nodes: ["ftp://localhost"] }, TypeError, "ftp://localhost"],
    [{ nodes: [42] }, TypeError, "42"],
    [{ nodes: [{ url: nodes[0], name: "" }] }, TypeError, "name"],
    [{ nodes: [nodes[0], nodes[0]] }, TypeError, "127.0.0.1:5052"],
    [
      { nodes: [{ url: nodes[0], headers: { "bad name": "x" } }] },
      TypeError,
      'headers must have names that HTTP allows, got "bad…"',
    ],
    [
      { nodes: [{ url: nodes[0], headers: { "x-key": "a\nb" } }] },
      TypeError,
      'headers must have values that HTTP allows, "x-key" has another one',
    ],
    [
      { nodes: [{ url: nodes[0], headers: ["secret"] }] },
      TypeError,
      "headers must be pairs of name and value, got something else",
    ],
    [
      { nodes: [{ url: nodes[0], headers: 7 }] },
      TypeError,
      "headers must be an object, pairs or Headers, got a number",
    ],
    [{ nodes, topics: null }, TypeError, "topics"],
    [{ nodes, topics: [] }, TypeError, "topics"],
    [{ nodes, topics: "head" }, TypeError, "head"],
    [{ nodes, topics: ["he ad"] }, TypeError, "he ad"],
    [{ nodes, maxEventBytes: 0 }, RangeError, "maxEventBytes"],
    [{ nodes, maxEventBytes: 1.5 }, RangeError, "1.5"],
    [{ nodes, idleTimeoutMs: -5 }, RangeError, "-5"],
    [{ nodes, parity: "pluto" }, TypeError, "pluto"],
    [{ nodes, prefix: "a-b" }, TypeError, "a-b"],
    [{ nodes, registry: {} }, TypeError, "registry"],
    [{ nodes, signal: "stop" }, TypeError, "stop"],
    [{ nodes, fetch: 1 }, TypeError, "fetch"],
    [{ nodes, now: 1 }, TypeError, "now"],
    [{ nodes, random: 1 }, TypeError, "random"],
    [{ nodes, log: 1 }, TypeError, "log"],
    [{ nodes, log: { warn() {} } }, TypeError, "debug, info, warn and error"],
    [{ nodes, maxQueueBytes: 0 }, RangeError, "maxQueueBytes"],
    [{ nodes, topcis: ["head"] }, TypeError, 'did you mean "topics"?'],
    [
      { nodes, events: 1 },
      TypeError,
      'options must have known names only, got "events"',
    ],
    [
      { nodes: [{ url: nodes[0], header: {} }] },
      TypeError,
      'got "header"; did you mean "headers"?',
    ],
    [{ nodes: [{ uri: nodes[0] }] }, TypeError, 'did you mean "url"?'],
    [
      { nodes, config: { ...TIMING, slotsPerEpochs: 8 } },
      TypeError,
      'config must have known names only, got "slotsPerEpochs"; did you mean "slotsPerEpoch"?',
    ],
    [
      { nodes, config: { genesisTime: 0, slotDurationMs: 1, slotPerEpoch: 1 } },
      TypeError,
      'got "slotPerEpoch"; did you mean "slotsPerEpoch"?',
    ],
    [
      {
        nodes,
        config: { genesisTime: 0, slotDurationMs: 0, slotsPerEpoch: 32 },
      },
      RangeError,
      "slotDurationMs",
    ],
    [{ nodes, config: { ...TIMING, gloasForkEpoch: -1 } }, RangeError, "-1"],
    [
      { nodes, config: { ...TIMING, gloasForkEpoch: -1 } },
      RangeError,
      "gloasForkEpoch",
    ],
    [
      { nodes, config: { ...TIMING, attestationDueBpsGloas: 20_000 } },
      RangeError,
      "attestationDueBpsGloas must be an integer from 0 to 10000, got 20000",
    ],
  ];
  for (const [options, kind, named] of table) {
    const error = await assertRejects(
      () => SseListener.start(options),
      kind,
      named,
    );
    assertInstanceOf(error, kind);
  }
});

Deno.test("subscribe() refuses bad options at the call", () => {
  assertThrows(() => subscribe("nowhere"), TypeError, "nowhere");
  assertThrows(
    () => subscribe("http://127.0.0.1", { maxEventBytes: 0 }),
    RangeError,
    "0",
  );
  assertThrows(
    () => subscribe("http://127.0.0.1", { onstatus() {} } as never),
    TypeError,
    'got "onstatus"',
  );
  for (const options of [null, 5]) {
    assertThrows(
      () => subscribe("http://127.0.0.1", options as never),
      TypeError,
      `options must be an object, got ${options}`,
    );
  }
});

Deno.test("subscribe() yields typed events and ends with its loop", async () => {
  await using node = nodeSending(
    frame("block", block(100)),
    frame("head", head(100)),
  );
  const slots: number[] = [];
  for await (
    const event of subscribe(node.url, { ...HASTY, topics: ["head", "block"] })
  ) {
    if (event.topic === "head") {
      slots.push(event.data.slot);
      assertEquals(event.data.block, root(100));
      break;
    }
    slots.push(-event.data.slot);
  }
  assertEquals(slots, [-100, 100]);
});

Deno.test("subscribe() calls onStatus with each change of the connection", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? endedStream(frame("head", head(99)))
        : openStream(frame("head", head(100))),
  });
  const changes: string[] = [];
  for await (
    const event of subscribe(node.url, {
      ...HASTY,
      topics: ["head"],
      onStatus: ({ type }) => changes.push(type),
    })
  ) {
    if (event.slot === 100) break;
  }
  assertEquals(changes.slice(0, 3), ["connected", "disconnected", "connected"]);
});

Deno.test("subscribe() throws what its onStatus throws", async () => {
  await using node = nodeSending();
  const events = subscribe(node.url, {
    ...HASTY,
    onStatus() {
      throw new Error("on purpose");
    },
  });
  await assertRejects(() => events.next(), Error, "on purpose");
});

Deno.test("subscribe() ends when its signal aborts", async () => {
  await using node = nodeSending(frame("head", head(100)));
  const controller = new AbortController();
  const events: string[] = [];
  for await (
    const event of subscribe(node.url, { ...HASTY, signal: controller.signal })
  ) {
    events.push(brief(event));
    controller.abort();
  }
  assertEquals(events, ["head 100"]);
});

Deno.test("subscribe() can be left while it waits for an event", async () => {
  await using node = nodeSending();
  const events = subscribe(node.url, HASTY);
  const next = events.next();
  assertEquals(await events.return(), { done: true, value: undefined });
  assertEquals(await next, { done: true, value: undefined });
});

Deno.test("subscribe() yields no topic that was not requested", async () => {
  await using node = nodeSending(
    frame("late_head", {}),
    frame("head", head(100)),
  );
  const [event] = await take(
    subscribe(node.url, { ...HASTY, topics: ["head"] }),
    1,
  );
  assertEquals(event!.topic, "head");
});

Deno.test("SseListener.events() delivers an event as the node sent it and as parsed", async () => {
  const payload = head(100, { block: `0x${"AB".repeat(32)}` });
  await using node = nodeSending(frame("head", payload));
  await using listener = await listen({ a: node }, {
    now: () => 1_795_452_795_123,
    config: {
      genesisTime: 1_795_400_000_000,
      slotDurationMs: 12_000,
      slotsPerEpoch: 32,
    },
  });
  const [event] = await take(listener.events({ topics: ["head"] }), 1);
  assertEquals(event!.raw, JSON.stringify(payload));
  assertEquals(event!.data.slot, 100);
  assertEquals(event!.data.block, `0x${"ab".repeat(32)}`);
  assertEquals([event!.node, event!.slot, event!.receivedAt], [
    "a",
    100,
    1_795_452_795_123,
  ]);
});

Deno.test("SseListener.events() delivers each known topic with its data", async () => {
  const current = Math.max(
    ...TOPIC_EXAMPLES.map(({ payload }) =>
      Number(/"slot":"(\d+)"/.exec(JSON.stringify(payload))?.[1] ?? 0)
    ),
  );
  await using node = nodeSending(
    ...TOPIC_EXAMPLES.map(({ topic, payload }) => frame(topic, payload)),
  );
  await using listener = await SseListener.start({
    nodes: [node.url],
    topics: [...KNOWN_TOPICS],
    config: configAtSlot(current),
  });
  // Some examples are of one event, in an older form and in a newer one.
  const distinct = new Map<string, unknown>();
  for (const { topic, data } of TOPIC_EXAMPLES) {
    const event = { topic, data, raw: "", node: "", receivedAt: 0 };
    const identity = eventIdentity(event);
    if (!distinct.has(identity)) distinct.set(identity, { topic, data });
  }
  const events = await take(listener.events(), distinct.size);
  assertEquals<unknown>(
    events.map(({ topic, data }) => ({ topic, data })),
    [...distinct.values()],
  );
});

Deno.test("SseListener.events() delivers unknown topics with their parsed payload", async () => {
  await using node = nodeSending(
    frame("sync_state", { sync_state: "IN_SYNC" }),
  );
  await using listener = await listen([node], { topics: ["sync_state"] });
  const [event] = await take(listener.events({ topics: ["sync_state"] }), 1);
  assertEquals(event!.data, { sync_state: "IN_SYNC" });
});

Deno.test("SseListener.events() does not parse what raw subscribers alone want", async () => {
  const topics = ["voluntary_exit", "head"];
  await using node = nodeSending(
    "event: voluntary_exit\ndata: {}\n\n",
    frame("head", head(100)),
  );
  await using listener = await listen([node], { topics });
  const raw = listener.events({ raw: true });
  const [unchecked, checked] = await take(raw, 2);
  assertEquals([unchecked!.topic, unchecked!.raw], [
    "voluntary_exit",
    "{}",
  ]);
  assertThrows(() => unchecked!.data, TypeError, "message is missing");
  assertEquals(JSON.parse(JSON.stringify(checked)).data.slot, 100);
  assertEquals([checked!.topic, checked!.slot], ["head", 100]);
});

Deno.test("SseListener.events() parses for raw subscribers what another one wants parsed", async () => {
  const topics = ["voluntary_exit", "head"];
  await using node = nodeSending(
    "event: voluntary_exit\ndata: {}\n\n",
    frame("head", head(100)),
  );
  await using listener = await listen([node], { topics });
  const raw = listener.events({ raw: true });
  const _parsed = listener.events({ topics: ["voluntary_exit"] });
  assertEquals(await briefs(raw, 1), "head 100");
});

Deno.test("SseListener.events() refuses a `raw` that is neither true nor false", async () => {
  await using listener = await listen(["http://127.0.0.1:4"]);
  assertThrows(
    () => listener.events({ raw: "yes" as never }),
    TypeError,
    'raw must be a boolean, got "yes"',
  );
});

Deno.test("SseListener.events(), reorgs(), duties() and status() refuse options that they do not know", async () => {
  await using listener = await listen(["http://127.0.0.1:4"]);
  const bad = { topic: ["head"] } as never;
  assertThrows(
    () => listener.events(bad),
    TypeError,
    'Cannot subscribe: options must have known names only, got "topic"; did you mean "topics"?',
  );
  for (const name of ["reorgs", "duties", "status"] as const) {
    assertThrows(() => listener[name](bad), TypeError, 'got "topic"');
  }
});

Deno.test("SseListener.events() refuses a topic that the listener does not request", async () => {
  await using listener = await listen(["http://127.0.0.1:5052"]);
  assertThrows(
    () => listener.events({ topics: ["attestation"] }),
    TypeError,
    "attestation",
  );
});

Deno.test("SseListener() loses only the malformed frames among good ones", async () => {
  const malformed = [
    "event: head\ndata: {\n\n",
    "event: head\ndata: []\n\n",
    frame("head", { ...head(1), slot: "ten" }),
    frame("head", { ...head(1), slot: 1 }),
    frame("block", { block: root(1) }),
    frame("chain_reorg", chainReorg(5, 60)),
    frame("chain_reorg", { ...chainReorg(5, 1), depth: "x50" }),
    frame("chain_reorg", { ...chainReorg(5, 1), depth: undefined }),
    frame("head", head(100 + 33)),
    "event: head\n\n",
    "garbage\n\n",
  ];
  const frames = malformed.flatMap((
    bad,
    index,
  ) => [bad, frame("head", head(index))]);
  await using node = nodeSending(...frames);
  const log: LogEntry[] = [];
  await using listener = await listen([node], {
    log: (entry) => log.push(entry),
  });
  const events = await take(listener.events(), malformed.length);
  assertEquals(
    events.map(({ slot }) => slot),
    malformed.map((_, index) => index),
  );
  assertEquals(listener.nodes[0]!.reconnects, 0);
  const warnings = log.filter(({ level }) => level === "warn");
  assertEquals(warnings.length, 1);
  assertStringIncludes(warnings[0]!.message, "head");
});

Deno.test("SseListener() drops an event over the byte cap and keeps its connection", async () => {
  const padding = "x".repeat(5000);
  await using node = nodeSending(
    frame("head", head(99, { padding })),
    frame("head", head(100)),
  );
  await using listener = await listen([node], { maxEventBytes: 4096 });
  assertEquals(await briefs(listener.events(), 1), "head 100");
  assertStringIncludes(
    await listener.registry.metrics(),
    `app_beacon_node_sse_oversize_total{addr="${node.url}"} 1`,
  );
});

Deno.test("SseListener() delivers once what several nodes report", async () => {
  const frames = [98, 99, 100].map((slot) => frame("head", head(slot)));
  await using a = nodeSending(...frames);
  await using b = nodeSending(...frames);
  const log: string[] = [];
  await using listener = await listen({ a, b }, {
    log: ({ message }) => log.push(message),
  });
  const events = listener.events();
  await until(() => listener.nodes.every(({ headSlot }) => headSlot === 100));
  assertEquals(await briefs(events, 3), "head 98, head 99, head 100");
  const metrics = await listener.registry.metrics();
  for (const addr of ["a", "b"]) {
    assertStringIncludes(
      metrics,
      `app_beacon_node_sse_events_total{addr="${addr}",topic="head"} 3`,
    );
  }
});

Deno.test("SseListener() goes on with the other nodes when one is dead, late or lying", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using good = nodeSending(
    ...[98, 99, 100].map((slot) => frame("head", head(slot))),
  );
  await using slamming = new ScriptedNode({ events: () => endedStream() });
  await using hanging = new ScriptedNode({
    events: () => never,
    other: () => never,
  });
  await using lying = nodeSending(
    frame("head", head(9_000_000)),
    "event: head\ndata: lies\n\n",
  );
  await using listener = await listen([
    hanging,
    lying,
    slamming,
    good,
    "http://127.0.0.1:4",
  ]);
  assertEquals((await take(listener.events(), 3)).map(({ node }) => node), [
    good.url,
    good.url,
    good.url,
  ]);
  resolve(new Response());
});

Deno.test("SseListener.reorgs() delivers distinct reorgs of one epoch, each once", async () => {
  const frames = [
    chainReorg(96, 1),
    chainReorg(95, 1),
    chainReorg(96, 1),
    chainReorg(1, 1),
  ]
    .map((payload) => frame("chain_reorg", payload));
  await using a = nodeSending(...frames);
  await using b = nodeSending(...frames);
  await using listener = await listen([a, b]);
  const reorgs = listener.reorgs();
  const events = await take(listener.events(), 4);
  assertEquals(events.length, 4);
  const received = await take(reorgs, 3);
  assertEquals(received.map(({ epoch, slot }) => [epoch, slot]), [[2, 96], [
    2,
    95,
  ], [0, 1]]);
});

Deno.test("SseListener.reorgs() has Charon's last-epoch rule on demand", async () => {
  const frames = [
    chainReorg(10, 2),
    chainReorg(40, 2),
    chainReorg(41, 2),
    chainReorg(70, 2),
  ]
    .map((payload) => frame("chain_reorg", payload));
  await using node = nodeSending(...frames);
  await using listener = await listen([node], { parity: "charon" });
  const received = await take(listener.reorgs(), 2);
  assertEquals(received.map(({ epoch, slot }) => [epoch, slot]), [[1, 40], [
    2,
    70,
  ]]);
});

Deno.test("SseListener.reorgs() yields reorgs from before the clock was known", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events: () =>
      openStream(
        frame("chain_reorg", chainReorg(97, 3)),
        frame("head", head(97)),
      ),
    async other(_request, path) {
      if (path === "/eth/v1/config/spec") {
        await promise;
        return Response.json({
          data: { SLOT_DURATION_MS: "6000", SLOTS_PER_EPOCH: "8" },
        });
      }
      return Response.json({
        data: { genesis_time: "1600000000", genesis_validators_root: root(1) },
      });
    },
  });
  await using listener = await SseListener.start({ nodes: [node.url] });
  const reorgs = listener.reorgs();
  await take(listener.events({ topics: ["head"] }), 1);
  assertEquals(listener.clock, undefined);
  resolve();
  const [reorg] = await take(reorgs, 1);
  assertEquals(reorg!.epoch, 11);
  await listener.ready;
  assertEquals(listener.clock!.slotsPerEpoch, 8);
});

Deno.test("SseListener.start() resolves before anything of a node whose fetch answers at once arrives", async () => {
  const frames = [
    frame("chain_reorg", chainReorg(97, 3)),
    frame("head", head(97)),
    frame("head", head(98, { current_duty_dependent_root: root(3) })),
  ];
  await using listener = await listen(["http://node.test"], {
    fetch: (input) =>
      Promise.resolve(
        String(input).includes("/events?")
          ? openStream(...frames)
          : new Response(null, { status: 404 }),
      ),
  });
  const events = listener.events();
  const reorgs = listener.reorgs();
  const duties = listener.duties();
  const status = listener.status();
  assertEquals(await briefs(events, 3), "chain_reorg 97, head 97, head 98");
  assertEquals((await take(reorgs, 1)).map(({ slot }) => slot), [97]);
  assertEquals((await take(duties, 1)).map(({ slot }) => slot), [98]);
  assertEquals((await take(status, 1)).map(({ type }) => type), ["connected"]);
});

Deno.test("SseListener.reorgs() merges for a slow subscriber and counts it", async () => {
  const frames = Array.from(
    { length: 1500 },
    (_, index) =>
      frame(
        "chain_reorg",
        chainReorg(100, index === 1300 ? 90 : 1, {
          new_head_block: root(index),
        }),
      ),
  );
  await using node = nodeSending(...frames, frame("head", head(100)));
  await using listener = await listen([node]);
  const slow = listener.reorgs();
  await take(listener.events({ topics: ["head"] }), 1);
  // The ancestors of a few were requested, and are not to be had.
  await until(() => slow.merged >= 1500 - 1024);
  const epochs = (await take(slow, 1024)).map(({ epoch }) => epoch);
  assertEquals(Math.min(...epochs), 0);
  assertStringIncludes(
    await listener.registry.metrics(),
    `app_beacon_node_sse_dropped_total{queue="reorgs"} 476`,
  );
});

Deno.test("SseListener.ready resolves when the clock is known and a node is connected", async () => {
  await using node = nodeSending();
  await using listener = await SseListener.start({ nodes: [node.url] });
  await listener.ready;
  assertEquals(listener.nodes[0]!.state, "connected");
  assertEquals(listener.clock!.slotsPerEpoch, 32);
});

Deno.test("SseListener.ready rejects when the listener is closed before", async () => {
  const listener = await listen(["http://127.0.0.1:4"]);
  const ready = assertRejects(() => listener.ready, Error, "closed");
  await listener.close();
  await ready;
});

Deno.test("SseListener.ready rejects when its signal aborted before the start", async () => {
  const listener = await listen(["http://127.0.0.1:4"], {
    signal: AbortSignal.abort(),
  });
  await assertRejects(() => listener.ready, Error, "closed");
  assertEquals(await Array.fromAsync(listener.events()), []);
});

Deno.test("SseListener.start() retries for genesis and spec until they are there", async () => {
  let requested = 0;
  await using node = new ScriptedNode({
    events: () => openStream(),
    other(_request, path) {
      if (path === "/eth/v1/beacon/genesis" && requested++ === 0) {
        return Response.json({ code: 404, message: "not yet" }, {
          status: 404,
        });
      }
      return undefined;
    },
  });
  const log: string[] = [];
  await using listener = await SseListener.start({
    nodes: [node.url],
    log: ({ message }) => log.push(message),
  });
  await listener.ready;
  assertEquals(requested, 2);
  assert(log.some((message) => message.includes("404")));
});

Deno.test("SseListener() logs to an object with the methods of console", async () => {
  await using node = new ScriptedNode({ events: () => endedStream() });
  const lines: string[] = [];
  const log = {
    debug: (line: string) => lines.push(`debug ${line}`),
    info: (line: string) => lines.push(`info ${line}`),
    warn: (line: string) => lines.push(`warn ${line}`),
    error: (line: string) => lines.push(`error ${line}`),
  };
  await using listener = await listen({ main: node }, {
    topics: ["head"],
    log,
  });
  await nextStatus(listener.status(), "disconnected");
  assertEquals(lines[0], "info beacon-sse: main: Listening for head");
  assertStringIncludes(lines[1]!, "warn beacon-sse: Lost main");
});

Deno.test("SseListener.status() yields errors that JSON.stringify keeps, with their causes", async () => {
  await using listener = await listen(["http://127.0.0.1:4"]);
  const status = await nextStatus(listener.status(), "disconnected");
  const { type, error } = JSON.parse(JSON.stringify(status));
  assertEquals([type, error.name], ["disconnected", status.error.name]);
  assertEquals(error.message, status.error.message);
  assertEquals(
    JSON.parse(JSON.stringify(listener.nodes))[0].lastError.message,
    listener.nodes[0]!.lastError!.message,
  );
  assertEquals(structuredClone(status).type, "disconnected");
});

Deno.test("SseListener.start() names the least runtime where this one lacks a function", async () => {
  const { withResolvers } = Promise;
  try {
    Object.assign(Promise, { withResolvers: undefined });
    await assertRejects(
      () => SseListener.start({ nodes: ["http://127.0.0.1:4"] }),
      Error,
      "the runtime must be Deno 2, Node 22, Bun 1.2, a browser of 2024, or later; this one lacks Promise.withResolvers",
    );
  } finally {
    Promise.withResolvers = withResolvers;
  }
});

Deno.test("SseListener.events() drops the oldest events of a queue that exceeds maxQueueBytes", async () => {
  const frames = [97, 98, 99, 100].map((slot) => frame("head", head(slot)));
  await using node = nodeSending(...frames, frame("block", block(100)));
  await using listener = await listen([node], {
    maxQueueBytes: 2 * JSON.stringify(head(100)).length * 2,
  });
  const slow = listener.events({ topics: ["head"] });
  await take(listener.events({ topics: ["block"] }), 1);
  assertEquals(await briefs(slow, 2), "head 99, head 100");
  assertEquals(slow.dropped, 2);
});

Deno.test("SseListener() outlives a log that throws", async () => {
  await using node = nodeSending(
    "event: head\ndata: {\n\n",
    frame("head", head(100)),
  );
  await using listener = await listen([node], {
    log() {
      throw new Error("disk full");
    },
  });
  assertEquals(await briefs(listener.events(), 1), "head 100");
});

Deno.test("SseListener() goes on when a subscriber throws in its loop", async () => {
  await using node = nodeSending(
    frame("head", head(99)),
    frame("head", head(100)),
  );
  await using listener = await listen([node]);
  const other = listener.events();
  const failure = new Error("handler");
  const error = await assertRejects(async () => {
    for await (const _event of listener.events()) throw failure;
  });
  assertEquals(error, failure);
  assertEquals(await briefs(other, 2), "head 99, head 100");
  assertEquals(listener.nodes[0]!.state, "connected");
});

Deno.test("SseListener.close() ends every subscription and forgets every node's socket", async () => {
  await using node = nodeSending(frame("head", head(100)));
  const listener = await listen([node]);
  const all = [
    Array.fromAsync(listener.events()),
    Array.fromAsync(listener.reorgs()),
    Array.fromAsync(listener.status()),
  ];
  await take(listener.events(), 1);
  await listener.close();
  assertEquals((await Promise.all(all)).map((values) => values.length), [
    1,
    0,
    1,
  ]);
  assertEquals(listener.nodes[0]!.state, "closed");
  await listener.finished;
  await listener.close();
  assertEquals(await Array.fromAsync(listener.events()), []);
});

const HANGING = () => new Promise<Response>(() => {});
for (
  const [state, node] of [
    ["probing", { events: () => openStream(), other: HANGING }],
    ["waiting for headers", { events: HANGING }],
    ["reading", { events: () => openStream(": hello\n") }],
    ["waiting to reconnect", {
      events: () => new Response(null, { status: 401 }),
    }],
  ] as const
) {
  Deno.test(`SseListener() ends at once when its signal aborts while ${state}`, async () => {
    const server = new ScriptedNode(node);
    const controller = new AbortController();
    const reached = state === "reading" || state === "waiting to reconnect";
    const listener = await listen([server], {
      signal: controller.signal,
      random: () => 1,
    });
    if (reached) {
      await nextStatus(
        listener.status(),
        state === "reading" ? "connected" : "disconnected",
      );
    } else {
      await until(() => state === "probing" || server.requests.length > 0);
    }
    controller.abort();
    await listener.finished;
    assertEquals(listener.nodes[0]!.state, "closed");
    await server[Symbol.asyncDispose]();
  });
}

/** As Deno's `fetch` without the permission. */
function forbidden(): Promise<Response> {
  const error = new Error('Requires net access to "node.test:80"');
  return Promise.reject(Object.assign(error, { name: "NotCapable" }));
}

Deno.test("subscribe() throws where its node can never be reached", async () => {
  const events = subscribe("http://node.test", { ...HASTY, fetch: forbidden });
  await assertRejects(() => events.next(), Error, "net access");
});

Deno.test("SseListener.finished rejects where no node can ever be reached", async () => {
  const listener = await listen(["http://node.test", "http://other.test"], {
    fetch: forbidden,
  });
  await assertRejects(() => listener.finished, Error, "net access");
  assertEquals(listener.nodes.map(({ state }) => state), ["closed", "closed"]);
});

Deno.test("SseListener() goes on where one of its nodes can never be reached", async () => {
  await using node = nodeSending(frame("head", head(100)));
  await using listener = await listen(["http://node.test", node], {
    fetch: (input, init) =>
      `${input}`.startsWith(node.url) ? fetch(input, init) : forbidden(),
  });
  assertEquals(await briefs(listener.events(), 1), "head 100");
  assertStringIncludes(listener.nodes[0]!.lastError!.message, "net access");
});
