/** Past events from JetStream, page by page: what a gateway replays when it no longer has it. */

import {
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type JsMsg,
} from "@nats-io/jetstream";
import { abortable } from "@std/async/abortable";
import type { NatsConnection } from "@nats-io/nats-core";
import type {
  EventHistory,
  PastPage,
  PastRequest,
} from "../beacon/events/event_history.ts";
import { checkObject } from "../values/check.ts";
import { checkNatsOptions, connectNats, type NatsOptions } from "./connect.ts";
import { eventOf } from "./event_message.ts";
import { topicFilter } from "./stream.ts";

/**
 * Opens the events that {@linkcode "./to_jetstream.ts".toJetStream} wrote, for the option `history` of a
 * gateway. It waits for no server: as long as none is there, each read is refused. Several gateways
 * over the same stream are interchangeable: a reader goes on at any of them.
 *
 * @param options Where the events are.
 * @throws {TypeError} If an option is of the wrong kind; the message names it.
 *
 * @example Usage
 * ```ts no-assert
 * import { SseListener } from "@org/beacon-sse";
 * import { createGateway } from "@org/beacon-sse/gateway";
 * import { jetStreamHistory, toJetStream } from "@org/beacon-sse/nats";
 *
 * async function serve(signal: AbortSignal) {
 *   const servers = "nats://localhost:4222";
 *   await using listener = await SseListener.start({ nodes: ["http://localhost:5052"], signal });
 *   await using _sink = toJetStream(listener, { servers, signal });
 *   await using history = jetStreamHistory({ servers });
 *   const gateway = createGateway(listener, { history });
 *   await Deno.serve({ signal }, gateway.fetch).finished;
 *   await gateway.close();
 * }
 *
 * console.log(typeof serve);
 * ```
 */
export function jetStreamHistory(options: NatsOptions): JetStreamHistory {
  return new JetStreamHistory(options);
}

/** Past events, as {@linkcode jetStreamHistory} returns them. */
export class JetStreamHistory implements EventHistory, AsyncDisposable {
  readonly #network: string;
  readonly #stream: string;
  readonly #ended = new AbortController();
  readonly #opened: Promise<void>;
  /** The connection; `undefined` while the server is away. */
  #connection: NatsConnection | undefined;
  /** Ends the reads that are under way when the server is lost; their client would wait for seconds. */
  #lost = new AbortController();
  /** Why there is none. */
  #reason = "no server was reached yet";

  /** Connects; {@linkcode jetStreamHistory} says more. */
  constructor(options: NatsOptions) {
    checkObject(ACTION, "options", options);
    const { servers, network, stream } = checkNatsOptions(ACTION, options);
    this.#network = network;
    this.#stream = stream;
    this.#opened = this.#run(servers);
  }

  /**
   * Reads the next events.
   *
   * @throws {Error} If the server is away, or does not have the stream.
   */
  async read({ after, topics }: PastRequest): Promise<PastPage> {
    const connection = this.#connection;
    if (connection === undefined) {
      throw new Error(`JetStream is away: ${this.#reason}`);
    }
    try {
      return await abortable(
        this.#read(connection, after, new Set(topics)),
        this.#lost.signal,
      );
    } catch (cause) {
      throw new Error(
        `Cannot ${ACTION}: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#opened;
  }

  /** The same as {@linkcode JetStreamHistory.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(servers: readonly string[]): Promise<void> {
    const { signal } = this.#ended;
    try {
      const connection = await connectNats(servers, signal);
      this.#connection = connection;
      signal.addEventListener("abort", () => void connection.close());
      for await (const { type } of connection.status()) {
        if (type === "reconnect") this.#connection = connection;
        if (type !== "disconnect") continue;
        this.#connection = undefined;
        this.#reason = "the server is lost";
        this.#lost.abort(new Error(`JetStream is away: ${this.#reason}`));
        this.#lost = new AbortController();
      }
    } catch (error) {
      this.#reason = (error as Error).message;
    }
    this.#connection = undefined;
  }

  async #read(
    connection: NatsConnection,
    after: PastRequest["after"],
    topics: ReadonlySet<string>,
  ): Promise<PastPage> {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { config, created, state } = await manager.streams.info(this.#stream);
    const time = "time" in after ? Math.max(0, after.time) : 0;
    const consumer = await jetstream(connection).consumers.get(this.#stream, {
      filter_subjects: topicFilter(this.#network, topics, config),
      inactive_threshold: LEFT_AFTER_MS,
      ..."seq" in after
        ? {
          deliver_policy: DeliverPolicy.StartSequence,
          opt_start_seq: after.seq + 1,
        }
        : {
          deliver_policy: DeliverPolicy.StartTime,
          opt_start_time: new Date(time).toISOString(),
        },
    });
    const messages: JsMsg[] = [];
    const { num_pending } = await consumer.info(true);
    if (num_pending > 0) {
      const page = await consumer.fetch({
        max_messages: Math.min(num_pending, MOST_MESSAGES),
        expires: PATIENCE_MS,
      });
      let bytes = 0;
      for await (const message of page) {
        messages.push(message);
        bytes += message.data.length;
        if (bytes >= MOST_BYTES) page.stop();
      }
      if (messages.length === 0) throw new Error("the server sends nothing");
    }
    consumer.delete().catch(() => {});
    const last = messages.at(-1);
    const start = "seq" in after ? after.seq : state.first_seq - 1;
    return {
      store: `js${Date.parse(created).toString(36)}`,
      events: messages.map((message) => ({
        seq: message.seq,
        event: eventOf(message),
      })).filter(({ event }) => topics.has(event.topic)),
      last: last?.seq ?? Math.max(start, state.last_seq),
      isEnd: (last?.info.pending ?? 0) === 0,
      isWhole: "seq" in after
        ? state.first_seq <= after.seq + 1
        : Date.parse(state.first_ts) <= time,
      updatedAt: Math.max(0, Date.parse(state.last_ts)),
    };
  }
}

const ACTION = "read the past from JetStream";
const MOST_MESSAGES = 512;
const MOST_BYTES = 1024 * 1024;
const PATIENCE_MS = 5000;
/** A consumer whose reader is gone is deleted after this. */
const LEFT_AFTER_MS = 10_000;
