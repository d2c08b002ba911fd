/**
 * What is held in memory: by an endless frame, by events that a program keeps, by idle connections.
 *
 * `deno run --allow-read bench/memory.ts` prints the rows as JSON.
 */

// deno-lint-ignore-file no-console -- a script that prints

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ServerSentEvent, SseListener } from "@org/beacon-sse";
import { SseBatchDecoderStream, SseDecoder } from "@org/beacon-sse/sse";
import { assertEquals } from "@std/assert";
import { createCorpus, cutCorpus, isSmoke, LAST_SLOT } from "./corpus.ts";
import { answerSyncing, CONFIG, InMemoryNode } from "./in_memory_node.ts";

/** A line of the table. */
export interface MemoryRow {
  /** What is measured. */
  what: string;
  /** On what. */
  on: string;
  /** What it is. */
  value: number;
  /** In what. */
  unit: "MiB" | "KiB" | "s" | "ms";
  /** More to know. */
  detail: string;
}

const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

async function main(): Promise<void> {
  console.log(JSON.stringify(await Array.fromAsync(measure())));
}

async function* measure(): AsyncGenerator<MemoryRow> {
  yield* await manyNodes(isSmoke ? 50 : 300);
  for (
    const [name, size] of [["64 KiB", 65_535], ["1 KiB", 1025], [
      "16 B",
      15,
    ]] as const
  ) {
    yield* await endlessFrames(name, size);
  }
  yield keptFromDecoder();
  yield await keptFromListener(false);
  yield await keptFromListener(true);
}

/** Bytes of the heap that are in use, those of array buffers included. */
function usedBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** The same, garbage left out. */
function liveBytes(): number {
  collectGarbage();
  return usedBytes();
}

/** Frames without an end through the pipe that the listener has; the heap is looked at all along. */
async function endlessFrames(
  name: string,
  size: number,
): Promise<MemoryRow[]> {
  const peak = { line: 0, emptyLines: 0, all: 0, floor: 0 };
  for (const frame of ["line", "emptyLines"] as const) {
    const text = frame === "line"
      ? "x".repeat(size)
      : "data\n".repeat(size / 5);
    // Enough to go over the cap more than once; of an empty line only the line feed is held.
    const mebibytes = size > 100 ? 64 : frame === "line" ? 12 : 24;
    const count = Math.ceil(mebibytes * MIB / size / (isSmoke ? 60 : 1));
    const decoder = new SseBatchDecoderStream();
    peak[frame] = await heapGrowth(decoder, text, count, true);
    if (!isSmoke) assertEquals(decoder.oversized, 1);
    const again = new SseBatchDecoderStream();
    peak.all = Math.max(peak.all, await heapGrowth(again, text, count, false));
    const identity = new TransformStream<string, string>({}, {
      highWaterMark: 16,
    }, { highWaterMark: 4 });
    const floor = await heapGrowth(identity, text, count, false);
    peak.floor = Math.max(peak.floor, floor);
  }
  const mib = (bytes: number) => (bytes / MIB).toFixed(1);
  return [{
    what: "endless frame, 4 MiB cap: peak heap growth",
    on: `${name} chunks`,
    value: Math.max(peak.line, peak.emptyLines) / MIB,
    unit: "MiB",
    detail: `one line ${mib(peak.line)}, empty data lines ${
      mib(peak.emptyLines)
    }`,
  }, {
    what: "the same, with the garbage that V8 has not collected yet",
    on: `${name} chunks`,
    value: peak.all / MIB,
    unit: "MiB",
    detail: `an identity transform: ${mib(peak.floor)}`,
  }];
}

/** The most that the heap grows while a stream reads the same chunk again and again. */
async function heapGrowth<T>(
  transform: TransformStream<string, T>,
  text: string,
  count: number,
  collects: boolean,
): Promise<number> {
  const encoder = new TextEncoder();
  const chunk = encoder.encode(text);
  const step = Math.ceil(count / 2000) * chunk.byteLength;
  const start = liveBytes();
  let growth = 0;
  let sent = 0;
  let next = 0;
  const bytes = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (controller) => controller.enqueue(encoder.encode("data: ")),
    pull(controller) {
      if (sent === count * chunk.byteLength) return controller.close();
      controller.enqueue(chunk);
      sent += chunk.byteLength;
      if (sent < next) return;
      const heap = collects ? liveBytes() : usedBytes();
      growth = Math.max(growth, heap - start);
      if (!collects) next = sent + step;
      // Often until the cap is reached for the first time, then now and then.
      else next = sent + (sent < 6 * MIB ? MIB / 2 : 2 * MIB);
    },
  });
  await bytes
    .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))
    .pipeThrough(transform)
    .pipeTo(new WritableStream());
  return growth;
}

/** How many slots the nodes report. */
const SLOTS = 10;

const KEPT = isSmoke ? 30 : 1000;

/** One event of each chunk is kept, straight from the decoder: a slice holds its chunk. */
function keptFromDecoder(): MemoryRow {
  const chunks = cutCorpus(createCorpus("duty"), "64 KiB");
  const kept: ServerSentEvent[] = [];
  const text = new TextDecoder();
  const start = liveBytes();
  for (let index = 0; index < KEPT; index++) {
    const { bytes } = chunks[index % chunks.length]!;
    kept.push(new SseDecoder().push(text.decode(bytes)).at(-1)!);
  }
  return keptRow(kept, start, "SseDecoder.push");
}

/** The same behind the listener, where events are queued and kept by users. */
async function keptFromListener(raw: boolean): Promise<MemoryRow> {
  const corpus = createCorpus("duty");
  const node = new InMemoryNode(corpus, "64 KiB");
  const listener = await SseListener.start({
    nodes: [node.url],
    topics: ["head", "block", "block_gossip"],
    fetch: node.fetch,
    config: CONFIG,
    now: node.now,
  });
  const subscription = listener.events({ raw });
  const eventsPerChunk = 300;
  const kept: unknown[] = [];
  let read = 0;
  const loop = (async () => {
    for await (const event of subscription) {
      if (read++ % eventsPerChunk === 0 && kept.length < KEPT) kept.push(event);
      node.read();
    }
  })();
  await listener.ready;
  const start = liveBytes();
  while (kept.length < KEPT) {
    node.prepare();
    await node.round();
  }
  const row = keptRow(
    kept,
    start,
    raw ? "SseListener.events({ raw: true })" : "SseListener.events()",
  );
  await listener.close();
  await loop;
  return row;
}

function keptRow(kept: unknown[], start: number, from: string): MemoryRow {
  const grown = liveBytes() - start;
  assertEquals(kept.length, KEPT);
  return {
    what: "kept events, each of another 64 KiB chunk",
    on: `${KEPT} from ${from}`,
    value: grown / MIB,
    unit: "MiB",
    detail: `${(grown / KEPT / 1024).toFixed(1)} KiB each`,
  };
}

/** Many nodes in one process: each opens its stream, is silent, and then reports a few slots. */
async function manyNodes(count: number): Promise<MemoryRow[]> {
  const encoder = new TextEncoder();
  const bodies = new Set<
    ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
  >();
  const serve: typeof fetch = (input) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (pathname !== "/eth/v1/events") return Promise.resolve(answerSyncing());
    let opened: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        opened = controller;
        controller.enqueue(encoder.encode(":\n\n"));
        bodies.add(controller);
      },
      cancel: () => void bodies.delete(opened),
    });
    const headers = { "content-type": "text/event-stream" };
    return Promise.resolve(new Response(body, { headers }));
  };
  const corpus = createCorpus("duty");
  const frames = cutCorpus(corpus, "one event per chunk");
  const heap = liveBytes();
  const { rss } = Deno.memoryUsage();
  const start = performance.now();
  const listener = await SseListener.start({
    nodes: Array.from({ length: count }, (_, index) => `http://node-${index}`),
    topics: ["head", "block", "block_gossip"],
    fetch: serve,
    config: CONFIG,
    now: () => CONFIG.genesisTime + LAST_SLOT * CONFIG.slotDurationMs,
  });
  let connected = 0;
  for await (const { type } of listener.status()) {
    if (type === "connected" && ++connected === count) break;
  }
  const elapsed = (performance.now() - start) / 1000;
  const grown = liveBytes() - heap;
  const grownRss = Deno.memoryUsage().rss - rss;

  const events = listener.events();
  // The newest ones: older slots than the clock's are the past, which is not delivered.
  const newest = frames.slice(-3 * SLOTS);
  const firstSlot = LAST_SLOT - SLOTS + 1;
  const began = performance.now();
  for (let slot = 0; slot < SLOTS; slot++) {
    for (const frame of newest.slice(3 * slot, 3 * slot + 3)) {
      for (const body of bodies) body.enqueue(frame.bytes);
    }
    do await new Promise((resolve) => setTimeout(resolve)); while (
      listener.nodes.some((node) => node.headSlot !== firstSlot + slot)
    );
  }
  const perSlot = (performance.now() - began) / SLOTS;
  await listener.close();
  assertEquals((await Array.fromAsync(events)).length, 3 * SLOTS);
  return [
    {
      what: "idle nodes in one process: heap",
      on: `${count} nodes, each`,
      value: grown / count / 1024,
      unit: "KiB",
      detail: `${(grownRss / count / 1024).toFixed(1)} KiB of resident memory`,
    },
    {
      what: "idle nodes in one process: start to all connected",
      on: `${count} nodes`,
      value: elapsed,
      unit: "s",
      detail: "",
    },
    {
      what: "head, block and block_gossip of a slot from each node",
      on: `${count} nodes`,
      value: perSlot,
      unit: "ms",
      detail: `${(perSlot / 120).toFixed(2)} % of a slot of 12 s`,
    },
  ];
}

if (import.meta.main) await main();
