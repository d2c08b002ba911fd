/** Reads events from JetStream, from a position that survives the reader. */

import {
  type ConsumerMessages,
  DeliverPolicy,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type JsMsg,
  type OrderedConsumerOptions,
  type StreamConfig,
  type StreamState,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { delay } from "@std/async/delay";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import { type ChainReorg, toChainReorg } from "../listener/chain/reorg.ts";
import {
  checkInteger,
  checkObject,
  checkSignal,
  refuse,
} from "../values/check.ts";
import { checkNatsOptions, connectNats, type NatsOptions } from "./connect.ts";
import { eventOf } from "./event_message.ts";
import { ReaderPosition } from "./reader_position.ts";
import { topicFilter, topicToken } from "./stream.ts";

/** Options for {@linkcode fromJetStream}. */
export interface FromJetStreamOptions extends NatsOptions {
  /**
   * Name of the reader: letters, digits, `-` and `_`. Its position is kept in JetStream under this
   * name, so that it goes on where it was, on any machine. Without it there is no position.
   */
  durable?: string;
  /**
   * Where a reader without a position begins: `"new"`, `"all"`, or a Unix time in milliseconds.
   *
   * @default {"new"}
   */
  from?: "new" | "all" | number;
  /**
   * Slots in an epoch, for {@linkcode JetStreamSource.reorgs}.
   *
   * @default {32}
   */
  slotsPerEpoch?: number;
  /** Ends the source when aborted. */
  signal?: AbortSignal;
}

/**
 * Opens the events that {@linkcode "./to_jetstream.ts".toJetStream} wrote. Waits until the server is
 * there and has the stream.
 *
 * @param options Where they are, and where to begin.
 * @throws {TypeError} If an option is of the wrong kind; the message names it.
 * @throws {RangeError} If a number is out of its range; the message names it.
 * @throws The signal's reason, when it aborts before.
 */
export async function fromJetStream(
  options: FromJetStreamOptions,
): Promise<JetStreamSource> {
  checkObject(ACTION, "options", options);
  const { durable, from = "new", slotsPerEpoch = 32, signal } = options;
  checkSignal(ACTION, signal);
  checkInteger(ACTION, "slotsPerEpoch", slotsPerEpoch, 1, 1024);
  if (durable !== undefined && !/^[A-Za-z0-9_-]{1,64}$/.test(durable)) {
    refuse(ACTION, "durable", "letters, digits, - and _", durable);
  }
  if (from !== "new" && from !== "all" && !Number.isFinite(from)) {
    refuse(ACTION, "from", `"new", "all" or a time in milliseconds`, from);
  }
  const { servers, network, stream } = checkNatsOptions(ACTION, options);
  const ended = new AbortController();
  const all = signal === undefined
    ? ended.signal
    : AbortSignal.any([signal, ended.signal]);
  const connection = await connectNats(servers, all);
  const { manager, config } = await reachStream(connection, stream, all)
    .catch(async (error) => {
      await connection.close();
      throw error;
    });
  return new Source({
    connection,
    manager,
    config,
    network,
    stream,
    durable,
    from,
    slotsPerEpoch,
    ended,
    signal: all,
  });
}

async function reachStream(
  connection: NatsConnection,
  stream: string,
  signal: AbortSignal,
): Promise<Pick<SourceParts, "manager" | "config">> {
  while (true) {
    signal.throwIfAborted();
    try {
      const manager = await jetstreamManager(connection);
      const { config } = await manager.streams.info(stream);
      return { manager, config };
    } catch {
      // Its writer has not made it yet, or the server is away.
      await delay(500, { signal });
    }
  }
}

interface SourceParts {
  readonly connection: NatsConnection;
  readonly manager: JetStreamManager;
  readonly config: StreamConfig;
  readonly network: string;
  readonly stream: string;
  readonly durable: string | undefined;
  readonly from: "new" | "all" | number;
  readonly slotsPerEpoch: number;
  readonly ended: AbortController;
  readonly signal: AbortSignal;
}

/** An open source, as {@linkcode fromJetStream} returns it. */
export interface JetStreamSource extends AsyncDisposable {
  /**
   * The events, in the order of the stream. An event counts as taken when the next one is requested
   * or the stream is cancelled, and the position is stored then: a reader that dies between two
   * events receives the one that it had in hand again, and none is lost.
   *
   * @param options Which topics; all of them where absent.
   */
  events(
    options?: { topics?: readonly string[] },
  ): ReadableStream<BeaconEvent<string>>;

  /** The reorgs, as `SseListener.reorgs()` has them. */
  reorgs(): ReadableStream<ChainReorg>;

  /** Ends the source. */
  close(): Promise<void>;
}

class Source implements JetStreamSource {
  readonly #parts: SourceParts;
  readonly #client: JetStreamClient;
  readonly #reconnected = new Set<() => void>();

  constructor(parts: SourceParts) {
    this.#parts = parts;
    this.#client = jetstream(parts.connection);
    void this.#follow();
  }

  events(
    options: { topics?: readonly string[] } = {},
  ): ReadableStream<BeaconEvent<string>> {
    const { topics } = options;
    const suffix = topics === undefined
      ? ""
      : `-${[...topics].map(topicToken).sort().join("-")}`;
    return this.#read(topics, suffix, (event) => event);
  }

  reorgs(): ReadableStream<ChainReorg> {
    const { slotsPerEpoch } = this.#parts;
    return this.#read(
      ["chain_reorg"],
      "-reorgs",
      (event) =>
        toChainReorg(event as BeaconEvent<"chain_reorg">, slotsPerEpoch),
    );
  }

  async close(): Promise<void> {
    this.#parts.ended.abort();
    await this.#parts.connection.close().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #read<T>(
    topics: readonly string[] | undefined,
    suffix: string,
    map: (event: BeaconEvent<string>) => T,
  ): ReadableStream<T> {
    const { signal, durable, network, config, manager, stream } = this.#parts;
    const position = durable === undefined ? undefined : new ReaderPosition({
      client: this.#client,
      manager,
      stream,
      name: `${durable}${suffix}`,
      signal,
    });
    const wanted = topics && new Set(topics);
    const left = new AbortController();
    const messages = this.#messages(
      topicFilter(network, wanted, config),
      position,
      AbortSignal.any([signal, left.signal]),
    );
    let taken: JsMsg | undefined;
    return new ReadableStream<T>({
      pull: async (controller) => {
        if (taken !== undefined) position?.write(taken.seq);
        while (true) {
          const { done, value } = await messages.next();
          if (done) {
            await position?.flush();
            return controller.close();
          }
          taken = value;
          const event = eventOf(value);
          if (wanted === undefined || wanted.has(event.topic)) {
            return controller.enqueue(map(event));
          }
        }
      },
      cancel: async () => {
        if (taken !== undefined) position?.write(taken.seq);
        await position?.flush();
        left.abort();
        await messages.return();
      },
    }, { highWaterMark: 0 });
  }

  /**
   * All messages from the position on, until the signal aborts. The client's own consumer may stay
   * silent behind a server that was killed, so each connection gets a new one, from the last message.
   */
  async *#messages(
    filter: string,
    position: ReaderPosition | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<JsMsg, void, void> {
    const { manager, stream } = this.#parts;
    let start: Partial<OrderedConsumerOptions> | undefined;
    let seen: string | undefined;
    let messages: ConsumerMessages | undefined;
    const stop = () => messages?.stop();
    signal.addEventListener("abort", stop, { once: true });
    const forget = this.#onReconnect(stop);
    try {
      while (!signal.aborted) {
        try {
          const { created, state } = await manager.streams.info(stream);
          if (seen === undefined) {
            start = await this.#start(position, created, state);
          } else if (seen !== created) start = from(state.first_seq);
          seen = created;
          position?.follow(created);
          const { consumers } = this.#client;
          const consumer = await consumers.get(stream, {
            filter_subjects: filter,
            ...start,
          });
          messages = await consumer.consume();
          void this.#stopWhenSilent(messages);
          if (signal.aborted) stop();
          for await (const message of messages) {
            yield message;
            start = from(message.seq + 1);
          }
        } catch {
          // The server is away, or has no leader for the stream yet.
        }
        await delay(100, { signal }).catch(() => {});
      }
    } finally {
      forget();
      stop();
      signal.removeEventListener("abort", stop);
    }
  }

  /** Where a reader begins that has read nothing yet. */
  async #start(
    position: ReaderPosition | undefined,
    created: string,
    state: StreamState,
  ): Promise<Partial<OrderedConsumerOptions>> {
    const last = await position?.read();
    if (last !== undefined) {
      return from(last.created === created ? last.seq + 1 : state.first_seq);
    }
    if (this.#parts.from === "new") return from(state.last_seq + 1);
    if (this.#parts.from === "all") return from(state.first_seq);
    return {
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: new Date(this.#parts.from).toISOString(),
    };
  }

  #onReconnect(action: () => void): () => void {
    this.#reconnected.add(action);
    return () => this.#reconnected.delete(action);
  }

  async #follow(): Promise<void> {
    for await (const { type } of this.#parts.connection.status()) {
      if (type !== "reconnect") continue;
      for (const action of this.#reconnected) action();
    }
  }

  async #stopWhenSilent(messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (OVER.has(type)) messages.stop();
    }
  }
}

function from(sequence: number): Partial<OrderedConsumerOptions> {
  return {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, sequence),
  };
}

const ACTION = "read from JetStream";
/** What a consumer reports when nothing more comes from it. */
const OVER = new Set([
  "heartbeats_missed",
  "consumer_not_found",
  "consumer_deleted",
  "stream_not_found",
]);
