/**
 * Stand-in for the part of `@std/streams` that this project uses.
 *
 * @module
 */

/** Passes chunks on while their bytes fit in `size`; the first that does not ends the stream. */
export class LimitedBytesTransformStream
  extends TransformStream<Uint8Array, Uint8Array> {
  constructor(size: number, options: { error?: boolean } = {}) {
    let left = size;
    super({
      transform(chunk, controller) {
        left -= chunk.byteLength;
        if (left >= 0) controller.enqueue(chunk);
        else if (!options.error) controller.terminate();
        else throw new RangeError(`Cannot read more than ${size} bytes`);
      },
    });
  }
}

/** Splits text at LF and CRLF; what is behind the last line end comes last. */
export class TextLineStream extends TransformStream<string, string> {
  constructor() {
    let rest = "";
    super({
      transform(chunk, controller) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop()!;
        for (const line of lines) controller.enqueue(line.replace(/\r$/, ""));
      },
      flush(controller) {
        if (rest !== "") controller.enqueue(rest);
      },
    });
  }
}

/** Reads a stream of text or of UTF-8 bytes into one string. */
export async function toText(
  stream: ReadableStream<string> | ReadableStream<Uint8Array>,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += typeof chunk === "string"
      ? chunk
      : decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
