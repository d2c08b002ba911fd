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

const { signal } = new AbortController();

for (const [name, open] of Object.entries(BODIES)) {
  Deno.test(`readBytes() hands on all of ${name}`, async () => {
    let next = 0;
    const body = open({
      pull(controller) {
        if (next < CHUNKS.length) controller.enqueue(CHUNKS[next++]!.slice());
        else {
          controller.close();
          controller.byobRequest?.respond(0);
        }
      },
    });
    const read: string[] = [];
    const decoder = new TextDecoder();
    await readBytes(body, (bytes) => read.push(decoder.decode(bytes)), signal);
    assertEquals(read.join(""), await new Blob(CHUNKS).text());
  });

  Deno.test(`readBytes() passes an error of ${name} on`, async () => {
    const reset = new TypeError("connection reset");
    const body = open({ pull: (controller) => controller.error(reset) });
    const error = await assertRejects(() => readBytes(body, () => {}, signal));
    assertEquals(error, reset);
  });

  Deno.test(`readBytes() cancels ${name} when its signal aborts while it waits for a chunk`, async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const body = open({ pull() {}, cancel: cancelled.resolve });
    const ended = new AbortController();
    const reading = readBytes(body, () => {}, ended.signal);
    const reason = new Error("enough");
    ended.abort(reason);
    assertEquals(await assertRejects(() => reading), reason);
    assertEquals(await cancelled.promise, reason);
  });

  Deno.test(`readBytes() cancels ${name} when a chunk cannot be taken`, async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const body = open({
      pull: (controller) => controller.enqueue(CHUNKS[0]!.slice()),
      cancel: cancelled.resolve,
    });
    const refusal = new Error("refused");
    const reading = readBytes(body, () => {
      throw refusal;
    }, signal);
    assertEquals(await assertRejects(() => reading), refusal);
    assertEquals(await cancelled.promise, refusal);
  });
}
