/** Reads the body of a response, with one buffer that is used again and again. */

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Reads a body to its end. A pipe through streams takes twice the time of reading a small chunk. And
 * a runtime makes a buffer of 64 KiB for each chunk, be it an event of 400 bytes; such garbage is
 * outside of the heap and piles up, so the buffer is given to it here.
 *
 * @param body The body, locked by this.
 * @param take Called with each chunk as it arrives; its bytes are valid during the call.
 * @param signal Cancels the body when aborted.
 * @throws What `take` throws, which cancels the body, what the body fails with, or the signal's reason.
 */
export async function readBytes(
  body: ReadableStream<Bytes>,
  take: (bytes: Bytes) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = openReader(body);
  const cancel = (reason: unknown) => reader.cancel(reason).catch(() => {});
  const abort = () => cancel(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    signal.throwIfAborted();
    while (true) {
      const { done, value } = await reader.read();
      if (done || value === undefined) break;
      take(value);
    }
    // A body that was cancelled just ends.
    signal.throwIfAborted();
  } catch (error) {
    cancel(error);
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

interface BodyReader {
  read(): Promise<{ done: boolean; value?: Bytes | undefined }>;
  cancel(reason: unknown): Promise<void>;
}

function openReader(body: ReadableStream<Bytes>): BodyReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    // No byte stream: the body of a stand-in for fetch, or of an old browser.
    return body.getReader();
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
