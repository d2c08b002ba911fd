import { assertEquals, assertRejects } from "@std/assert";
import { readBytes } from "../../../src/beacon/http/read_bytes.ts";

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

for (const [name, open] of Object.entries(BODIES)) {
  Deno.test(`readBytes() reads all of ${name} and tells the size of each chunk`, async () => {
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
    const read = await Array.fromAsync(
      readBytes(body, (bytes) => sizes.push(bytes)),
    );
    assertEquals(
      await new Blob(read).text(),
      await new Blob(CHUNKS).text(),
    );
    assertEquals(sizes, read.map(({ byteLength }) => byteLength));
  });

  Deno.test(`readBytes() hands on chunks of ${name} that later ones do not overwrite`, async () => {
    let next = 0;
    const body = open({
      pull: (controller) => controller.enqueue(CHUNKS[next++]!.slice()),
    });
    const reader = readBytes(body, () => {}).getReader();
    const first = (await reader.read()).value;
    await reader.read();
    assertEquals(first, CHUNKS[0]);
    await reader.cancel();
  });

  Deno.test(`readBytes() passes an error of ${name} on`, async () => {
    const reset = new TypeError("connection reset");
    const body = open({ pull: (controller) => controller.error(reset) });
    const reader = readBytes(body, () => {}).getReader();
    const error = await assertRejects(() => reader.read(), TypeError);
    assertEquals(error, reset);
  });

  Deno.test(`readBytes() cancels ${name} while it waits for a chunk`, async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const body = open({ pull() {}, cancel: cancelled.resolve });
    const reader = readBytes(body, () => {}).getReader();
    const read = reader.read();
    await reader.cancel("enough");
    assertEquals(await cancelled.promise, "enough");
    assertEquals((await read).done, true);
  });
}
