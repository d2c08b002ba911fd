import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { SseBatchDecoderStream, SseOversizeError } from "@org/beacon-sse/sse";
import {
  countingSource,
  MANY_CHUNKS,
  settled,
  StuckSink,
} from "./counting_source.ts";

/** The data of each batch that the chunks lead to. */
async function batchesOf(
  chunks: string[],
  stream: SseBatchDecoderStream = new SseBatchDecoderStream(),
): Promise<string[][]> {
  const batches = await Array.fromAsync(
    ReadableStream.from(chunks).pipeThrough(stream),
  );
  return batches.map((batch) => batch.map(({ data }) => data));
}

Deno.test("SseBatchDecoderStream() yields one array for each chunk that completes an event", async () => {
  const chunks = [
    "data: 1\n\ndata: 2\n\nda",
    "ta: 3",
    "",
    ": nothing\n",
    "\n",
    "\n",
    "data: 4\r\n\r",
    "\ndata: 5\n\n\n",
    "data: lost",
  ];
  assertEquals(await batchesOf(chunks), [["1", "2"], ["3: nothing"], ["4"], [
    "5",
  ]]);
});

Deno.test("SseBatchDecoderStream() yields no empty array", async () => {
  assertEquals(
    await batchesOf(["", ": hello\n\n", "event: x\n\n", "data"]),
    [],
  );
});

Deno.test("SseBatchDecoderStream() yields whole events", async () => {
  const source = ReadableStream.from(["id: 7\nevent: head\ndata: {}\n\n"]);
  assertEquals(
    await Array.fromAsync(source.pipeThrough(new SseBatchDecoderStream())),
    [[{ type: "head", data: "{}", lastEventId: "7" }]],
  );
});

Deno.test("SseBatchDecoderStream() stops its source while its sink is stuck", async () => {
  const { stream, pulled } = countingSource("data: x\n\n".repeat(100));
  const sink = new StuckSink<unknown[]>();
  const piped = stream.pipeThrough(new SseBatchDecoderStream()).pipeTo(sink);
  await sink.stuck;
  await settled();
  const before = pulled();
  await settled();
  assertEquals(pulled(), before);
  assert(before < 64, `${before} chunks were pulled`);
  assertEquals(sink.received.length, 1);
  sink.release();
  await piped;
  assertEquals(sink.received.length, MANY_CHUNKS);
});

Deno.test("SseBatchDecoderStream() stops its source without a reader", async () => {
  const { stream, pulled } = countingSource("data: x\n\n");
  const batches = stream.pipeThrough(new SseBatchDecoderStream());
  await settled();
  assert(pulled() < 64, `${pulled()} chunks were pulled`);
  await batches.cancel();
});

Deno.test("SseBatchDecoderStream() skips an event over the cap, and counts it", async () => {
  const stream = new SseBatchDecoderStream({ maxEventBytes: 8 });
  assertEquals(stream.oversized, 0);
  const chunks = ["data: a\n\ndata: 12345", "6789", "\n\ndata: b\n\n"];
  assertEquals(await batchesOf(chunks, stream), [["a"], ["b"]]);
  assertEquals(stream.oversized, 1);
});

Deno.test("SseBatchDecoderStream() breaks at an event over the cap on demand", async () => {
  const stream = new SseBatchDecoderStream({
    maxEventBytes: 8,
    onOversize: "error",
  });
  const error = await assertRejects(
    () => batchesOf(["data: a\n\ndata: 123456789\n\ndata: b\n\n"], stream),
    SseOversizeError,
  );
  assertEquals(error.events.map(({ data }) => data), ["a", "b"]);
  assertEquals(stream.oversized, 1);
});

Deno.test("SseBatchDecoderStream.lastEventId is the one in force", async () => {
  const stream = new SseBatchDecoderStream();
  assertEquals(stream.lastEventId, "");
  await batchesOf(["id: 7\n\n", "id: 8\n"], stream);
  assertEquals(stream.lastEventId, "7");
});

Deno.test("SseBatchDecoderStream() reports comments and retries", async () => {
  const reported: unknown[] = [];
  const stream = new SseBatchDecoderStream({
    onComment: (comment) => reported.push(comment),
    onRetry: (milliseconds) => reported.push(milliseconds),
  });
  await batchesOf([": hel", "lo\nretry: 2", "50\n"], stream);
  assertEquals(reported, ["hello", 250]);
});

Deno.test("SseBatchDecoderStream() refuses bad options, naming option and value", () => {
  assertThrows(
    () => new SseBatchDecoderStream({ maxEventBytes: NaN }),
    RangeError,
    "maxEventBytes must be a positive integer, got NaN",
  );
  assertThrows(
    // deno-lint-ignore no-explicit-any -- what a user without types may pass
    () => new SseBatchDecoderStream({ onOversize: 0 as any }),
    TypeError,
    'onOversize must be "skip" or "error", got 0',
  );
});
