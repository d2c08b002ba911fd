/** Reads a simulated node's events as a plain client does: fetch, lines, fields. */

import { assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams/text-line-stream";

/** An event as it came, its data parsed. */
export interface ReceivedEvent {
  topic: string;
  // deno-lint-ignore no-explicit-any
  data: any;
  receivedAt: number;
}

/** A client of `/eth/v1/events`. */
export class EventReader implements AsyncDisposable {
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly comments: string[] = [];

  private constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#lines = body.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
  }

  /** Connects; the node has accepted the client when the promise resolves. */
  static async open(url: string, ...topics: string[]): Promise<EventReader> {
    const response = await fetch(`${url}/eth/v1/events?topics=${topics}`);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "text/event-stream");
    return new EventReader(response.body!);
  }

  /** The next event, or `undefined` at the end of the stream. */
  async next(): Promise<ReceivedEvent | undefined> {
    let topic = "";
    const data: string[] = [];
    while (true) {
      const { done, value: line } = await this.#lines.read();
      if (done) return undefined;
      if (line.startsWith("event:")) topic = line.slice(6);
      else if (line.startsWith("data:")) data.push(line.slice(5));
      else if (line.startsWith(":")) this.comments.push(line.slice(1));
      else if (line === "" && topic !== "") {
        return {
          topic,
          data: JSON.parse(data.join("\n")),
          receivedAt: Date.now(),
        };
      }
    }
  }

  /** So many events, or fewer where the stream ends before. */
  async take(count = Infinity): Promise<ReceivedEvent[]> {
    const events: ReceivedEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (!event) break;
      events.push(event);
    }
    return events;
  }

  /** Goes away. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lines.cancel();
  }
}
