import { assert, assertEquals, assertRejects } from "@std/assert";
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
