import type { ServerSentEvent } from "./server_sent_event.ts";
import { SseDecoder, type SseDecoderOptions } from "./sse_decoder.ts";

/**
 * Text chunks in, events out, one by one.
 *
 * @example Usage
 * ```ts
 * import { SseDecoderStream } from "@org/beacon-sse/sse";
 * import { assertEquals } from "@std/assert";
 *
 * const response = new Response("event: head\ndata: {}\n\n: keep-alive\n");
 * const events = response.body!
 *   .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))
 *   .pipeThrough(new SseDecoderStream());
 * for await (const event of events) {
 *   assertEquals(event, { type: "head", data: "{}", lastEventId: "" });
 * }
 * ```
 */
export class SseDecoderStream extends TransformStream<string, ServerSentEvent> {
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
          for (const event of decoder.push(text)) controller.enqueue(event);
        },
      },
      // Measured: with less room both sides are woken for each chunk.
      { highWaterMark: 4 },
      { highWaterMark: 16 },
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
