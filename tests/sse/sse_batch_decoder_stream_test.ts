import { assertEquals } from "@std/assert";
import { SseBatchDecoderStream } from "@org/beacon-sse/sse";

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
