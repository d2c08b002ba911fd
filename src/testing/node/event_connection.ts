/** One open event stream of the simulated node. */

import type { SimulatedClock } from "./clock.ts";
import { StreamConditions } from "./stream_conditions.ts";
import { encodeMessage, type EventFrame } from "./stream_frames.ts";

/** Options for {@linkcode EventConnection}. */
export interface EventConnectionOptions {
  /** Topics that the client requested. */
  topics: Iterable<string>;
  /** Query of its request. */
  query: URLSearchParams;
  /** Headers of its request. */
  headers: Headers;
  /** Silence after which a keep-alive comment is sent, in milliseconds; 0: never. */
  keepAliveMs: number;
  /** Most frames that wait for a client that does not read. */
  maxQueuedEvents: number;
  /** What time it is. */
  clock: SimulatedClock;
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
  /** Topics that the client requested. */
  readonly topics: ReadonlySet<string>;
  /** Query of its request, `topics` as the client wrote them. */
  readonly query: URLSearchParams;
  /** Headers of its request. */
  readonly headers: Headers;
  /** Unix time of its request, in milliseconds. */
  readonly openedAt: number;
  /** Resolves when the stream has ended, whoever ended it. */
  readonly closed: Promise<void>;
  /** The bytes for the client. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #keepAliveMs: number;
  readonly #maxQueuedEvents: number;
  readonly #clock: SimulatedClock;
  readonly #conditions: StreamConditions;
  readonly #settleClosed: () => void;
  #queue: EventFrame[] = [];
  /** What is left of a frame that is sent in pieces. */
  #pieces: Iterator<Uint8Array<ArrayBuffer>> | undefined;
  #dropped = 0;
  #unreported = 0;
  #ended = false;
  #abandoned = false;
  #wake: () => void = () => {};

  /**
   * Opens a connection; nothing is sent before `body` is read.
   *
   * @param options What the client requested.
   * @param conditions What is wrong with it.
   */
  constructor(
    options: EventConnectionOptions,
    conditions: StreamConditions = new StreamConditions(options.clock),
  ) {
    this.#clock = options.clock;
    this.openedAt = options.clock.now();
    this.topics = new Set(options.topics);
    this.query = options.query;
    this.headers = options.headers;
    this.#keepAliveMs = options.keepAliveMs;
    this.#maxQueuedEvents = options.maxQueuedEvents;
    this.#conditions = conditions;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#settleClosed = resolve;
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#abandon(),
    }, { highWaterMark: 0 });
  }

  /** Whether it still takes frames. */
  get isOpen(): boolean {
    return !this.#ended;
  }

  /** How many frames were dropped because the client did not read, or because of a fault. */
  get dropped(): number {
    return this.#dropped + this.#conditions.dropped;
  }

  /**
   * Queues a frame, whatever the client requested; nothing happens once the
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
    if (!this.#conditions.isOn) return this.#enqueue(frame);
    for (const admitted of this.#conditions.filter(frame)) {
      this.#enqueue(admitted);
    }
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
      if (this.#conditions.isOn || isLazy(frame)) {
        this.#pieces = this.#conditions.shape(frame);
        continue;
      }
      return controller.enqueue(
        frame instanceof Uint8Array ? frame : encodeMessage(frame),
      );
    }
  }

  /** Sends the next piece of a frame; false when there is none. */
  async #sendPiece(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ): Promise<boolean> {
    await this.#conditions.pace();
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
    this.#conditions.end();
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
      if (isKeepAliveDue && !this.#conditions.isMute) return { comment: "" };
    }
  }

  /** Waits for a frame or the end; false when keep-alive is due before. */
  #woken(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = this.#keepAliveMs > 0
      ? this.#clock.setTimeout(() => resolve(false), this.#keepAliveMs)
      : undefined;
    this.#wake = () => {
      if (timer !== undefined) this.#clock.clearTimeout(timer);
      resolve(true);
    };
    return promise;
  }
}

function isLazy(
  frame: EventFrame,
): frame is Iterable<Uint8Array<ArrayBuffer>> {
  return Symbol.iterator in frame && !(frame instanceof Uint8Array);
}
