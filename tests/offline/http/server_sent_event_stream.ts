/**
 * Stand-in for `@std/http/server-sent-event-stream`.
 *
 * @module
 */

/** One message of an event stream, before it is written. */
export interface ServerSentEventMessage {
  comment?: string;
  event?: string;
  data?: string;
  id?: string | number;
  retry?: number;
}

/** Writes messages in the wire format of Server-Sent Events. */
export class ServerSentEventStream
  extends TransformStream<ServerSentEventMessage, Uint8Array> {
  constructor() {
    const encoder = new TextEncoder();
    super({
      transform({ comment, event, data, id, retry }, controller) {
        let text = field("", comment, "split") + field("event", event) +
          field("data", data, "split") + field("id", id) +
          field("retry", retry);
        controller.enqueue(encoder.encode(text += text === "" ? "\n\n" : "\n"));
      },
    });
  }
}

function field(name: string, value?: string | number, split?: "split"): string {
  if (value === undefined) return "";
  const lines = `${value}`.split(/\r\n|\n|\r/);
  if (lines.length > 1 && !split) throw new SyntaxError(`${name} of two lines`);
  return lines.map((line) => `${name}:${line}\n`).join("");
}
