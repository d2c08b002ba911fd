/** A text of any length, even endless, of which only the part that is read is ever made. */

const CHUNK_BYTES = 64 * 1024;

/** A text in UTF-8, again and again up to a length; it stops early when told so. */
export function* repeatedText(
  text: string,
  bytes: number,
  isOver: () => boolean = () => false,
): Generator<Uint8Array<ArrayBuffer>> {
  const once = new TextEncoder().encode(text);
  const repetitions = Math.max(1, Math.floor(CHUNK_BYTES / once.length));
  const chunk = new Uint8Array(once.length * repetitions);
  for (let i = 0; i < repetitions; i++) chunk.set(once, i * once.length);
  for (let left = bytes; left > 0 && !isOver(); left -= chunk.length) {
    yield left < chunk.length ? chunk.slice(0, left) : chunk.slice();
  }
}

/** The body of a response that is made as the client reads. */
export function lazyBody(
  chunks: Iterator<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { done, value } = chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  }, { highWaterMark: 0 });
}
