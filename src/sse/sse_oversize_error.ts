import type { ServerSentEvent } from "./server_sent_event.ts";

/**
 * Thrown by a decoder with `onOversize: "error"` when the event in flight grows beyond
 * `maxEventBytes`. Pushing more text is possible: the decoder goes on behind the event's blank line.
 */
export class SseOversizeError extends RangeError {
  /** Name of the class. */
  override readonly name = "SseOversizeError";
  /** The cap that was exceeded, in bytes of UTF-8. */
  readonly maxEventBytes: number;
  /** The events that the same push completed, before and after the one too large. */
  readonly events: ServerSentEvent[];

  /**
   * Creates an instance.
   *
   * @param maxEventBytes The cap that was exceeded, in bytes of UTF-8.
   * @param events The events that the same push completed.
   */
  constructor(maxEventBytes: number, events: ServerSentEvent[]) {
    super(
      `Cannot decode event: it is larger than maxEventBytes (${maxEventBytes})`,
    );
    this.maxEventBytes = maxEventBytes;
    this.events = events;
  }
}
