/** Answers that come compressed though none was accepted. */

import {
  createBrotliCompress,
  createDeflate,
  createDeflateRaw,
  createGzip,
  deflateSync,
  gzipSync,
} from "node:zlib";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { BeaconProtocolError } from "@org/beacon-sse";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import { openEventStream } from "../../../src/beacon/http/event_stream.ts";
import { requestJson } from "../../../src/beacon/http/request.ts";
import { HttpServer } from "./http_server.ts";

const EVENTS = ["one", "two", "three"].map((data) => `data: ${data}\n\n`);

/** The events that a stream delivers, each written only when the one before has arrived. */
async function eventsOf(
  encoding: string,
  compress: () => Compressor,
): Promise<string[]> {
  const compressor = compress();
  const write = (text: string) => {
    compressor.write(text);
    compressor.flush();
  };
  await using server = new HttpServer(() => {
    const body = new ReadableStream({
      start(controller) {
        compressor.on("data", (chunk) => controller.enqueue(chunk));
        compressor.on("end", () => controller.close());
        write(EVENTS[0]!);
      },
    });
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "content-encoding": encoding,
      },
    });
  });
  const { batches } = await openEventStream(new NodeEndpoint(server.url), {
    topics: ["head"],
    form: "joined",
    fetch,
    signal: new AbortController().signal,
    onBytes() {},
  });
  const events: string[] = [];
  for await (const batch of batches) {
    events.push(...batch.map(({ data }) => data));
    if (events.length < EVENTS.length) write(EVENTS[events.length]!);
    else compressor.end();
  }
  return events;
}

/** What of `node:zlib` a test uses. */
interface Compressor {
  write(text: string): void;
  flush(): void;
  end(): void;
  on(event: string, listener: (chunk: Uint8Array) => void): void;
}

for (
  const [encoding, compress] of [
    ["gzip", createGzip],
    ["X-GZIP", createGzip],
    ["deflate", createDeflate],
    ["deflate", () => createDeflate({ level: 2 })],
    ["deflate", createDeflateRaw],
  ] as [string, () => Compressor][]
) {
  Deno.test(`openEventStream() delivers each event of a stream of ${encoding} as it arrives`, async () => {
    assertEquals(await eventsOf(encoding, compress), ["one", "two", "three"]);
  });
}

Deno.test("openEventStream() names an encoding that it cannot undo", async () => {
  await assertRejects(
    () => eventsOf("br", () => createBrotliCompress() as unknown as Compressor),
    BeaconProtocolError,
    'content encoding must be gzip or deflate, got "br"',
  );
});

/** What is read of a body. */
function read(body: BodyInit, encoding: string): Promise<unknown> {
  return requestJson(new NodeEndpoint("http://a"), "/x", {
    fetch: () =>
      Promise.resolve(
        new Response(body, { headers: { "content-encoding": encoding } }),
      ),
    signal: new AbortController().signal,
  });
}

Deno.test("requestJson() reads a compressed body, whatever its pieces", async () => {
  const value = { text: "漢字".repeat(5000) };
  for (
    const [encoding, bytes] of [
      ["gzip", gzipSync(JSON.stringify(value))],
      ["deflate", deflateSync(JSON.stringify(value))],
    ] as const
  ) {
    for (const size of [1, 3, 100_000]) {
      const pieces = Array.from(
        { length: Math.ceil(bytes.length / size) },
        (_, index) => bytes.slice(index * size, (index + 1) * size),
      );
      const body = ReadableStream.from(pieces) as ReadableStream<Uint8Array>;
      assertEquals(await read(body, encoding), value);
    }
  }
});

Deno.test("requestJson() reads a body whose encoding the runtime has undone", async () => {
  for (const encoding of ["gzip", "deflate", "br", "zstd", "identity"]) {
    assertEquals(await read('{"a":1}', encoding), { a: 1 });
  }
});

Deno.test("requestJson() refuses a body that is not what its encoding announces", async () => {
  const cut = gzipSync('{"a":1}').slice(0, 20);
  await assertRejects(() => read(cut, "gzip"), Error, "Cannot read http://a/x");
  const message = "must be gzip or deflate";
  const noise = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, 1]);
  await assertRejects(() => read(noise, "zstd"), Error, message);
  await assertRejects(() => read('{"a":1}', "compress"), Error, message);
});

Deno.test("requestJson() reads 1 MiB of a body that becomes much larger, and no more", async () => {
  const bomb = gzipSync(new Uint8Array(64 * 1024 * 1024).fill(32));
  let left = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (left >= bomb.length) return controller.close();
      controller.enqueue(bomb.slice(left, left += 16_384));
    },
  }, { highWaterMark: 0 });
  await assertRejects(
    () => read(body, "gzip"),
    BeaconProtocolError,
    "the body exceeds 1048576 bytes",
  );
  assert(left < bomb.length, `${left} of ${bomb.length} bytes were read`);
});
