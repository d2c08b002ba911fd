/** One connection to a node: the probe, the request for events, and the tasks beside the stream. */

import { delay } from "@std/async/delay";
import { probeNode } from "../../beacon/api/syncing.ts";
import {
  BeaconNetworkError,
  BeaconProtocolError,
  BeaconTimeoutError,
  publicError,
} from "../../beacon/http/errors.ts";
import type { ServerSentEvent } from "../../sse/mod.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeReporter } from "../node_reporter.ts";
import { ChainChangedError, WrongChainError } from "../chain/chain_errors.ts";
import type { NodeState } from "../node_state.ts";
import { gapRecovery } from "../recovery/gap_recovery.ts";
import type { ChainCheck } from "./chain_check.ts";
import type { ConnectionEnd } from "./connection_end.ts";
import { isHopeless, NodeStream, type StreamParts } from "./node_stream.ts";
import { watchHealth, watchSilence } from "./health.ts";
import type { TopicNegotiation, TopicRequest } from "./topic_negotiation.ts";
import { recheckTopics } from "./topics_recheck.ts";
import { type StreamFault, Watchdog } from "./watchdog.ts";

export interface ConnectionParts extends StreamParts {
  actor: ListenerActor;
  reporter: NodeReporter;
  /** How long a stream may be silent, in milliseconds; five slots where `undefined`. */
  idleTimeoutMs: number | undefined;
}

export interface ConnectionOptions extends ConnectionParts {
  topics: TopicNegotiation;
  /** Resolves when events may be delivered, as far as the node's chain is concerned. */
  check: Pick<ChainCheck, "begin">;
  onOpen: () => void;
  /** Called when a valid event arrived, or the stream has lived for a while. */
  onUseful: () => void;
  onRetry: (milliseconds: number) => void;
  /** Called when a proxy in front of the node buffers the stream. */
  onBuffering: (error: Error) => void;
}

export class Connection {
  readonly #node: NodeState;
  readonly #options: ConnectionOptions;
  readonly #end = Promise.withResolvers<ConnectionEnd>();
  /** Ends the tasks beside the streams. */
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  readonly #beside = new Set<Promise<void>>();
  readonly #recover: (isReported: boolean) => Promise<void>;
  readonly #streams: NodeStream[] = [];
  #streaming: Promise<void> = Promise.resolve();
  #isReported = false;
  #isProbeUnanswered = false;
  #watchdog: Watchdog | undefined;

  constructor(node: NodeState, options: ConnectionOptions) {
    const signal = AbortSignal.any([options.signal, this.#ended.signal]);
    this.#node = node;
    this.#options = options;
    this.#signal = signal;
    this.#recover = gapRecovery(node, { ...options, signal });
  }

  /** Connects and listens. The streams stay open behind the end, until they are dropped. */
  async listen(): Promise<ConnectionEnd> {
    this.#streaming = this.#connect();
    const end = await this.#end.promise;
    this.#watchdog?.[Symbol.dispose]();
    this.#ended.abort();
    await Promise.all(this.#beside);
    if (this.#streams.some(({ openMs }) => openMs >= USEFUL_AFTER_MS)) {
      this.#options.onUseful();
    }
    return end;
  }

  get isOpen(): boolean {
    return this.#streams.some(({ isOpen }) => isOpen);
  }

  /** Whether the probe got no answer, as on a dead connection of the runtime's pool. */
  get isProbeUnanswered(): boolean {
    return this.#isProbeUnanswered;
  }

  async drop(): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream.drop()));
    await this.#streaming;
  }

  /** Never rejects. */
  async #connect(): Promise<void> {
    const { check, now } = this.#options;
    const probing = this.#probe();
    this.#run(probing);
    try {
      await check.begin(this.#signal, (task) => this.#run(task));
    } catch (error) {
      this.#end.resolve(endByChain(error));
      return;
    }
    this.#watchdog = new Watchdog({
      timeoutMs: () => this.#timeoutMs(),
      isPaused: () => this.#isBeforeGenesis(),
      onFault: (fault, timeoutMs) => this.#onFault(fault, timeoutMs),
      now,
    });
    this.#run(this.#watchReachability(probing));
    this.#end.resolve(await this.#readStreams());
  }

  async #probe(): Promise<boolean> {
    const { reporter, fetch } = this.#options;
    const { endpoint } = this.#node;
    const signal = this.#signal;
    try {
      const syncing = await probeNode(endpoint, PROBE_TIMEOUT_MS, {
        fetch,
        signal,
      });
      reporter.synced(this.#node, syncing);
      return true;
    } catch (error) {
      this.#isProbeUnanswered = error instanceof BeaconTimeoutError;
      if (error instanceof BeaconNetworkError && isHopeless(error)) {
        this.#end.resolve({ kind: "hopeless", error });
      }
      return false;
    }
  }

  /** The node is unreachable if it answers neither the probe nor the request for events in time. */
  async #watchReachability(probing: Promise<boolean>): Promise<void> {
    await delay(PROBE_TIMEOUT_MS, { signal: this.#signal });
    if (await probing || this.isOpen) return;
    const error = new BeaconTimeoutError(
      `Cannot reach ${this.#node.name}: no HTTP answer within ${PROBE_TIMEOUT_MS} ms`,
      "probe",
    );
    this.#end.resolve({ kind: "unreachable", error });
  }

  /**
   * Requests events. Some nodes read one form of the list only and never answer the other one: where
   * no headers come within a slot, the other form is requested beside it.
   */
  async #readStreams(): Promise<ConnectionEnd> {
    const { topics } = this.#options;
    const first = this.#request(topics.request);
    if (!topics.isFormOpen) return await first.ended;
    const isAnswered = Promise.race([first.opened, first.ended]);
    if (await this.#isInTime(isAnswered) || this.#signal.aborted) {
      return await first.ended;
    }
    const second = this.#request(topics.otherRequest);
    const [kept, other] = await Promise.race([
      first.settled.then(() => [first, second] as const),
      second.settled.then(() => [second, first] as const),
      first.ended.then(() => [second, first] as const),
      second.ended.then(() => [first, second] as const),
    ]);
    await other.drop();
    return await kept.ended;
  }

  /** Whether something happens within a slot, whose length may become known meanwhile. */
  async #isInTime(happened: Promise<unknown>): Promise<boolean> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#signal, over.signal]);
    const pass = () => {
      const idleMs = this.#idleTimeoutMs() / IDLE_SLOTS;
      return delay(Math.min(this.#slotMs(), idleMs), { signal });
    };
    try {
      return await Promise.race([
        happened.then(() => true),
        Promise.race([
          pass(),
          this.#options.actor.awaitClock(signal).then(pass),
        ]).then(() => false, () => false),
      ]);
    } finally {
      over.abort();
    }
  }

  #request(request: TopicRequest): NodeStream {
    const node = this.#node;
    const { topics, reporter, onRetry } = this.#options;
    const stream = new NodeStream(node, request, this.#options, {
      onOpen: () => this.#onOpen(),
      onBytes: () => this.#watchdog?.sawBytes(),
      onComment: (comment) => this.#onComment(comment),
      onRetry,
      onEvents: (valid, events) => this.#onEvents(valid, events),
    });
    stream.used.then(() => {
      reporter.topicsChanged(node, request, topics.missing);
    });
    this.#streams.push(stream);
    stream.proven.then(() => topics.prove(request.form));
    return stream;
  }

  #onOpen(): void {
    const { reporter, onOpen } = this.#options;
    // The first stream counts, unless the connection has ended.
    if (this.#isReported || this.#ended.signal.aborted) return;
    this.#isReported = true;
    reporter.connected(this.#node);
    this.#runBeside();
    onOpen();
  }

  #runBeside(): void {
    const node = this.#node;
    const { fetch, topics } = this.#options;
    const signal = this.#signal;
    const options = { ...this.#options, signal };
    this.#run(this.#recover(false));
    this.#run(watchHealth(node, options));
    this.#run(watchSilence(node, options));
    const recheck = recheckTopics(node.endpoint, {
      topics,
      fetch,
      signal,
      slotMs: this.#slotMs(),
    });
    this.#run(recheck.then((regained) => {
      if (regained === undefined) return;
      const error = new Error(
        `${node.name} accepts ${regained} now; requesting all topics again`,
      );
      this.#end.resolve({ kind: "topics_regained", error });
    }));
  }

  /** Runs a task beside the streams, which ends with the connection. */
  #run(task: Promise<unknown>): void {
    const guarded: Promise<void> = task.then(() => {}, (error) => {
      if (error instanceof WrongChainError) {
        this.#end.resolve({ kind: "wrong_chain", error });
      } else if (error instanceof ChainChangedError) {
        this.#end.resolve({ kind: "chain_changed", error });
      } else if (!this.#signal.aborted) {
        const shown = publicError(error, this.#node.endpoint);
        const message = `A task beside the stream failed: ${shown.message}`;
        this.#options.reporter.warn(this.#node, "task", message, shown);
      }
    }).finally(() => this.#beside.delete(guarded));
    this.#beside.add(guarded);
  }

  #onEvents(valid: number, events: readonly ServerSentEvent[]): void {
    const { onUseful, onBuffering } = this.#options;
    // As exact as a tick of the watchdog: reading the time costs more than counting an event.
    const silentMs = this.#watchdog?.silentMs ?? 0;
    this.#watchdog?.sawProgress();
    if (valid > 0) onUseful();
    if (events.length < LUMP_HEADS || silentMs < 2 * this.#slotMs()) return;
    const heads = events.filter(({ type }) => type === "head").length;
    if (heads < LUMP_HEADS) return;
    const error = new BeaconProtocolError(
      `Cannot receive events of ${this.#node.name} in time: ${heads} heads came at once after ${
        Math.round(silentMs / 1000)
      } s; ${PROXY_HINT}`,
    );
    onBuffering(error);
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

  #onFault(fault: StreamFault, timeoutMs: number): void {
    const kind = fault === "idle" && !this.isOpen ? "unanswered" : fault;
    const message = `Lost ${this.#node.name}: ${
      FAULTS[fault].replace("N", String(timeoutMs))
    }`;
    const error = new BeaconTimeoutError(message, "idle");
    if (fault === "stalled") this.#options.onBuffering(error);
    this.#end.resolve({ kind, error });
  }

  /** How long a silence is accepted. Without an answer in either form, the topics are probed sooner. */
  #timeoutMs(): number {
    const idleMs = this.#idleTimeoutMs();
    const isUnclear = !this.isOpen && this.#options.topics.isFormOpen;
    return isUnclear ? idleMs * UNANSWERED_SLOTS / IDLE_SLOTS : idleMs;
  }

  #idleTimeoutMs(): number {
    const { actor, idleTimeoutMs } = this.#options;
    if (idleTimeoutMs !== undefined) return idleTimeoutMs;
    const slotMs = slotDurationOf(this.#node, actor);
    if (slotMs === undefined) return IDLE_TIMEOUT_WITHOUT_CLOCK_MS;
    return Math.min(IDLE_SLOTS * slotMs, MOST_IDLE_TIMEOUT_MS);
  }

  #slotMs(): number {
    return slotDurationOf(this.#node, this.#options.actor) ?? ASSUMED_SLOT_MS;
  }

  /** Before genesis there is nothing to send. */
  #isBeforeGenesis(): boolean {
    const { actor, now } = this.#options;
    return actor.clock !== undefined && now() < actor.clock.genesisTime;
  }
}

const PROBE_TIMEOUT_MS = 10_000;
const ASSUMED_SLOT_MS = 12_000;
const IDLE_SLOTS = 5;
/** One slot for the first form of the list, and a whole one to see for the second. */
const UNANSWERED_SLOTS = 3;
const IDLE_TIMEOUT_WITHOUT_CLOCK_MS = 60_000;
const MOST_IDLE_TIMEOUT_MS = 3_600_000;
/** A stream that was open this long counts as useful, though no event came. */
const USEFUL_AFTER_MS = 30_000;
/** Two heads at once may be a reorg. */
const LUMP_HEADS = 3;
/** Why events come late, or not at all, of a node that is well. */
export const PROXY_HINT = "a proxy in front of it buffers the stream";
const FAULTS: Record<StreamFault, string> = {
  idle: "no byte within N ms",
  stalled:
    `bytes, but no complete event or comment, within N ms; it may be that ${PROXY_HINT}`,
  slept: "this machine slept",
};

/** Length of a slot in milliseconds: the node's own report is preferred to the other nodes'. */
export function slotDurationOf(
  node: NodeState,
  { clock }: Pick<ListenerActor, "clock">,
): number | undefined {
  return node.slotDurationMs ?? clock?.slotDurationMs(0);
}

function endByChain(error: unknown): ConnectionEnd {
  return error instanceof WrongChainError
    ? { kind: "wrong_chain", error }
    : { kind: "network", error: error as Error };
}

/** In a comment of Lighthouse. */
function droppedCount(comment: string): number {
  const count = /^error - dropped (\d+) messages?$/.exec(comment.trim())?.[1];
  return Math.min(Number(count ?? 0), Number.MAX_SAFE_INTEGER);
}
