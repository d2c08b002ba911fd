/** From the body of a response into a transform, with one buffer that is used again and again. */

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Does what `body.pipeThrough(transform)` does, and counts. There, a runtime makes a buffer of 64 KiB
 * for each chunk, be it an event of 400 bytes. Such garbage is outside of the heap and piles up: it
 * took 70 MiB, and most of the time, where an endless event came in pieces of a few KiB.
 *
 * @param body The body, locked by this.
 * @param transform Where the bytes go. It must be done with a chunk when the write of it resolves.
 * @param onBytes Called with the size of each chunk that arrives.
 */
export function pipeBytes<T>(
  body: ReadableStream<Bytes>,
  transform: ReadableWritablePair<T, Bytes>,
  onBytes: (bytes: number) => void,
): ReadableStream<T> {
  const reader = openReader(body);
  const writer = transform.writable.getWriter();
  // The other end may be cancelled while a chunk is awaited.
  writer.closed.catch((reason) => reader.cancel(reason)).catch(() => {});
  pump(reader, writer, onBytes);
  return transform.readable;
}

async function pump(
  reader: BodyReader,
  writer: WritableStreamDefaultWriter<Bytes>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    for (
      let { done, value } = await reader.read();
      !done && value !== undefined;
      { done, value } = await reader.read()
    ) {
      onBytes(value.byteLength);
      await writer.write(value);
    }
    await writer.close();
  } catch (error) {
    // Where it was the writer that failed, this has no effect.
    await writer.abort(error).catch(() => {});
  }
}

interface BodyReader {
  read(): Promise<{ done: boolean; value: Bytes | undefined }>;
  cancel(reason: unknown): Promise<void>;
}

function openReader(body: ReadableStream<Bytes>): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // No byte stream: the body of a stand-in for fetch, or of an old browser.
    return body.getReader() as BodyReader;
  }
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (value !== undefined) buffer = value.buffer;
      return { done, value };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

const BUFFER_BYTES = 64 * 1024;
