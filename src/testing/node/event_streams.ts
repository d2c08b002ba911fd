/** All event streams of a simulated node, each with its topics. */

import { KNOWN_TOPICS } from "../../beacon/events/topic.ts";
import type { SimulatedClock } from "./clock.ts";
import { EventConnection } from "./event_connection.ts";
import { Occurrences } from "../faults/active_fault.ts";
import { StreamConditions } from "./stream_conditions.ts";
import type { EventFrame } from "./stream_frames.ts";

/** The topics of the Beacon API; `blob_sidecar` is in it no more. */
export const EVENT_TOPICS: readonly string[] = KNOWN_TOPICS.filter((topic) =>
  topic !== "blob_sidecar"
);

/** Options for {@linkcode EventStreams}. */
export interface EventStreamsOptions {
  /** Topics that may be requested. */
  topics: readonly string[];
  /** Silence after which a connection sends a keep-alive comment, in milliseconds; 0: never. */
  keepAliveMs: number;
  /** Most frames that wait on one connection. */
  maxQueuedEvents: number;
  /** What time it is. */
  clock: SimulatedClock;
}

/** The open event streams: accepts clients, sends them what they requested, forgets them when they leave. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #topics: ReadonlySet<string>;
  readonly #open = new Map<EventConnection, StreamConditions>();
  readonly #accepted = new Occurrences();
  #newest: EventConnection | undefined;
  #isClosed = false;

  constructor(options: EventStreamsOptions) {
    this.#options = options;
    this.#topics = new Set(options.topics);
  }

  /** The connections that are open now, oldest first. */
  get connections(): readonly EventConnection[] {
    return [...this.#open.keys()];
  }

  /** How many connections were accepted so far. */
  get accepted(): number {
    return this.#accepted.count;
  }

  /** The first of these topics that the node does not have. */
  unknown(topics: readonly string[]): string | undefined {
    return topics.find((topic) => !this.#topics.has(topic));
  }

  /** Opens a stream for a client. */
  open(
    topics: readonly string[],
    query: URLSearchParams,
    headers: Headers,
  ): EventConnection {
    const conditions = new StreamConditions(this.#options.clock);
    const connection = new EventConnection(
      { ...this.#options, topics, query, headers },
      conditions,
    );
    this.#open.set(connection, conditions);
    this.#newest = connection;
    this.#accepted.happen();
    connection.closed.then(() => this.#open.delete(connection));
    if (this.#isClosed) connection.close();
    return connection;
  }

  /** What is wrong with a stream; `undefined` once it has ended. */
  conditionsOf(connection: EventConnection): StreamConditions | undefined {
    return this.#open.get(connection);
  }

  /** Whether a stream has a topic. */
  wants(topic: string): boolean {
    return this.#subscribers(topic).length > 0;
  }

  /** Sends an event to those that requested its topic: a text as it is, anything else as JSON. */
  publish(topic: string, payload: unknown): void {
    const data = typeof payload === "string"
      ? payload
      : JSON.stringify(payload);
    if (data === undefined) {
      throw new TypeError(
        `Cannot emit ${topic}: data must be text or have a JSON form, got ${typeof payload}`,
      );
    }
    for (const connection of this.#subscribers(topic)) {
      connection.send({ event: topic, data });
    }
  }

  /** Sends a frame to every connection. */
  send(frame: EventFrame): void {
    for (const connection of this.#open.keys()) connection.send(frame);
  }

  /** Resolves with the newest connection once so many have been accepted. */
  async whenAccepted(count: number): Promise<EventConnection> {
    await this.#accepted.when(count);
    return this.#newest!;
  }

  /** Ends all streams cleanly. */
  disconnect(): void {
    for (const connection of this.#open.keys()) connection.close();
  }

  /** Ends all streams, and at once those to come. */
  close(): void {
    this.#isClosed = true;
    this.disconnect();
    this.#accepted.end(
      new Error("Cannot wait for a connection: the simulated node is closed"),
    );
  }

  #subscribers(topic: string): EventConnection[] {
    return this.connections.filter((connection) =>
      connection.topics.has(topic)
    );
  }
}
