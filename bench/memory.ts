/**
 * What is held in memory: by an endless frame, by events that somebody keeps, by idle connections.
 * A script, not a timing.
 *
 * `deno run --allow-read bench/memory.ts [--json]`
 */

// deno-lint-ignore-file no-console -- a script that prints a table

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type ServerSentEvent, SseListener } from "@org/beacon-sse";
import { SseBatchDecoderStream, SseDecoder } from "@org/beacon-sse/sse";
import { assertEquals } from "@std/assert";
import { type Chunk, createCorpus, cutCorpus, isSmoke } from "./corpus.ts";
import { InMemoryNode } from "./in_memory_node.ts";
import { CONFIG } from "./pipelines.ts";

/** A line of the table. */
export interface MemoryRow {
  /** What is measured. */
  what: string;
  /** On what. */
  on: string;
  /** The most that it may be; absent where the line is only to know. */
  limit?: number;
  /** What it is. */
  value: number;
  /** In what. */
  unit: "MiB" | "KiB" | "s";
  /** More to know. */
  detail: string;
}

const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

async function main(): Promise<void> {
  const isJson = Deno.args.includes("--json");
  const rows: MemoryRow[] = [];
  for await (const row of measure()) {
    rows.push(row);
    if (isJson) continue;
    if (rows.length === 1) {
      console.log(
        "| what | on | at most | measured | |\n|---|---|---|---|---|",
      );
    }
    const { what, on, limit, value, unit, detail } = row;
    console.log(
      `| ${what} | ${on} | ${
        limit === undefined ? "–" : `${limit} ${unit}`
      } | ${value.toFixed(1)} ${unit} | ${detail} |`,
    );
  }
  if (isJson) console.log(JSON.stringify(rows));
}

async function* measure(): AsyncGenerator<MemoryRow> {
  yield* await idleNodes(isSmoke ? 50 : 1000);
  for (
    const [name, size] of [["64 KiB", 65_535], ["1 KiB", 1025], [
      "16 B",
      15,
    ]] as const
  ) {
    yield* await endlessFrame("one endless line", name, size);
    yield* await endlessFrame("endless empty data lines", name, size);
  }
  yield keptFromDecoder();
  yield await keptFromListener();
}

/** Bytes of the heap that are in use, garbage left out. */
function liveBytes(): number {
  collectGarbage();
  return Deno.memoryUsage().heapUsed;
}

/** A frame without an end through the pipe that the listener has; the heap is looked at all along. */
async function endlessFrame(
  what: "one endless line" | "endless empty data lines",
  name: string,
  size: number,
): Promise<MemoryRow[]> {
  const text = what === "one endless line"
    ? "x".repeat(size)
    : "data\n".repeat(size / 5);
  // Enough to go over the cap more than once; of an empty line only the line feed is held.
  const mebibytes = size > 100 ? 64 : what === "one endless line" ? 12 : 24;
  const count = Math.ceil(mebibytes * MIB / size / (isSmoke ? 60 : 1));
  const decoder = new SseBatchDecoderStream();
  const live = await heapGrowth(decoder, text, count, true);
  if (!isSmoke) assertEquals(decoder.oversized, 1);
  const all = await heapGrowth(new SseBatchDecoderStream(), text, count, false);
  const identity = new TransformStream<string, string>({}, {
    highWaterMark: 16,
  }, { highWaterMark: 4 });
  const floor = await heapGrowth(identity, text, count, false);
  const on = `${what}, ${name} chunks, ${mebibytes} MiB`;
  return [{
    what: "endless frame, 4 MiB cap: peak heap growth, garbage collected",
    on,
    limit: 12,
    value: live / MIB,
    unit: "MiB",
    detail: "",
  }, {
    what: "endless frame, 4 MiB cap: peak heap growth, garbage included",
    on,
    value: all / MIB,
    unit: "MiB",
    detail: `${(floor / MIB).toFixed(1)} MiB with an identity transform`,
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
      const heap = collects ? liveBytes() : Deno.memoryUsage().heapUsed;
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

/** One event of each chunk is kept, straight from the decoder: a slice holds its chunk. */
function keptFromDecoder(): MemoryRow {
  const chunks = manyChunks();
  const kept: ServerSentEvent[] = [];
  const text = new TextDecoder();
  const start = liveBytes();
  for (const { bytes } of chunks) {
    const decoder = new SseDecoder();
    kept.push(decoder.push(text.decode(bytes)).at(-1)!);
  }
  const grown = liveBytes() - start;
  assertEquals(kept.length, chunks.length);
  return {
    what: "kept events, each of another 64 KiB chunk",
    on: `${chunks.length} from SseDecoder.push`,
    value: grown / MIB,
    unit: "MiB",
    detail: `${(grown / chunks.length / 1024).toFixed(1)} KiB each`,
  };
}

/** The same behind the listener, where events are queued and kept by users. */
async function keptFromListener(): Promise<MemoryRow> {
  const chunks = manyChunks();
  const node = new InMemoryNode(chunks);
  const listener = await SseListener.start({
    nodes: [node.url],
    topics: ["head", "block", "block_gossip"],
    fetch: node.fetch,
    config: CONFIG,
  });
  const kept: unknown[] = [];
  const each = Math.floor(
    chunks.reduce((sum, { events }) => sum + events, 0) / chunks.length,
  );
  let read = 0;
  const subscription = listener.events();
  const loop = (async () => {
    for await (const event of subscription) {
      if (read++ % each === 0 && kept.length < chunks.length) kept.push(event);
      node.read();
    }
  })();
  await listener.ready;
  const start = liveBytes();
  await node.round();
  const grown = liveBytes() - start;
  await listener.close();
  await loop;
  assertEquals(kept.length, chunks.length);
  return {
    what: "kept events, each of another 64 KiB chunk",
    on: `${chunks.length} from SseListener.events()`,
    value: grown / MIB,
    unit: "MiB",
    detail: `${(grown / chunks.length / 1024).toFixed(1)} KiB each`,
  };
}

/** As many chunks of 64 KiB as are wanted, each beginning with an event. */
function manyChunks(): Chunk[] {
  const corpus = createCorpus("duty");
  const [chunk] = cutCorpus(corpus, "64 KiB");
  // Cut behind its last event, so that they can stand in a row.
  const end = corpus.ends[chunk!.events - 1]!;
  const bytes = chunk!.bytes.slice(0, end);
  const whole = { ...chunk!, bytes, text: new TextDecoder().decode(bytes) };
  return Array.from({ length: isSmoke ? 30 : 1000 }, () => whole);
}

/** Many nodes in one process, each of which answers and then says nothing. */
async function idleNodes(count: number): Promise<MemoryRow[]> {
  const encoder = new TextEncoder();
  const serve: typeof fetch = (input) => {
    const node = new InMemoryNode([]);
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    if (pathname !== "/eth/v1/events") return node.fetch(input);
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(encoder.encode(":\n\n")),
    });
    const headers = { "content-type": "text/event-stream" };
    return Promise.resolve(new Response(body, { headers }));
  };
  const heap = liveBytes();
  const { rss } = Deno.memoryUsage();
  const start = performance.now();
  const listener = await SseListener.start({
    nodes: Array.from({ length: count }, (_, index) => `http://node-${index}`),
    fetch: serve,
    config: CONFIG,
  });
  let connected = 0;
  let first = 0;
  for await (const { type } of listener.status()) {
    if (type !== "connected") continue;
    if (connected === 0) first = performance.now() - start;
    if (++connected === count) break;
  }
  const elapsed = (performance.now() - start) / 1000;
  const grown = liveBytes() - heap;
  const grownRss = Deno.memoryUsage().rss - rss;
  await listener.close();
  return [
    {
      what: "idle nodes in one process: heap",
      on: `${count} nodes, each`,
      limit: 100,
      value: grown / count / 1024,
      unit: "KiB",
      detail: `${(grownRss / count / 1024).toFixed(1)} KiB of resident memory`,
    },
    {
      what: "idle nodes in one process: start to all connected",
      on: `${count} nodes`,
      limit: 10,
      value: elapsed,
      unit: "s",
      detail: `the first after ${first.toFixed(0)} ms`,
    },
  ];
}

if (import.meta.main) await main();
