import type { ServerSentEvent } from "./server_sent_event.ts";
import { SseDecoder, type SseDecoderOptions } from "./sse_decoder.ts";

/**
 * Text chunks in, arrays of events out: one array for each chunk that completed any event. The cost
 * of a stream is per chunk that crosses it, so this is the form for high rates; the listener uses it.
 *
 * Backpressure passes through: a reader that stops stops the source after a bounded number of chunks.
 *
 * @example Usage
 * ```ts
 * import { SseBatchDecoderStream } from "@org/beacon-sse/sse";
 * import { assertEquals } from "@std/assert";
 *
 * const batches = ReadableStream.from(["data: 1\n\ndata: 2\n\nda", "ta: 3\n\n"])
 *   .pipeThrough(new SseBatchDecoderStream());
 * const sizes = await Array.fromAsync(batches, (batch) => batch.length);
 * assertEquals(sizes, [2, 1]);
 * ```
 */
export class SseBatchDecoderStream
  extends TransformStream<string, ServerSentEvent[]> {
  readonly #decoder: SseDecoder;

  /**
   * Creates a stream.
   *
   * @param options Options of the decoder.
   * @throws {RangeError} If `maxEventBytes` is not a positive integer.
   * @throws {TypeError} If `onOversize` is neither `"skip"` nor `"error"`.
   */
  constructor(options: SseDecoderOptions = {}) {
    const decoder = new SseDecoder(options);
    super(
      {
        transform(text, controller) {
          const events = decoder.push(text);
          if (events.length > 0) controller.enqueue(events);
        },
      },
      // Measured: with fewer the source is woken for each chunk, with more large chunks grow cold.
      { highWaterMark: 4 },
      { highWaterMark: 4 },
    );
    this.#decoder = decoder;
  }

  /** The last event ID in force, `""` where the stream never set one. */
  get lastEventId(): string {
    return this.#decoder.lastEventId;
  }

  /** How many events were dropped because they exceeded `maxEventBytes`. */
  get oversized(): number {
    return this.#decoder.oversized;
  }
}
