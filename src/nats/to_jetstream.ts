/** Writes a listener's events into JetStream, each once, however many listeners do the same. */

import {
  jetstream,
  type JetStreamClient,
  jetstreamManager,
} from "@nats-io/jetstream";
import {
  headers as natsHeaders,
  type NatsConnection,
} from "@nats-io/nats-core";
import { delay } from "@std/async/delay";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import { Broadcast } from "../listener/broadcast/broadcast.ts";
import { accessOf } from "../listener/listener_access.ts";
import type { ExtraMetric } from "../listener/metrics/metrics.ts";
import type { Subscription } from "../listener/broadcast/subscription.ts";
import { checkInteger, checkObject, checkSignal } from "../values/check.ts";
import { checkNatsOptions, connectNats, type NatsOptions } from "./connect.ts";
import { headersOf } from "./event_message.ts";
import { MessageIds } from "./message_ids.ts";
import { type Message, type Outcome, PublishWindow } from "./publish_window.ts";
import {
  ensureStream,
  type StreamNeeds,
  StreamRefusedError,
  subjectOf,
} from "./stream.ts";

/** Options for {@linkcode toJetStream}. */
export interface ToJetStreamOptions extends NatsOptions {
  /** The topics to publish; all that the listener delivers where absent. */
  topics?: readonly string[];
  /** Ends the sink when aborted. */
  signal?: AbortSignal;
  /**
   * How long the server must remember ids, in milliseconds: within it, redundant listeners store an
   * event once.
   *
   * @default {3600000}
   */
  duplicateWindowMs?: number;
  /**
   * A subject for each event, which the server refuses to store a second time, however late. For
   * topics with a few events a slot: the server keeps each subject in memory.
   *
   * @default {false}
   */
  subjectPerEvent?: boolean;
  /**
   * How long a stream that is made here keeps events, in milliseconds.
   *
   * @default {604800000}
   */
  maxAgeMs?: number;
  /**
   * How many bytes a stream that is made here keeps.
   *
   * @default {1073741824}
   */
  maxBytes?: number;
  /**
   * On how many servers a stream that is made here is stored.
   *
   * @default {1}
   */
  replicas?: number;
  /**
   * The most messages in flight.
   *
   * @default {256}
   */
  inFlight?: number;
}

/** The part of `SseListener` that {@linkcode toJetStream} uses. */
export interface EventSource {
  /** Subscribes to events. */
  events(
    options: { topics?: readonly string[]; raw: true; signal: AbortSignal },
  ): Subscription<BeaconEvent<string>>;
}

/** What happens to a sink. */
export type JetStreamStatus =
  /** The server is reached and the stream can serve. */
  | { type: "connected"; at: number; stream: string }
  /** The server is lost; it is tried again. */
  | { type: "disconnected"; at: number; error?: Error }
  /** Events could not be stored. */
  | {
    type: "gap";
    at: number;
    from: number | undefined;
    to: number | undefined;
    topics: readonly string[];
    count: number;
    reason: string;
  };

/** Counts of a sink. */
export interface JetStreamCounts {
  /** Events that the server stored. */
  stored: number;
  /** Events that the server had stored already, from another listener or from here. */
  duplicates: number;
  /** Events that could not be stored: too large, refused, or dropped from a full queue. */
  lost: number;
  /** Events without an acknowledgement. */
  pending: number;
}

/**
 * Publishes a listener's events. A listener with metrics has the sink's, too: `sse_nats_…`; of several sinks the
 * first one's. Each message has the event's text as its body, its identity as its
 * id, and `Beacon-Topic`, `Beacon-Node`, `Beacon-Received-At` (Unix time in milliseconds),
 * `Beacon-Slot` and `Beacon-Recovered` as headers, where the event has them.
 *
 * An acknowledgement says that the server has the event, not that it is on disk: a server syncs every
 * two minutes by default. A server that is killed loses nothing; a machine that loses power may.
 *
 * The server may be away at the start and at any later time. Meanwhile events wait in the
 * subscription's queue (1024 entries); what does not fit is counted and reported as a gap.
 *
 * @param listener Where the events come from.
 * @param options Where they go.
 * @throws {TypeError} If an option is of the wrong kind; the message names it.
 * @throws {RangeError} If a number is out of its range; the message names it.
 */
export function toJetStream(
  listener: EventSource,
  options: ToJetStreamOptions,
): JetStreamSink {
  return new JetStreamSink(listener, options);
}

/** A running sink, as {@linkcode toJetStream} returns it. */
export class JetStreamSink implements AsyncDisposable {
  /** Resolves when the sink has ended; rejects with the error that ended it, if one did. */
  readonly finished: Promise<void>;
  readonly #needs: StreamNeeds;
  readonly #servers: readonly string[];
  readonly #window: PublishWindow;
  readonly #status = new Broadcast<JetStreamStatus>();
  readonly #ended = new AbortController();
  readonly #counts = { stored: 0, duplicates: 0, lost: 0 };
  readonly #events = new WeakMap<Message, BeaconEvent<string>>();
  readonly #ids = new MessageIds();
  #dropped = 0;
  #isConnected = false;
  /** The problem that was reported last; `undefined` where none is. */
  #problem: string | undefined;
  #onNoStream = () => {};
  #reconnects = 0;
  #client: JetStreamClient | undefined;

  /** Starts a sink; {@linkcode toJetStream} says more. */
  constructor(listener: EventSource, options: ToJetStreamOptions) {
    checkObject(ACTION, "options", options);
    const { topics, signal } = options;
    checkSignal(ACTION, signal);
    const {
      duplicateWindowMs = 3_600_000,
      maxAgeMs = 604_800_000,
      maxBytes = 2 ** 30,
      replicas = 1,
      inFlight = 256,
      subjectPerEvent = false,
    } = options;
    checkInteger(ACTION, "duplicateWindowMs", duplicateWindowMs, 1000);
    checkInteger(ACTION, "maxAgeMs", maxAgeMs, 1000);
    checkInteger(ACTION, "maxBytes", maxBytes, 1);
    checkInteger(ACTION, "replicas", replicas, 1, 5);
    checkInteger(ACTION, "inFlight", inFlight, 1, 65_536);
    const { servers, network, stream } = checkNatsOptions(ACTION, options);
    this.#servers = servers;
    this.#needs = {
      stream,
      network,
      duplicateWindowMs,
      subjectPerEvent,
      maxAgeMs,
      maxBytes,
      replicas,
    };
    this.#window = new PublishWindow({
      inFlight,
      send: (message) => this.#send(message),
      onOutcome: (message, outcome) => this.#count(message, outcome),
    });
    const ended = signal === undefined
      ? this.#ended.signal
      : AbortSignal.any([signal, this.#ended.signal]);
    const cut = new AbortController();
    const events = listener.events({
      raw: true,
      signal: cut.signal,
      ...(topics === undefined ? {} : { topics }),
    });
    accessOf(listener)?.addMetrics(this.#metrics());
    this.finished = this.#run(events, ended).finally(() => cut.abort());
    this.finished.catch(() => {});
  }

  /** What was stored so far. */
  get counts(): JetStreamCounts {
    return { ...this.#counts, pending: this.#window.pending };
  }

  /** Subscribes to what happens to the sink. */
  status(
    options: { signal?: AbortSignal } = {},
  ): Subscription<JetStreamStatus> {
    return this.#status.subscribe(options);
  }

  /**
   * Ends the sink. Waits until what was received is acknowledged, ten seconds at most; what is not
   * by then is counted as lost.
   */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.finished.catch(() => {});
  }

  /** The same as {@linkcode JetStreamSink.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #run(
    events: Subscription<BeaconEvent<string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const stop = new AbortController();
    // What was received when the end comes has ten more seconds.
    const cut = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      timer = setTimeout(() => cut.abort(signal.reason), CLOSE_MS);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const queue = untilEmpty(events, signal);
    let connection: NatsConnection | undefined;
    let refusal: unknown;
    try {
      connection = await connectNats(this.#servers, cut.signal);
      const prepare = () => this.#prepare(connection!, cut.signal);
      await prepare();
      let isUnderWay = false;
      // Somebody has deleted the stream.
      this.#onNoStream = () => {
        if (isUnderWay) return;
        isUnderWay = true;
        prepare().catch((error) => cut.abort(refusal = error))
          .finally(() => isUnderWay = false);
      };
      void this.#follow(connection, stop.signal);
      while (true) {
        const { done, value } = await queue.next();
        if (done) break;
        await this.#publish(value, events.dropped, cut.signal);
      }
      await this.#window.flush(cut.signal);
    } catch (error) {
      if (!signal.aborted || !cut.signal.aborted) throw refusal ?? error;
    } finally {
      this.#ended.abort();
      clearTimeout(timer);
      stop.abort();
      const left = this.#window.close()
        .map((message) => this.#events.get(message)!);
      for await (const event of queue) left.push(event);
      this.#lose(left, "the sink was closed first");
      this.#isConnected = false;
      this.#status.close();
      await connection?.close().catch(() => {});
    }
  }

  /** Makes the stream, for as long as the server has no leader for it or is away. */
  async #prepare(
    connection: NatsConnection,
    signal: AbortSignal,
  ): Promise<void> {
    while (true) {
      signal.throwIfAborted();
      try {
        const manager = await jetstreamManager(connection);
        await ensureStream(manager, this.#needs);
        this.#client = jetstream(connection, { timeout: ACK_MS });
        return this.#connected();
      } catch (error) {
        if (error instanceof StreamRefusedError) throw error;
        this.#disconnected(error as Error);
      }
      await delay(1000, { signal });
    }
  }

  async #follow(
    connection: NatsConnection,
    signal: AbortSignal,
  ): Promise<void> {
    for await (const status of connection.status()) {
      if (signal.aborted) return;
      if (status.type === "disconnect") this.#disconnected();
      if (status.type !== "reconnect") continue;
      this.#reconnects++;
      this.#connected();
      this.#window.resend();
    }
  }

  async #publish(
    event: BeaconEvent<string>,
    dropped: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (dropped > this.#dropped) {
      const count = dropped - this.#dropped;
      this.#dropped = dropped;
      this.#counts.lost += count;
      this.#status.post({
        type: "gap",
        at: Date.now(),
        from: undefined,
        to: event.slot,
        topics: [],
        count,
        reason: "the server was away for longer than the queue lasts",
      });
    }
    const id = this.#ids.of(event);
    const message: Message = {
      subject: subjectOf(this.#needs, event, id),
      id,
      headers: headersOf(event),
      body: event.raw,
    };
    this.#events.set(message, event);
    await this.#window.publish(message, signal);
  }

  async #send({ subject, id, headers, body }: Message): Promise<Outcome> {
    const all = natsHeaders();
    for (const [name, value] of Object.entries(headers)) all.set(name, value);
    try {
      const { duplicate } = await this.#client!.publish(subject, body, {
        msgID: id,
        headers: all,
      });
      return duplicate ? "duplicate" : "stored";
    } catch (error) {
      const { code, name, message } = error as Error & { code?: number };
      if (code === STORE_FAILED_CODE && /per subject/.test(message)) {
        return "duplicate";
      }
      if (code === STORE_FAILED_CODE || TOO_LARGE.test(message)) {
        return { refused: message };
      }
      if (name === NO_STREAM_NAME) this.#onNoStream();
      throw error;
    }
  }

  #count(message: Message, outcome: Outcome): void {
    if (outcome === "stored") this.#counts.stored++;
    else if (outcome === "duplicate") this.#counts.duplicates++;
    else {this.#lose(
        [this.#events.get(message)!],
        `the server refused it: ${outcome.refused}`,
      );}
  }

  #lose(events: readonly BeaconEvent<string>[], reason: string): void {
    if (events.length === 0) return;
    this.#counts.lost += events.length;
    const slots = events.flatMap(({ slot }) => slot ?? []);
    this.#status.post({
      type: "gap",
      at: Date.now(),
      from: slots.length === 0 ? undefined : Math.min(...slots),
      to: slots.length === 0 ? undefined : Math.max(...slots),
      topics: [...new Set(events.map(({ topic }) => topic))],
      count: events.length,
      reason,
    });
  }

  #connected(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#problem = undefined;
    const { stream } = this.#needs;
    this.#status.post({ type: "connected", at: Date.now(), stream });
  }

  #disconnected(error?: Error): void {
    const problem = error?.message ?? "";
    if (problem === this.#problem) return;
    this.#isConnected = false;
    this.#problem = problem;
    this.#status.post({
      type: "disconnected",
      at: Date.now(),
      ...(error !== undefined && { error }),
    });
  }

  #metrics(): ExtraMetric[] {
    const counts = this.#counts;
    return [
      [
        "sse_nats_connected",
        "1 while the NATS server is reached and has the stream",
        () => Number(this.#isConnected),
      ],
      [
        "sse_nats_unacknowledged",
        "Events that NATS has not acknowledged yet",
        () => this.#window.pending,
      ],
      [
        "sse_nats_stored_total",
        "Events that NATS stored",
        () => counts.stored,
      ],
      [
        "sse_nats_duplicates_total",
        "Events that NATS had already, from another listener or from here",
        () => counts.duplicates,
      ],
      [
        "sse_nats_lost_total",
        "Events that could not be stored",
        () => counts.lost,
      ],
      [
        "sse_nats_reconnects_total",
        "Times that the NATS server was reached again",
        () => this.#reconnects,
      ],
    ];
  }
}

/** The values of a subscription, and once the signal aborts those that are in its queue. */
async function* untilEmpty<T>(
  values: Subscription<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, void> {
  const reader = values.getReader();
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  let next: ReturnType<typeof reader.read> | undefined;
  while (true) {
    next ??= reader.read();
    // A value that waits in the queue comes within this turn of the event loop.
    const turn = () =>
      new Promise<undefined>((resolve) => setTimeout(resolve, 0, undefined));
    const result = await Promise.race([next, aborted.then(turn)]);
    if (result === undefined || result.done) return;
    next = undefined;
    yield result.value;
  }
}

const ACTION = "publish to JetStream";
const ACK_MS = 5000;
const CLOSE_MS = 10_000;
/** The server could not store a message: "maximum messages per subject exceeded", "maximum bytes exceeded". */
const STORE_FAILED_CODE = 10077;
/** The name of the error where no stream takes a subject. */
const NO_STREAM_NAME = "JetStreamNotEnabled";
const TOO_LARGE = /max_payload|maximum payload|message size exceeds/i;
