import { assert, assertEquals, assertThrows } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { RecordedBeaconNode, SimulatedNode } from "@org/beacon-sse/testing";
import {
  openRecording,
  type Recording,
  recordingHeader,
  recordingLine,
} from "../../../src/testing/recording/recording.ts";

const TOPICS = ["head", "block", "block_gossip", "chain_reorg"];

/** Records what a simulated node sends in some blocks and a reorg. */
async function recordSimulation(): Promise<
  { text: string; node: SimulatedNode }
> {
  const node = new SimulatedNode({ autoplay: false });
  await using listener = await SseListener.start({
    nodes: [node.url],
    fetch: node.fetch,
    topics: TOPICS,
  });
  const events = listener.events();
  await node.whenConnected();
  for (let block = 0; block < 5; block++) await node.produceBlock();
  node.reorg({ depth: 2 });
  await node.produceBlock();
  await listener.ready;
  const config = {
    genesisTime: node.genesisTime,
    slotDurationMs: node.slotDurationMs,
    slotsPerEpoch: node.slotsPerEpoch,
    genesisValidatorsRoot: node.genesisValidatorsRoot,
  };
  let text = recordingHeader(config);
  for await (const event of events) {
    text += recordingLine(event);
    if (event.topic === "head" && event.data.block === node.head.root) break;
  }
  await node.close();
  return { text, node };
}

function open(text: string): Promise<Recording> {
  return openRecording(() => new Blob([text]).stream());
}

async function record(
  node: RecordedBeaconNode,
  count: number,
): Promise<string[]> {
  await using listener = await SseListener.start({
    nodes: [node.url],
    fetch: node.fetch,
    topics: TOPICS,
  });
  const received: string[] = [];
  for await (const { topic, raw } of listener.events({ raw: true })) {
    received.push(`${topic} ${raw}`);
    if (received.length === count) break;
  }
  return received;
}

Deno.test("RecordedBeaconNode: record, replay, record gives the same events", async () => {
  const { text } = await recordSimulation();
  const recording = await open(text);
  const recorded = await Array.fromAsync(recording.events());
  const again = await record(
    new RecordedBeaconNode(recording, { speed: "max" }),
    recorded.length,
  );
  assertEquals(again, recorded.map(({ topic, raw }) => `${topic} ${raw}`));
});

Deno.test("RecordedBeaconNode has the headers that lead from a head to the ancestor of a reorg", async () => {
  const { text, node: simulated } = await recordSimulation();
  const node = new RecordedBeaconNode(await open(text), { speed: "max" });
  const response = await node.fetch(`${node.url}/eth/v1/events?topics=head`);
  await response.text();
  await node.finished;
  const header = async (id: string) => {
    const answer = await node.fetch(`${node.url}/eth/v1/beacon/headers/${id}`);
    const { data } = await answer.json();
    return { root: data.root, parent: data.header.message.parent_root };
  };
  const head = await header("head");
  assertEquals(head.root, simulated.head.root);
  assertEquals(head.parent, simulated.head.parentRoot);
  assertEquals(
    (await node.fetch(`${node.url}/eth/v1/beacon/headers/0x${"ee".repeat(32)}`))
      .status,
    404,
  );
});

Deno.test("RecordedBeaconNode shifts the chain to now: delays in the slot stay as they were", async () => {
  let now = 5_000_000_123;
  const timers: { run: () => void; at: number }[] = [];
  const clock = {
    now: () => now,
    setTimeout: (run: () => void, ms: number) =>
      timers.push({ run, at: now + ms }),
    clearTimeout: () => {},
  };
  const config = {
    genesisTime: 1_000_000,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
  };
  const at = (slot: number, delay: number) =>
    config.genesisTime + slot * 12_000 + delay;
  const text = recordingHeader(config) +
    recordingLine({
      topic: "head",
      node: "a",
      receivedAt: at(10, 700),
      raw: "1",
    }) +
    recordingLine({
      topic: "head",
      node: "a",
      receivedAt: at(11, 300),
      raw: "2",
    });
  const node = new RecordedBeaconNode(await open(text), { clock });
  const response = await node.fetch(`${node.url}/eth/v1/events?topics=head`);
  const genesis = await (await node.fetch(`${node.url}/eth/v1/beacon/genesis`))
    .json();
  const genesisTime = Number(genesis.data.genesis_time) * 1000;
  const reader = response.body!.getReader();
  const delays: number[] = [];
  for (let event = 0; event < 2; event++) {
    const read = reader.read();
    while (timers.length === 0) {
      await new Promise((done) => setTimeout(done, 0));
    }
    const timer = timers.shift()!;
    now = timer.at;
    timer.run();
    await read;
    delays.push((now - genesisTime) % 12_000);
  }
  assertEquals(delays, [700, 300]);
  await reader.cancel();
});

Deno.test('RecordedBeaconNode leaves the times as they were with time "own"', async () => {
  const config = {
    genesisTime: 1_000_000_000_000,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
  };
  const text = recordingHeader(config) +
    recordingLine({
      topic: "head",
      node: "a",
      receivedAt: 1_000_000_108_000,
      raw: "{}",
    });
  const node = new RecordedBeaconNode(await open(text), {
    time: "own",
    speed: 2,
  });
  const get = async (path: string) =>
    (await (await node.fetch(node.url + path)).json()).data;
  const { genesis_time } = await get("/eth/v1/beacon/genesis");
  const { SLOT_DURATION_MS } = await get("/eth/v1/config/spec");
  assertEquals([genesis_time, SLOT_DURATION_MS], ["1000000000", "12000"]);
});

Deno.test("RecordedBeaconNode plays slots as many times as fast as requested", async () => {
  const config = { genesisTime: 0, slotDurationMs: 12_000, slotsPerEpoch: 32 };
  const node = new RecordedBeaconNode(await open(recordingHeader(config)), {
    speed: 4,
  });
  const spec = await (await node.fetch(`${node.url}/eth/v1/config/spec`))
    .json();
  assertEquals(spec.data.SLOT_DURATION_MS, "3000");
});

Deno.test("RecordedBeaconNode plays an hour of default topics at once with speed max", async () => {
  const config = {
    genesisTime: 1_600_000_000_000,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
  };
  let text = recordingHeader(config);
  const root = (slot: number) => `0x${slot.toString(16).padStart(64, "0")}`;
  for (let slot = 1; slot <= 300; slot++) {
    for (const topic of ["block_gossip", "block"]) {
      const raw = `{"slot":"${slot}","block":"${
        root(slot)
      }","execution_optimistic":false}`;
      text += recordingLine({
        topic,
        node: "a",
        receivedAt: config.genesisTime + slot * 12_000 + 900,
        raw,
      });
    }
  }
  const node = new RecordedBeaconNode(await open(text), { speed: "max" });
  assertEquals((await record(node, 600)).length, 600);
});

Deno.test("RecordedBeaconNode answers 404 for genesis and spec that it does not have, and 405 to what writes", async () => {
  const node = new RecordedBeaconNode(await open(recordingHeader(undefined)));
  const status = async (path: string, method = "GET") => {
    const response = await node.fetch(`${node.url}${path}`, { method });
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await status("/eth/v1/beacon/genesis"), 404);
  assertEquals(await status("/eth/v1/config/spec"), 404);
  assertEquals(await status("/eth/v1/events"), 400);
  assertEquals(await status("/eth/v1/events?topics=head", "POST"), 405);
  assertEquals(await status("/eth/v1/node/health"), 200);
});

Deno.test("RecordedBeaconNode names an option that is wrong", async () => {
  const recording = await open(recordingHeader(undefined));
  for (const speed of [0, -1, NaN, "fast"]) {
    const error = assertThrows(
      () => new RecordedBeaconNode(recording, { speed: speed as number }),
      RangeError,
    );
    assert((error as Error).message.includes("speed"));
  }
  assertThrows(
    () => new RecordedBeaconNode(recording, { time: "then" as "now" }),
    TypeError,
    "time",
  );
});
