/**
 * Stand-in for `@std/http/server-sent-event-stream`, for places where JSR does
 * not answer. Never published; see `tests/offline/switch.ts`.
 *
 * @module
 */

/** One message of an event stream, before it is written. */
export interface ServerSentEventMessage {
  /** Written as comment lines, which a client ignores. */
  comment?: string;
  /** Type of the event. */
  event?: string;
  /** Payload; one `data` line per line of it. */
  data?: string;
  /** What a client sends back as `Last-Event-ID`. */
  id?: string | number;
  /** Time that a client waits before it reconnects, in milliseconds. */
  retry?: number;
}

/** Writes messages in the wire format of Server-Sent Events. */
export class ServerSentEventStream
  extends TransformStream<ServerSentEventMessage, Uint8Array> {
  /** Makes the stream; it has no options. */
  constructor() {
    const encoder = new TextEncoder();
    super({
      transform(message, controller) {
        controller.enqueue(encoder.encode(serialize(message)));
      },
    });
  }
}

const LINE_END = /\r\n|\n|\r/;

function serialize(message: ServerSentEventMessage): string {
  const { comment, event, data, id, retry } = message;
  const lines: string[] = [];
  for (const line of comment?.split(LINE_END) ?? []) lines.push(`:${line}`);
  if (event !== undefined) lines.push(`event:${oneLine("event", event)}`);
  for (const line of data?.split(LINE_END) ?? []) lines.push(`data:${line}`);
  if (id !== undefined) lines.push(`id:${oneLine("id", String(id))}`);
  if (retry !== undefined) lines.push(`retry:${retry}`);
  return `${lines.join("\n")}\n\n`;
}

/** Refuses a value that would end its field early and inject another one. */
function oneLine(name: string, value: string): string {
  if (!LINE_END.test(value)) return value;
  throw new SyntaxError(`Cannot write event: ${name} must be one line`);
}
