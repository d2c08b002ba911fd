import { assert, assertEquals, assertRejects } from "@std/assert";
import { pipeBytes } from "../../../src/beacon/http/event_stream.ts";

const CHUNKS = ["event: head\n", "data: {}\n\n", "x".repeat(100_000)]
  .map((text) => new TextEncoder().encode(text));

/** A body as `fetch` gives it, and one as a stand-in for `fetch` may give it. */
const BODIES = {
  "a byte stream": (source: Source) =>
    new ReadableStream({
      type: "bytes",
      pull: (controller) => source.pull(controller),
      cancel: (reason) => source.cancel?.(reason),
    }),
  "another stream": (source: Source) =>
    new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => source.pull(controller),
      cancel: (reason) => source.cancel?.(reason),
    }),
};

interface Source {
  pull(controller: {
    enqueue(chunk: Uint8Array<ArrayBuffer>): void;
    close(): void;
    error(reason: unknown): void;
    byobRequest?: ReadableStreamBYOBRequest | null;
  }): void;
  cancel?(reason: unknown): void;
}

/** What arrives as text, with the sizes of the chunks. */
function textOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  sizes: number[] = [],
): ReadableStream<string> {
  const text = new TextDecoderStream();
  return pipeBytes(body, text, (bytes) => sizes.push(bytes));
}

for (const [name, open] of Object.entries(BODIES)) {
  Deno.test(`pipeBytes() hands on all of ${name} and counts its bytes`, async () => {
    let next = 0;
    const sizes: number[] = [];
    const body = open({
      pull(controller) {
        if (next < CHUNKS.length) controller.enqueue(CHUNKS[next++]!.slice());
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    });
    const read = await Array.fromAsync(textOf(body, sizes));
    const expected = await new Blob(CHUNKS).text();
    assertEquals(read.join(""), expected);
    assertEquals(sizes.reduce((sum, size) => sum + size), expected.length);
  });

  Deno.test(`pipeBytes() reads ${name} no faster than its text is read`, async () => {
    let pulled = 0;
    const body = open({
      pull(controller) {
        pulled++;
        controller.enqueue(CHUNKS[1]!.slice());
      },
    });
    const reader = textOf(body).getReader();
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve));
    assert(pulled <= 4, `${pulled} chunks were pulled for one`);
    await reader.cancel();
  });

  Deno.test(`pipeBytes() passes an error of ${name} on`, async () => {
    const reset = new TypeError("connection reset");
    const body = open({ pull: (controller) => controller.error(reset) });
    const reader = textOf(body).getReader();
    const error = await assertRejects(() => reader.read(), TypeError);
    assertEquals(error, reset);
  });

  Deno.test(`pipeBytes() cancels ${name} while it waits for a chunk`, async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const body = open({ pull() {}, cancel: cancelled.resolve });
    const reader = textOf(body).getReader();
    const read = reader.read();
    await reader.cancel("enough");
    assertEquals(await cancelled.promise, "enough");
    assertEquals((await read).done, true);
  });
}
