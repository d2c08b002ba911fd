/**
 * What must hold on every runtime. Plain JavaScript over the packed npm package; a runtime gives what
 * differs: how to serve HTTP, what time costs, how much memory is in use.
 */

import { SseListener, subscribe } from "@org/beacon-sse";
import { createGateway } from "@org/beacon-sse/gateway";
import { SseDecoder, SseDecoderStream } from "@org/beacon-sse/sse";
import {
  openRecording,
  RecordedBeaconNode,
  SimulatedNode,
} from "@org/beacon-sse/testing";

/** Own cases of the event-stream format: input, and the events that it must give. */
const CASES = [
  ["data: a\n\n", [["message", "a"]]],
  ["event: head\ndata: {}\n\n: c\n\n", [["head", "{}"]]],
  ["data: a\r\ndata: b\r\r", [["message", "a\nb"]]],
  ["\uFEFFdata:a\n\n\uFEFFdata:b\n\n", [["message", "a"]]],
  ["id: 7\ndata\n\nid\0: 8\ndata: x\n\n", [["message", ""], ["message", "x"]]],
  ["data: ü€😀\n\ndata: cut", [["message", "ü€😀"]]],
];

/**
 * The checks, by name. Each throws where something does not hold.
 *
 * @param runtime `{ serve?, memory?, conformance?, registry?, more? }`; with `registry: false` it runs
 * no prom-client; `more` are checks of its own.
 */
export function checks(runtime) {
  const all = {
    "conformance, whole and byte by byte": async () => {
      for (const [input, expected] of CASES) {
        for (const size of [Infinity, 1]) {
          equal(await decode(input, size), expected);
        }
      }
      for (
        const { input, inputBase64, expected } of runtime.conformance ?? []
      ) {
        const bytes = inputBase64 === undefined
          ? new TextEncoder().encode(input)
          : Uint8Array.from(atob(inputBase64), (unit) => unit.charCodeAt(0));
        equal(
          await decode(bytes, 7),
          expected.map((
            event,
          ) => [event.type ?? event.event ?? "message", event.data]),
        );
      }
    },
    "an endless frame costs the cap and a chunk": () => {
      const decoder = new SseDecoder({ maxEventBytes: 2 ** 20 });
      const chunk = "data: " + "x".repeat(2 ** 16);
      const before = runtime.memory?.();
      for (let sent = 0; sent < 2 ** 26; sent += 2 ** 16) decoder.push(chunk);
      equal(decoder.push("\n\ndata: next\n\n").map(({ data }) => data), [
        "next",
      ]);
      equal(decoder.oversized, 1);
      const grown = before === undefined ? 0 : runtime.memory() - before;
      ok(grown < 48 * 2 ** 20, `memory grew by ${grown} bytes`);
    },
    "events of a node, by fetch": () =>
      following((node) => ({ url: node.url, fetch: node.fetch })),
    "a reorg, by fetch": async () => {
      const node = new SimulatedNode({ autoplay: false });
      const listener = await SseListener.start({
        nodes: [node.url],
        fetch: node.fetch,
        ...(runtime.registry === false && { registry: false }),
      });
      const reorgs = listener.reorgs();
      await node.whenConnected();
      await node.produceBlock();
      await node.produceBlock();
      node.reorg({ depth: 1 });
      for await (const { depth } of reorgs) {
        equal(depth, 1);
        break;
      }
      await listener.close();
      await node.close();
    },
    "a wrong byte costs no connection": async () => {
      const encoder = new TextEncoder();
      const events = subscribe("http://node.test", {
        config: {
          genesisTime: Date.now() - 12_000,
          slotDurationMs: 12_000,
          slotsPerEpoch: 32,
        },
        topics: ["x"],
        fetch: (input) =>
          Promise.resolve(
            new URL(input.url ?? input).pathname !== "/eth/v1/events"
              ? Response.json({}, { status: 404 })
              : new Response(
                new Blob([
                  encoder.encode("event: y\ndata: "),
                  new Uint8Array([0xff]),
                  encoder.encode("\n\nevent: x\ndata: {}\n\n"),
                ]),
                { headers: { "content-type": "text/event-stream" } },
              ),
          ),
      });
      equal((await events.next()).value.raw, "{}");
      await events.return();
    },
    "a stream that ends is opened again": async () => {
      const node = new SimulatedNode({ autoplay: false });
      const events = subscribe(node.url, {
        fetch: node.fetch,
        topics: ["block"],
        random: () => 0,
      });
      const first = events.next();
      await node.whenConnected();
      const one = await node.produceBlock();
      equal((await first).value.data.block, one.root);
      const second = events.next();
      node.disconnect();
      await node.whenConnected(2);
      const other = await node.produceBlock();
      equal((await second).value.data.block, other.root);
      await events.return();
      await node.close();
    },
    "leaving the loop closes the connection": async () => {
      const node = new SimulatedNode({ autoplay: false });
      const ended = new AbortController();
      const events = subscribe(node.url, {
        fetch: node.fetch,
        signal: ended.signal,
      });
      const next = events.next();
      const connection = await node.whenConnected();
      ended.abort();
      equal((await next).done, true);
      await connection.closed;
      equal(node.connections.length, 0);
      await node.close();
    },
    "a gateway relays an event byte for byte": async () => {
      const node = new SimulatedNode({ autoplay: false });
      const listener = await SseListener.start({
        nodes: [node.url],
        fetch: node.fetch,
        ...(runtime.registry === false && { registry: false }),
      });
      const gateway = createGateway(listener);
      await node.whenConnected();
      const response = await gateway.fetch(
        new Request("http://gateway/eth/v1/events?topics=block"),
      );
      equal(response.status, 200);
      const events = response.body
        .pipeThrough(
          new TextDecoderStream("utf-8", { ignoreBOM: true, fatal: false }),
        )
        .pipeThrough(new SseDecoderStream())
        .getReader();
      const block = await node.produceBlock();
      const { value } = await events.read();
      equal([value.type, JSON.parse(value.data).block], ["block", block.root]);
      await events.cancel();
      await gateway.close();
      await listener.close();
      await node.close();
    },
  };
  all["a fault of the simulated node"] = async () => {
    const node = new SimulatedNode({ autoplay: false });
    const fault = node.fault({ type: "status", status: 503 });
    const status = async () => {
      const response = await node.fetch(
        `${node.url}/eth/v1/events?topics=head`,
      );
      await response.body?.cancel();
      return response.status;
    };
    equal(await status(), 503);
    fault.heal();
    equal(await status(), 200);
    await node.close();
  };
  all["a recording is a node"] = async () => {
    const raw = '{"slot":"7","block":"0x' + "a".repeat(64) + '"}';
    const line = { topic: "block_gossip", node: "a", receivedAt: 1_000, raw };
    const text = '{"beaconSseRecording":1,"config":null}\n' +
      `${JSON.stringify(line)}\n`;
    const zip = () =>
      new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
    const recording = await openRecording(zip);
    const node = new RecordedBeaconNode(recording, { speed: "max" });
    const events = subscribe(node.url, {
      fetch: node.fetch,
      topics: ["block_gossip"],
    });
    equal((await events.next()).value.raw, raw);
    await events.return();
  };
  if (runtime.registry !== false) {
    all["metrics"] = async () => {
      const node = new SimulatedNode({ autoplay: false });
      const listener = await SseListener.start({
        nodes: [{ url: node.url, name: "a" }],
        fetch: node.fetch,
      });
      const events = listener.events()[Symbol.asyncIterator]();
      await node.whenConnected();
      await node.produceBlock();
      await events.next();
      const text = await listener.registry.metrics();
      ok(/sse_connected\{addr="a"\} 1\n/.test(text), text.slice(0, 500));
      await listener.close();
      await node.close();
    };
  }
  if (runtime.serve !== undefined) {
    all["events of a node, by socket"] = () =>
      following(async (node) => {
        const server = await runtime.serve((request) =>
          node.fetch(moved(request, node.url))
        );
        return { url: server.url, close: server.close };
      });
  }
  return { ...all, ...runtime.more };
}

/** A request to a server, as a request to the node behind it. */
function moved(request, base) {
  const { pathname, search } = new URL(request.url);
  return new Request(base + pathname + search, {
    headers: request.headers,
    signal: request.signal,
  });
}

async function following(reach) {
  const node = new SimulatedNode({ autoplay: false });
  const { url, fetch, close } = await reach(node);
  const events = subscribe(url, {
    ...(fetch && { fetch }),
    topics: ["head", "block"],
  });
  const first = events.next();
  await node.whenConnected();
  const block = await node.produceBlock();
  equal([(await first).value.topic, (await events.next()).value.topic], [
    "block",
    "head",
  ]);
  equal((await first).value.data.block, block.root);
  await events.return();
  await close?.();
  await node.close();
}

async function decode(input, size) {
  const bytes = typeof input === "string"
    ? new TextEncoder().encode(input)
    : input;
  let at = 0;
  const source = new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      const end = Math.min(bytes.length, at + size);
      controller.enqueue(bytes.slice(at, end));
      at = end;
    },
  });
  const events = [];
  const reader = source
    .pipeThrough(
      new TextDecoderStream("utf-8", { ignoreBOM: true, fatal: false }),
    )
    .pipeThrough(new SseDecoderStream())
    .getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return events;
    events.push([value.type, value.data]);
  }
}

/** Runs the suite. */
export function runSuite(runtime) {
  return runChecks(checks(runtime));
}

/** Runs checks one after another. Returns a line for each: its name, and what went wrong. */
async function runChecks(checks) {
  const results = [];
  for (const [name, check] of Object.entries(checks)) {
    let timer;
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error("it took over 20 s")), 20_000);
    });
    try {
      await Promise.race([check(), late]);
      results.push({ name, error: null });
    } catch (error) {
      results.push({ name, error: String(error?.stack ?? error) });
    } finally {
      clearTimeout(timer);
    }
  }
  return results;
}

function equal(actual, expected) {
  const [one, other] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (one !== other) throw new Error(`got ${one}, not ${other}`);
}

function ok(value, message) {
  if (!value) throw new Error(message);
}
