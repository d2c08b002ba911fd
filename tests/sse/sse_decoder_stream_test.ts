import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ServerSentEvent,
  SseBatchDecoderStream,
  SseDecoderStream,
  SseOversizeError,
} from "@org/beacon-sse/sse";
import {
  countingSource,
  MANY_CHUNKS,
  settled,
  StuckSink,
} from "./counting_source.ts";

Deno.test("SseDecoderStream() yields events one by one, whatever the chunks", async () => {
  const chunks = [
    "\uFEFF",
    "data: 1\n\ndata: 2\n\nid: 7\nda",
    "",
    "ta: 3\r",
    "\n\r\n",
    "data: lost",
  ];
  const events = await Array.fromAsync(
    ReadableStream.from(chunks).pipeThrough(new SseDecoderStream()),
  );
  assertEquals(events, [
    { type: "message", data: "1", lastEventId: "" },
    { type: "message", data: "2", lastEventId: "" },
    { type: "message", data: "3", lastEventId: "7" },
  ]);
});

Deno.test("SseDecoderStream() decodes bytes behind a TextDecoderStream, one byte a chunk", async () => {
  const bytes = new TextEncoder().encode(
    "\uFEFFevent: head\r\ndata: é漢💥\r\n\r\ndata: \uFEFF\n\n",
  );
  const events = await Array.fromAsync(
    ReadableStream.from(Array.from(bytes, (byte) => Uint8Array.of(byte)))
      .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))
      .pipeThrough(new SseDecoderStream()),
  );
  assertEquals(events, [
    { type: "head", data: "é漢💥", lastEventId: "" },
    { type: "message", data: "\uFEFF", lastEventId: "" },
  ]);
});

Deno.test("SseDecoderStream() delivers an event while its source stays open", async () => {
  const source = new TransformStream<string, string>();
  const writer = source.writable.getWriter();
  const reader = source.readable.pipeThrough(new SseDecoderStream())
    .getReader();
  writer.write("data: 1\n\ndata: 2");
  assertEquals((await reader.read()).value?.data, "1");
  writer.write("\n\n");
  assertEquals((await reader.read()).value?.data, "2");
  await writer.close();
  assertEquals((await reader.read()).done, true);
});

Deno.test("SseDecoderStream() cancels its source when its reader leaves", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const source = new ReadableStream<string>({
    pull: (controller) => controller.enqueue("data: x\n\n"),
    cancel: cancelled.resolve,
  });
  for await (const event of source.pipeThrough(new SseDecoderStream())) {
    assertEquals(event.data, "x");
    break;
  }
  await cancelled.promise;
});

Deno.test("SseDecoderStream() passes on an error of its source", async () => {
  const broken = new Error("reset by peer");
  const source = new ReadableStream<string>({
    start: (controller) => controller.enqueue("data: x\n\n"),
    pull: (controller) => controller.error(broken),
  });
  const events = source.pipeThrough(new SseDecoderStream());
  const error = await assertRejects(() => Array.fromAsync(events));
  assertEquals(error, broken);
});

Deno.test("SseDecoderStream() cancels its source where it breaks at an event over the cap", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const source = new ReadableStream<string>({
    pull: (controller) => controller.enqueue("data: x\n\ndata: 123456789"),
    cancel: cancelled.resolve,
  });
  const stream = new SseDecoderStream({
    maxEventBytes: 8,
    onOversize: "error",
  });
  const error = await assertRejects(
    () => Array.fromAsync(source.pipeThrough(stream)),
    SseOversizeError,
  );
  assertEquals(await cancelled.promise, error);
});

for (const Stream of [SseDecoderStream, SseBatchDecoderStream]) {
  /** The data of the events, however they are grouped. */
  const decode = async (
    chunks: string[],
    stream: InstanceType<typeof Stream>,
  ) => {
    const values = ReadableStream.from(chunks)
      .pipeThrough<ServerSentEvent | ServerSentEvent[]>(stream);
    return (await Array.fromAsync(values)).flat().map(({ data }) => data);
  };

  Deno.test(`${Stream.name}() stops its source while its sink is stuck`, async () => {
    const { stream, pulled } = countingSource("data: x\n\n");
    const sink = new StuckSink<unknown>();
    const piped = stream.pipeThrough<unknown>(new Stream()).pipeTo(sink);
    await sink.stuck;
    await settled();
    const before = pulled();
    await settled();
    assertEquals(pulled(), before);
    assert(before < 128, `${before} chunks were pulled`);
    assertEquals(sink.received.length, 1);
    sink.release();
    await piped;
    assertEquals(sink.received.length, MANY_CHUNKS);
  });

  Deno.test(`${Stream.name}() breaks at an event over the cap on demand`, async () => {
    const stream = new Stream({ maxEventBytes: 8, onOversize: "error" });
    const error = await assertRejects(
      () => decode(["data: a\n\ndata: 123456789\n\ndata: b\n\n"], stream),
      SseOversizeError,
    );
    assertEquals(error.maxEventBytes, 8);
    assertEquals(error.events.map(({ data }) => data), ["a", "b"]);
    assertEquals(stream.oversized, 1);
  });

  Deno.test(`${Stream.name}() stops its source without a reader`, async () => {
    const { stream, pulled } = countingSource("data: x\n\ndata: y\n\n");
    const events = stream.pipeThrough<unknown>(new Stream());
    await settled();
    assert(pulled() < 64, `${pulled()} chunks were pulled`);
    await events.cancel();
  });

  Deno.test(`${Stream.name}() skips an event over the cap, and counts it`, async () => {
    const stream = new Stream({ maxEventBytes: 8 });
    assertEquals(stream.oversized, 0);
    const chunks = ["data: a\n\ndata: 12345", "6789", "\n\ndata: b\n\n"];
    assertEquals(await decode(chunks, stream), ["a", "b"]);
    assertEquals(stream.oversized, 1);
  });

  Deno.test(`${Stream.name}.lastEventId is the one in force`, async () => {
    const stream = new Stream();
    assertEquals(stream.lastEventId, "");
    assertEquals(await decode(["id: 7\n\n", "id: 8\n"], stream), []);
    assertEquals(stream.lastEventId, "7");
  });

  Deno.test(`${Stream.name}() reports comments and retries`, async () => {
    const reported: unknown[] = [];
    const stream = new Stream({
      onComment: (comment) => reported.push(comment),
      onRetry: (milliseconds) => reported.push(milliseconds),
    });
    await decode([": hel", "lo\nretry: 2", "50\n"], stream);
    assertEquals(reported, ["hello", 250]);
  });

  Deno.test(`${Stream.name}() refuses bad options, naming option and value`, () => {
    assertThrows(
      () => new Stream({ maxEventBytes: -1 }),
      RangeError,
      "maxEventBytes must be a positive integer, got -1",
    );
    assertThrows(
      // deno-lint-ignore no-explicit-any -- what a user without types may pass
      () => new Stream({ onOversize: "drop" as any }),
      TypeError,
      'onOversize must be "skip" or "error", got "drop"',
    );
  });
}
