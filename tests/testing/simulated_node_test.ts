import { SseListener } from "@org/beacon-sse";
import {
  type Fault,
  type SimulatedClock,
  SimulatedNode,
} from "@org/beacon-sse/testing";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async/delay";
import { readerOf, STILL } from "./still_node.ts";

const EVENTS = "http://node.simulated/eth/v1/events?topics=head";

Deno.test("SimulatedNode() is listened to through its fetch, without a port", async () => {
  await using node = new SimulatedNode(STILL);
  await using listener = await SseListener.start({
    nodes: [node.url],
    fetch: node.fetch,
  });
  const events = listener.events({ topics: ["head"] });
  await node.whenConnected();
  const block = await node.produceBlock();
  for await (const { data } of events) {
    assertEquals((data as { block: string }).block, block.root);
    break;
  }
});

Deno.test("SimulatedNode() lives by the clock that it is given", async () => {
  const timers: { at: number; run: () => void }[] = [];
  let now = 1_700_000_000_000;
  const clock: SimulatedClock = {
    now: () => now,
    setTimeout: (run, ms) => timers.push({ at: now + ms, run }),
    clearTimeout: () => {},
  };
  await using node = new SimulatedNode({
    clock,
    slotDurationMs: 12_000,
    emptySlotRate: 0,
    reorgRate: 0,
    keepAliveMs: 0,
  });
  const { slot } = node.head;
  const until = now + 5 * 12_000 - 1;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    timers.sort((one, other) => one.at - other.at);
    if (!timers[0] || timers[0].at > until) break;
    const { at, run } = timers.shift()!;
    now = at;
    run();
  }
  assertEquals(node.head.slot, slot + 4);
});

Deno.test("SimulatedNode().fetch() refuses other hosts, and after the end all", async () => {
  const node = new SimulatedNode(STILL);
  await assertRejects(() => node.fetch("http://other.test/"), TypeError);
  const response = await node.fetch(`${node.url}/eth/v1/node/health`);
  assertEquals(response.status, 200);
  await node.close();
  await assertRejects(() => node.fetch(`${node.url}/`), TypeError);
});

Deno.test("SimulatedNode().fetch() ends with its signal, before and behind the headers", async () => {
  await using node = new SimulatedNode(STILL);
  const reason = new Error("enough");
  using _ = node.fault({ type: "hang", endpoint: "spec" });
  for (const path of ["/eth/v1/config/spec", "/eth/v1/events?topics=head"]) {
    const controller = new AbortController();
    const { signal } = controller;
    const text = node.fetch(node.url + path, { signal }).then((response) =>
      response.text()
    );
    if (path.includes("events")) await node.whenConnected();
    controller.abort(reason);
    assertEquals(await text.catch((error) => error), reason);
  }
  await Promise.resolve();
  assertEquals(node.connections.length, 0);
});

/** What a client reads of a block, and the error that follows; it leaves a stream that stays open. */
async function outcomeOf(...faults: Fault[]): Promise<string> {
  await using node = new SimulatedNode({ ...STILL, faults });
  const client = new AbortController();
  let read = "";
  const reading = (async () => {
    const response = await node.fetch(EVENTS, { signal: client.signal });
    const text = response.body!.pipeThrough(new TextDecoderStream());
    for await (const chunk of text) read += chunk;
  })().catch(({ cause, message }) => cause?.message ?? message);
  await delay(0);
  await node.produceBlock();
  await delay(0);
  client.abort(new Error("still open"));
  return `${read.length} units, ${await reading}`;
}

const WIRE: [Fault, string][] = [
  [{ type: "refuse" }, "0 units, connection refused"],
  [
    { type: "slam" },
    "0 units, connection closed before the message completed",
  ],
  [{ type: "reset" }, "0 units, connection reset by peer"],
  [
    { type: "reset", afterBytes: 15 },
    "15 units, connection reset by peer",
  ],
  [
    { type: "reset", inMidLine: true },
    "20 units, connection reset by peer",
  ],
  [
    { type: "cut", afterBytes: 7 },
    "7 units, connection closed before the message completed",
  ],
  [{ type: "half-open", afterBytes: 5 }, "5 units, still open"],
  [{ type: "stall" }, "0 units, still open"],
  [{ type: "buffer" }, "0 units, still open"],
];

for (const [fault, expected] of WIRE) {
  Deno.test(`SimulatedNode() causes ${JSON.stringify(fault)} in memory`, async () => {
    assertEquals(await outcomeOf(fault), expected);
  });
}

Deno.test("buffer hands its bytes on when there are enough, and when it is healed", async () => {
  await using node = new SimulatedNode(STILL);
  const buffer = node.fault({ type: "buffer", bytes: 500 });
  const response = await node.fetch(EVENTS);
  const reader = readerOf(response);
  node.emit("head", "x".repeat(300));
  const read = reader.read();
  node.emit("head", "y".repeat(300));
  const first = (await read).value!;
  assert(first.includes("x"), first);
  assert((await reader.read()).value!.includes("y"));
  node.emit("head", "z");
  const last = reader.read();
  buffer.heal();
  assert((await last).value!.includes("z"));
  await reader.cancel();
});

for (const encoding of ["gzip", "deflate"] as const) {
  Deno.test(`compressed sends each message at once as ${encoding}, and ends as it should`, async () => {
    await using node = new SimulatedNode(STILL);
    using _ = node.fault({ type: "compressed", encoding });
    const response = await node.fetch(EVENTS);
    assertEquals(response.headers.get("content-encoding"), encoding);
    const reader = response.body!.pipeThrough(new DecompressionStream(encoding))
      .pipeThrough(new TextDecoderStream()).getReader();
    for (const data of ["one", "two"]) {
      node.emit("head", data);
      assertEquals((await reader.read()).value, `event:head\ndata:${data}\n\n`);
    }
    node.disconnect();
    assertEquals((await reader.read()).done, true);
  });
}
