/** One connection to a node, from the probe to its end, and what goes on beside its stream. */

import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
  BeaconTimeoutError,
} from "../../beacon/http/errors.ts";
import { BeaconEventReader } from "../../beacon/events/beacon_event_reader.ts";
import {
  EmptyAnswerError,
  type EventStream,
  openEventStream,
} from "../../beacon/http/event_stream.ts";
import { probeNode } from "../../beacon/api/syncing.ts";
import { publicError } from "../../beacon/http/public_error.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeState } from "../node_state.ts";
import { recoverGap } from "../recovery/gap_recovery.ts";
import { oneAtATime } from "../recovery/one_at_a_time.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { ConnectionEnd } from "./connection_end.ts";
import { watchStaleness } from "./staleness.ts";
import type { TopicNegotiation } from "./topic_negotiation.ts";
import { recheckTopics } from "./topics_recheck.ts";
import { Watchdog } from "./watchdog.ts";
import { WrongChainError } from "./wrong_chain_error.ts";

/** What every connection of a listener works with. */
export interface ConnectionParts {
  /** Where events go. */
  actor: ListenerActor;
  /** Where changes of the connection are reported. */
  reporter: NodeReporter;
  /** Ends it when aborted. */
  signal: AbortSignal;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** Whether events of a topic are parsed and checked. */
  needsData: (topic: string) => boolean;
  /** The byte cap of one event; the decoder's default where `undefined`. */
  maxEventBytes: number | undefined;
  /** How long a stream may be silent, in milliseconds; five slots where `undefined`. */
  idleTimeoutMs: number | undefined;
}

/** What one connection works with. */
export interface ConnectionOptions extends ConnectionParts {
  /** What to request, and what the node refuses. */
  topics: TopicNegotiation;
  /** Resolves when events may be delivered, as far as the node's chain is concerned. */
  chain: {
    begin(
      signal: AbortSignal,
      run: (task: Promise<void>) => void,
    ): Promise<void>;
  };
  /** Called when a valid event arrived, or the stream has lived for a while. */
  onUseful: () => void;
  /** Called with a server's `retry`, in milliseconds. */
  onRetry: (milliseconds: number) => void;
}

/** Connects and listens until the connection ends. Never rejects. */
export async function listenOnce(
  node: NodeState,
  options: ConnectionOptions,
): Promise<ConnectionEnd> {
  const connection = new Connection(node, options);
  try {
    return await connection.listen();
  } catch (error) {
    return connection.endBy(error);
  } finally {
    await connection.close();
  }
}

class Connection {
  readonly #node: NodeState;
  readonly #options: ConnectionOptions;
  /** Aborted with the {@linkcode ConnectionEnd}, where something beside the stream ends it. */
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #beside = new Set<Promise<void>>();
  readonly #recover: (isTold: boolean) => Promise<void>;
  #watchdog: Watchdog | undefined;
  /** By the monotonic clock, as the next one. */
  #requestedAt = 0;
  #openedAt: number | undefined;
  #hasBytes = false;
  #hasEvents = false;

  constructor(node: NodeState, options: ConnectionOptions) {
    this.#node = node;
    this.#options = options;
    const { actor, reporter, fetch, now } = options;
    const signal = AbortSignal.any([options.signal, this.#ended.signal]);
    this.#signal = signal;
    this.#recover = oneAtATime(
      (isTold) =>
        recoverGap(node, { isTold, actor, reporter, fetch, signal, now }),
      signal,
    );
  }

  async listen(): Promise<ConnectionEnd> {
    const node = this.#node;
    const { reporter, fetch, chain } = this.#options;
    const signal = this.#signal;
    reporter.probed(
      node,
      await probeNode(node.endpoint, PROBE_TIMEOUT_MS, { fetch, signal }),
    );
    await chain.begin(signal, (task) => this.#run(task));
    this.#watchdog = new Watchdog(
      () => this.#idleTimeoutMs(),
      (missing, timeoutMs) => this.#endBySilence(missing, timeoutMs),
    );
    this.#requestedAt = performance.now();
    const stream = await this.#open();
    this.#openedAt = performance.now();
    reporter.connected(node, stream.oversized);
    this.#runBeside();
    return await this.#read(stream);
  }

  /** The end that an error stands for, noticed where the request or the stream failed. */
  endBy(error: unknown): ConnectionEnd {
    const { name, endpoint } = this.#node;
    if (this.#ended.signal.aborted) return this.#ended.signal.reason;
    if (error instanceof WrongChainError) return { kind: "wrong_chain", error };
    if (error instanceof BeaconTimeoutError) {
      return { kind: "unreachable", error };
    }
    if (error instanceof BeaconHttpError) {
      return { kind: "refused", error, afterMs: this.#answeredAfterMs };
    }
    if (error instanceof EmptyAnswerError) {
      return this.#emptied("content_type", error);
    }
    if (error instanceof BeaconProtocolError) {
      return { kind: "protocol", error };
    }
    if (error instanceof BeaconNetworkError) return { kind: "network", error };
    const cause = publicError(error, endpoint);
    const broken = new BeaconNetworkError(`Lost ${name}: ${cause.message}`, {
      cause,
    });
    // A server that just closes ends the stream, but not by the rules of HTTP.
    return this.#wasEmptied && !this.#hasBytes
      ? this.#emptied("network", broken)
      : { kind: "network", error: broken };
  }

  /** Ends all that still depends on this connection. */
  async close(): Promise<void> {
    const { onUseful } = this.#options;
    if (this.#openMs >= USEFUL_AFTER_MS) onUseful();
    this.#watchdog?.[Symbol.dispose]();
    this.#ended.abort();
    await Promise.all(this.#beside);
  }

  async #open(): Promise<EventStream> {
    const node = this.#node;
    const { reporter, fetch, now, maxEventBytes, topics, onRetry } =
      this.#options;
    return await openEventStream(node.endpoint, {
      ...topics.request,
      fetch,
      now,
      signal: this.#signal,
      ...(maxEventBytes === undefined ? {} : { maxEventBytes }),
      onBytes: (count) => {
        this.#hasBytes = true;
        node.bytes += count;
        this.#watchdog?.sawBytes();
        reporter.oversized(node);
      },
      onComment: (comment) => this.#onComment(comment),
      onRetry,
    });
  }

  async #read(stream: EventStream): Promise<ConnectionEnd> {
    const node = this.#node;
    const { actor, now, needsData, onUseful } = this.#options;
    const reader = new BeaconEventReader({
      node: node.endpoint,
      now,
      needsData,
    });
    const sink = actor.sink(node, reader, (valid) => {
      this.#hasEvents = true;
      this.#watchdog?.sawProgress();
      if (valid > 0) onUseful();
    });
    await stream.batches.pipeTo(sink, { signal: this.#signal });
    const error = new BeaconProtocolError(
      `Lost ${node.name}: the node ended the stream`,
    );
    return this.#wasEmptied
      ? this.#emptied("eof", error)
      : { kind: "eof", error };
  }

  #runBeside(): void {
    const node = this.#node;
    const { actor, reporter, fetch, now, topics } = this.#options;
    const signal = this.#signal;
    this.#run(this.#recover(false));
    this.#run(watchStaleness(node, { actor, reporter, fetch, signal, now }));
    const recheck = recheckTopics(node.endpoint, { topics, fetch, signal });
    this.#run(recheck.then((regained) => {
      if (regained === undefined) return;
      const error = new Error(
        `${node.name} accepts ${regained} now; requesting all topics again`,
      );
      this.#end({ kind: "topics_regained", error });
    }));
  }

  /** Takes what goes on beside the stream and ends with it. */
  #run(task: Promise<void>): void {
    const guarded = task.catch((error) => {
      if (error instanceof WrongChainError) {
        this.#end({ kind: "wrong_chain", error });
      }
    }).finally(() => this.#beside.delete(guarded));
    this.#beside.add(guarded);
  }

  /** The first end that is noticed counts. */
  #end(end: ConnectionEnd): void {
    this.#ended.abort(end);
  }

  #endBySilence(missing: "idle" | "stalled", timeoutMs: number): void {
    const what = missing === "idle"
      ? "no byte"
      : "bytes, but no complete event or comment,";
    const error = new BeaconTimeoutError(
      `Lost ${this.#node.name}: ${what} within ${timeoutMs} ms`,
      "idle",
    );
    const isOpen = this.#openedAt !== undefined;
    this.#end({ kind: isOpen ? missing : "unanswered", error });
  }

  #onComment(comment: string): void {
    const node = this.#node;
    this.#watchdog?.sawProgress();
    const count = droppedCount(comment);
    if (count === 0) return;
    const { actor, reporter, now } = this.#options;
    const current = actor.clock?.slotAt(now());
    const from = node.headSlot ?? current ?? 0;
    const to = Math.max(from, current ?? from);
    const { topics } = node;
    reporter.gap(node, { kind: "dropped", from, to, topics, count });
    this.#run(this.#recover(true));
  }

  #idleTimeoutMs(): number {
    const { actor, idleTimeoutMs } = this.#options;
    const slotDurationMs = slotDurationOf(this.#node, actor);
    if (idleTimeoutMs !== undefined) return idleTimeoutMs;
    if (slotDurationMs === undefined) return IDLE_TIMEOUT_WITHOUT_CLOCK_MS;
    return Math.min(IDLE_SLOTS * slotDurationMs, MOST_IDLE_TIMEOUT_MS);
  }

  #emptied(reason: "content_type" | "eof" | "network", error: Error) {
    const afterMs = this.#answeredAfterMs;
    return { kind: "emptied", reason, error, afterMs } as const;
  }

  get #wasEmptied(): boolean {
    return !this.#hasEvents && this.#openedAt !== undefined &&
      this.#openMs < EMPTY_WITHIN_MS;
  }

  get #openMs(): number {
    const now = performance.now();
    return now - (this.#openedAt ?? now);
  }

  /** How long the node took to send its headers or to refuse. */
  get #answeredAfterMs(): number {
    return (this.#openedAt ?? performance.now()) - this.#requestedAt;
  }
}

const PROBE_TIMEOUT_MS = 10_000;
const IDLE_SLOTS = 5;
const IDLE_TIMEOUT_WITHOUT_CLOCK_MS = 60_000;
const MOST_IDLE_TIMEOUT_MS = 3_600_000;
/** A stream that ends sooner without an event was refused. */
const EMPTY_WITHIN_MS = 1000;
/** A stream that lived this long was of use, though no event came. */
const USEFUL_AFTER_MS = 30_000;

/** Length of a slot in milliseconds: the node's own report is preferred to the other nodes'. */
export function slotDurationOf(
  node: NodeState,
  { clock }: Pick<ListenerActor, "clock">,
): number | undefined {
  return node.slotDurationMs ?? clock?.slotDurationMs(0);
}

/** How many messages a comment of Lighthouse reports as dropped. */
function droppedCount(comment: string): number {
  const count = /^error - dropped (\d+) messages?$/.exec(comment.trim())?.[1];
  return Math.min(Number(count ?? 0), Number.MAX_SAFE_INTEGER);
}
