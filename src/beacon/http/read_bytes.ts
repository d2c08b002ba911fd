/** The bytes of a response's body, read into one buffer that is used again and again. */

/**
 * A body's chunks, each in a buffer of its own size. Read the usual way, a runtime makes a buffer of
 * 64 KiB for each chunk, be it an event of 400 bytes, and such garbage outside the heap piles up: it
 * took 70 MiB, and most of the time, where an endless event came in pieces of a few KiB.
 *
 * @param body The body, locked by this until it ends.
 * @param onBytes Called with the size of each chunk that arrives.
 */
export function readBytes(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: (bytes: number) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { read, cancel } = openReader(body);
  return new ReadableStream({
    async pull(controller) {
      const chunk = await read();
      if (chunk === undefined) {
        controller.close();
      } else {
        onBytes(chunk.byteLength);
        controller.enqueue(chunk);
      }
    },
    cancel,
  }, { highWaterMark: 0 });
}

interface BodyReader {
  /** The next chunk; `undefined` at the end. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  cancel(reason: unknown): Promise<void>;
}

function openReader(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // No byte stream: the body of a stand-in for fetch, or of an old browser.
    return openDefaultReader(body);
  }
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return undefined;
      buffer = value.buffer;
      return value.slice();
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function openDefaultReader(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
): BodyReader {
  const reader = body.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: (reason) => reader.cancel(reason),
  };
}

const BUFFER_BYTES = 64 * 1024;
