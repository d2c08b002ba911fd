/** All event streams of a simulated node: who listens to which topic. */

import type { SimulatedClock } from "./clock.ts";
import { EventConnection } from "./event_connection.ts";
import { Occurrences } from "../faults/active_fault.ts";
import { StreamConditions } from "./stream_conditions.ts";
import type { EventFrame } from "./stream_frames.ts";

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
  /** Topics that may be requested. */
  topics: readonly string[];
  /** Silence after which a connection sends a keep-alive comment, in milliseconds; 0: never. */
  keepAliveMs: number;
  /** Most frames that wait on one connection. */
  maxQueuedEvents: number;
  /** What time it is. */
  clock: SimulatedClock;
}

/** The open event streams: accepts clients, sends them what they requested, forgets them when they go. */
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
    this.#admit(connection, conditions);
    return connection;
  }

  /** What is wrong with a stream; `undefined` once it has ended. */
  conditionsOf(connection: EventConnection): StreamConditions | undefined {
    return this.#open.get(connection);
  }

  /** Whether anybody listens to a topic. */
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

  #admit(
    connection: EventConnection,
    conditions: StreamConditions,
  ): void {
    this.#open.set(connection, conditions);
    this.#newest = connection;
    this.#accepted.happen();
    connection.closed.then(() => this.#open.delete(connection));
    if (this.#isClosed) connection.close();
  }

  #subscribers(topic: string): EventConnection[] {
    return this.connections.filter((connection) =>
      connection.topics.has(topic)
    );
  }
}
