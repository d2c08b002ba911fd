/** All event streams of a simulated node: who listens to which topic. */

import { STATUS_CODE } from "@std/http/status";
import { EventConnection, type EventFrame } from "./event_connection.ts";
import { errorResponse } from "./json_response.ts";
import { StreamFaults } from "../faults/stream_faults.ts";

/** The topics of the Beacon API (ethereum/beacon-APIs at 7a58b5a). */
export const EVENT_TOPICS: readonly string[] = [
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "attestation",
  "single_attestation",
  "voluntary_exit",
  "bls_to_execution_change",
  "proposer_slashing",
  "attester_slashing",
  "finalized_checkpoint",
  "chain_reorg",
  "contribution_and_proof",
  "light_client_finality_update",
  "light_client_optimistic_update",
  "payload_attributes",
  "data_column_sidecar",
  "execution_payload",
  "execution_payload_gossip",
  "execution_payload_available",
  "execution_payload_bid",
  "payload_attestation_message",
  "fast_confirmation",
  "proposer_preferences",
];

/** Options for {@linkcode EventStreams}. */
export interface EventStreamsOptions {
  /** Topics that may be asked for. */
  topics: readonly string[];
  /** Silence after which a connection sends a keep-alive comment, in milliseconds; 0: never. */
  keepAliveMs: number;
  /** Most frames that wait on one connection. */
  maxQueuedEvents: number;
}

/** The open event streams: accepts clients, sends them what they asked for, forgets them when they go. */
export class EventStreams {
  readonly #options: EventStreamsOptions;
  readonly #topics: ReadonlySet<string>;
  readonly #open = new Map<EventConnection, StreamFaults>();
  readonly #waiting: {
    count: number;
    resolve(connection: EventConnection): void;
    reject(error: Error): void;
  }[] = [];
  #newest: EventConnection | undefined;
  #accepted = 0;
  #closed = false;

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
    return this.#accepted;
  }

  /** Answers a request for `/eth/v1/events`: a stream, or 400 for topics that the node does not have. */
  accept(query: URLSearchParams, headers: Headers): Response {
    const topics = askedTopics(query);
    return this.refusal(topics) ??
      streamResponse(this.open(topics, query, headers).body);
  }

  /** What is answered to those who ask for these topics and cannot have them. */
  refusal(topics: readonly string[]): Response | undefined {
    if (topics.length === 0) {
      return errorResponse(
        STATUS_CODE.BadRequest,
        "Missing query parameter: topics",
      );
    }
    const unknown = topics.find((topic) => !this.#topics.has(topic));
    return unknown === undefined
      ? undefined
      : errorResponse(STATUS_CODE.BadRequest, `Invalid topic: ${unknown}`);
  }

  /** Opens a stream for a client. */
  open(
    topics: readonly string[],
    query: URLSearchParams,
    headers: Headers,
  ): EventConnection {
    const { keepAliveMs, maxQueuedEvents } = this.#options;
    const faults = new StreamFaults();
    const connection = new EventConnection({
      topics,
      query,
      headers,
      keepAliveMs,
      maxQueuedEvents,
      faults,
    });
    this.#admit(connection, faults);
    return connection;
  }

  /** What is wrong with a stream; `undefined` once it has ended. */
  faultsOf(connection: EventConnection): StreamFaults | undefined {
    return this.#open.get(connection);
  }

  /** Whether anybody listens to a topic. */
  wants(topic: string): boolean {
    return this.#subscribers(topic).length > 0;
  }

  /** Sends an event to those who asked for its topic: a text as it is, anything else as JSON. */
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
  whenAccepted(count: number): Promise<EventConnection> {
    if (!Number.isSafeInteger(count) || count < 1) {
      return Promise.reject(
        new RangeError(
          `Cannot wait for connections: count must be a positive integer, got ${count}`,
        ),
      );
    }
    if (this.#newest && this.#accepted >= count) {
      return Promise.resolve(this.#newest);
    }
    if (this.#closed) return Promise.reject(closedError());
    const { promise, resolve, reject } = Promise.withResolvers<
      EventConnection
    >();
    this.#waiting.push({ count, resolve, reject });
    return promise;
  }

  /** Ends all streams cleanly. */
  disconnect(): void {
    for (const connection of this.#open.keys()) connection.close();
  }

  /** Ends all streams, and at once those to come. */
  close(): void {
    this.#closed = true;
    this.disconnect();
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
  }

  #admit(connection: EventConnection, faults: StreamFaults): void {
    this.#open.set(connection, faults);
    this.#newest = connection;
    this.#accepted++;
    connection.closed.then(() => this.#open.delete(connection));
    if (this.#closed) connection.close();
    const due = this.#waiting.filter(({ count }) => count <= this.#accepted);
    for (const waiter of due) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
      waiter.resolve(connection);
    }
  }

  #subscribers(topic: string): EventConnection[] {
    return this.connections.filter((connection) =>
      connection.topics.has(topic)
    );
  }
}

/** The topics that a client asks for: any number of keys, each of any number of topics. */
export function askedTopics(query: URLSearchParams): string[] {
  return query.getAll("topics").flatMap((list) => list.split(","));
}

/** The answer that an event stream is the body of. */
export function streamResponse(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  contentType = "text/event-stream",
): Response {
  return new Response(body, {
    headers: {
      "content-type": contentType,
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
    },
  });
}

function closedError(): Error {
  return new Error(
    "Cannot wait for a connection: the simulated node is closed",
  );
}
