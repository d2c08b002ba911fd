/**
 * Stand-in for the part of `@std/streams` that this project uses, for places
 * where JSR does not answer. Never published; see `tests/offline/switch.ts`.
 *
 * @module
 */

/** Options for {@linkcode LimitedBytesTransformStream}. */
export interface LimitedBytesTransformStreamOptions {
  /**
   * Whether too many bytes are an error (`RangeError`) instead of the end.
   *
   * @default {false}
   */
  error?: boolean;
}

/** Passes chunks on while their bytes fit in `size`; the first that does not ends the stream. */
export class LimitedBytesTransformStream
  extends TransformStream<Uint8Array, Uint8Array> {
  /** Limits the stream to `size` bytes. */
  constructor(size: number, options: LimitedBytesTransformStreamOptions = {}) {
    let total = 0;
    super({
      transform(chunk, controller) {
        if (total + chunk.byteLength <= size) {
          total += chunk.byteLength;
          controller.enqueue(chunk);
        } else if (options.error) {
          throw new RangeError(`Cannot read more than ${size} bytes`);
        } else {
          controller.terminate();
        }
      },
    });
  }
}

/** Splits text at LF and CRLF; what is behind the last line end comes last. */
export class TextLineStream extends TransformStream<string, string> {
  /** Makes the stream; the real one's `allowCR` is not offered here. */
  constructor() {
    // Pieces of the unfinished line; joined once, so a long one costs linear time.
    let pieces: string[] = [];
    super({
      transform(chunk, controller) {
        if (!chunk.includes("\n")) {
          if (chunk !== "") pieces.push(chunk);
          return;
        }
        const lines = (pieces.join("") + chunk).split("\n");
        const rest = lines.pop();
        pieces = rest ? [rest] : [];
        for (const line of lines) {
          controller.enqueue(line.endsWith("\r") ? line.slice(0, -1) : line);
        }
      },
      flush(controller) {
        if (pieces.length > 0) controller.enqueue(pieces.join(""));
      },
    });
  }
}

/** Reads a stream of text or of UTF-8 bytes into one string. */
export async function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += typeof value === "string"
      ? value
      : decoder.decode(value, { stream: true });
  }
}
