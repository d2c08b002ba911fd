/** One open event stream of the simulated node. */

import { ServerSentEventStream } from "@std/http/server-sent-event-stream";
import { StreamFaults } from "../faults/stream_faults.ts";

/** An event, a comment, or both; a field that is not set is not sent. */
export interface EventMessage {
  /** Name of the event: one line. */
  event?: string;
  /** Data of the event; several lines become several `data` fields. */
  data?: string;
  /** A comment; several lines become several comments. */
  comment?: string;
  /** Reconnection time in milliseconds, which no beacon node sends. */
  retry?: number;
}

/** What a connection carries: a message, or bytes to be sent as they are, which may be made as the client reads. */
export type EventFrame =
  | EventMessage
  | Uint8Array<ArrayBuffer>
  | Iterable<Uint8Array<ArrayBuffer>>;

/** Options for {@linkcode EventConnection}. */
export interface EventConnectionOptions {
  /** Topics that the client asked for. */
  topics: Iterable<string>;
  /** Query of its request. */
  query: URLSearchParams;
  /** Headers of its request. */
  headers: Headers;
  /** Silence after which a keep-alive comment is sent, in milliseconds; 0: never. */
  keepAliveMs: number;
  /** Most frames that wait for a client that does not read. */
  maxQueuedEvents: number;
  /**
   * What is wrong with the stream.
   *
   * @default {nothing}
   */
  faults?: StreamFaults;
}

/**
 * An open event stream: a bounded queue of frames on one side, the body of a
 * response on the other.
 *
 * A client that reads too slowly is treated as Lighthouse treats it: the
 * oldest frames that wait are dropped, and the comment
 * `error - dropped 3 messages` stands in their place.
 */
export class EventConnection {
  /** Topics that the client asked for. */
  readonly topics: ReadonlySet<string>;
  /** Query of its request, `topics` as the client wrote them. */
  readonly query: URLSearchParams;
  /** Headers of its request. */
  readonly headers: Headers;
  /** Unix time of its request, in milliseconds. */
  readonly openedAt: number = Date.now();
  /** Resolves when the stream has ended, whoever ended it. */
  readonly closed: Promise<void>;
  /** The bytes for the client. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #keepAliveMs: number;
  readonly #maxQueuedEvents: number;
  readonly #faults: StreamFaults;
  readonly #encoder = new ServerSentEventStream();
  readonly #writer = this.#encoder.writable.getWriter();
  readonly #reader = this.#encoder.readable.getReader();
  readonly #settleClosed: () => void;
  #queue: EventFrame[] = [];
  /** What is left of a frame that is sent in pieces. */
  #pieces: Iterator<Uint8Array<ArrayBuffer>> | undefined;
  #dropped = 0;
  #unreported = 0;
  #ended = false;
  #abandoned = false;
  #wake: () => void = () => {};

  /** Opens a connection; nothing is sent before `body` is read. */
  constructor(options: EventConnectionOptions) {
    this.topics = new Set(options.topics);
    this.query = options.query;
    this.headers = options.headers;
    this.#keepAliveMs = options.keepAliveMs;
    this.#maxQueuedEvents = options.maxQueuedEvents;
    this.#faults = options.faults ?? new StreamFaults();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#settleClosed = resolve;
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#abandon(),
    }, { highWaterMark: 0 });
  }

  /** Whether it still takes frames: nobody has ended it. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** How many frames were dropped because the client did not read, or because of a fault. */
  get dropped(): number {
    return this.#dropped + this.#faults.dropped;
  }

  /**
   * Queues a frame, whatever the client asked for; nothing happens once the
   * stream has ended.
   *
   * @throws {TypeError} The name of the event is not one line.
   */
  send(frame: EventFrame): void {
    if ("event" in frame && /[\r\n]/.test(frame.event ?? "")) {
      throw new TypeError(
        `Cannot send an event: event must be one line, got ${
          JSON.stringify(frame.event)
        }`,
      );
    }
    if (this.#ended) return;
    if (!this.#faults.isOn) return this.#enqueue(frame);
    for (const admitted of this.#faults.filter(frame)) this.#enqueue(admitted);
  }

  /** Ends the stream cleanly, after what is queued. */
  close(): void {
    this.#ended = true;
    this.#wake();
  }

  #enqueue(frame: EventFrame): void {
    if (this.#queue.length >= this.#maxQueuedEvents) {
      this.#queue.shift();
      this.#dropped++;
      this.#unreported++;
    }
    this.#queue.push(frame);
    this.#wake();
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    while (true) {
      if (this.#pieces && await this.#sendPiece(controller)) return;
      const frame = await this.#next();
      if (frame === undefined) {
        // Closing a stream that its reader has cancelled would throw.
        if (!this.#abandoned) controller.close();
        return this.#settleClosed();
      }
      if (this.#faults.isOn || isLazy(frame)) {
        this.#pieces = this.#faults.shape(frame);
        continue;
      }
      return controller.enqueue(
        frame instanceof Uint8Array ? frame : await this.#encode(frame),
      );
    }
  }

  /** Sends the next piece of a frame; false when there is none. */
  async #sendPiece(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ): Promise<boolean> {
    await this.#faults.pace();
    const piece = this.#pieces?.next();
    if (!piece || piece.done) {
      this.#pieces = undefined;
      return false;
    }
    controller.enqueue(piece.value);
    return true;
  }

  #abandon(): void {
    this.#abandoned = true;
    this.#queue = [];
    this.#pieces = undefined;
    this.#faults.end();
    this.close();
    this.#settleClosed();
  }

  /** The next frame to send; `undefined` at the end. */
  async #next(): Promise<EventFrame | undefined> {
    while (true) {
      if (this.#unreported > 0) {
        const comment = `error - dropped ${this.#unreported} messages`;
        this.#unreported = 0;
        return { comment };
      }
      const frame = this.#queue.shift();
      if (frame !== undefined || this.#ended) return frame;
      const isKeepAliveDue = !await this.#woken();
      if (isKeepAliveDue && !this.#faults.isMute) return { comment: "" };
    }
  }

  /** Waits for a frame or the end; false when keep-alive is due before. */
  #woken(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#keepAliveMs > 0
      ? setTimeout(resolve, this.#keepAliveMs, false)
      : undefined;
    this.#wake = () => {
      clearTimeout(timer);
      resolve(true);
    };
    return promise;
  }

  async #encode(message: EventMessage): Promise<Uint8Array<ArrayBuffer>> {
    const [encoded] = await Promise.all([
      this.#reader.read(),
      this.#writer.write(message),
    ]);
    return encoded.value as Uint8Array<ArrayBuffer>;
  }
}

function isLazy(
  frame: EventFrame,
): frame is Iterable<Uint8Array<ArrayBuffer>> {
  return Symbol.iterator in frame && !(frame instanceof Uint8Array);
}
