/** Keeps one node connected, for ever: nothing but the signal ends it, and no node knows of another. */

import { delay } from "@std/async/delay";
import { STATUS_CODE } from "@std/http/status";
import { BeaconHttpError } from "../../beacon/http/errors.ts";
import {
  LEAST_PATIENCE_MS,
  MOST_PATIENCE_MS,
  probeTopics,
} from "../../beacon/http/topic_probe.ts";
import type { ListenerActor } from "../actor.ts";
import { Backoff } from "./backoff.ts";
import { ChainCheck } from "./chain_check.ts";
import type { NodeReporter } from "../node_reporter.ts";
import { ASK_AGAIN_MS, ASK_SOON_MS } from "./topics_recheck.ts";
import { type ConnectionEnd, listenOnce } from "./connection.ts";
import type { NodeState } from "../node_state.ts";
import { type NextStep, TopicNegotiation } from "./topic_negotiation.ts";
import { WrongChainError } from "./wrong_chain_error.ts";

/** What a {@linkcode NodeSupervisor} works with. */
export interface SupervisorOptions {
  /** Where events go. */
  actor: ListenerActor;
  /** Where the connection's state goes. */
  reporter: NodeReporter;
  /** Ends the supervision when aborted. */
  signal: AbortSignal;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Whether events of a topic are parsed and checked. */
  needsData: (topic: string) => boolean;
  /** The byte cap of one event; the decoder's default where `undefined`. */
  maxEventBytes: number | undefined;
  /** How long a stream may be silent, in milliseconds; five slots where `undefined`. */
  idleTimeoutMs: number | undefined;
  /** Whether the node must be asked for genesis: for the slot clock, or to compare the chains. */
  asksForConfig: boolean;
  /** Within which time the first connection is made, in milliseconds. */
  startWithinMs: number;
  /** Whether there is something to compare its chain with: other nodes, or a root that was given. */
  mustAgree: boolean;
}

/** Connects a node, listens, and connects again, until the signal aborts. */
export class NodeSupervisor {
  readonly #node: NodeState;
  readonly #options: SupervisorOptions;
  readonly #backoff: Backoff;
  readonly #negotiation: TopicNegotiation;
  readonly #chain: ChainCheck;
  /** When the node first refused what it is asked for now, by the monotonic clock. */
  #refusedAt: number | undefined;
  /** When to ask a first time again for what it refuses, by the same clock. */
  #askSoonAt = Infinity;
  /** The topics for which that was done, or will be. */
  readonly #doubted = new Set<string>();

  /**
   * @param node The node; its state is written by the actor and the reporter.
   * @param options Outlets and clocks.
   */
  constructor(node: NodeState, options: SupervisorOptions) {
    this.#node = node;
    this.#options = options;
    this.#backoff = new Backoff({
      baseMs: BACKOFF_BASE_MS,
      capMs: BACKOFF_CAP_MS,
      random: options.random,
    });
    this.#negotiation = new TopicNegotiation(node.topics);
    this.#chain = new ChainCheck(node, options);
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { reporter, signal, random, startWithinMs } = this.#options;
    // An abort ends each wait; the loop's condition tells the rest.
    if (startWithinMs > 0) {
      await delay(random() * startWithinMs, { signal }).catch(() => {});
    }
    while (!signal.aborted) {
      const end = await this.#listen();
      if (signal.aborted) break;
      const retryInMs = await this.#plan(end);
      if (signal.aborted) break;
      if (retryInMs === 0) continue;
      reporter.disconnected(this.#node, {
        reason: end.reason,
        error: end.error,
        retryInMs,
      });
      await delay(retryInMs, { signal }).catch(() => {});
    }
    reporter.closed(this.#node);
  }

  async #listen(): Promise<ConnectionEnd> {
    const now = performance.now();
    const refusedForMs = now - (this.#refusedAt ?? now);
    if (refusedForMs >= ASK_AGAIN_MS) {
      this.#negotiation.reset();
      this.#refusedAt = undefined;
      this.#doubted.clear();
    }
    this.#applyTopics();
    const end = await listenOnce(this.#node, {
      ...this.#options,
      request: this.#negotiation.request,
      chain: this.#chain,
      onUseful: () => {
        this.#backoff.reset();
        this.#negotiation.accepted();
      },
      onRetry: (milliseconds) => this.#backoff.setBase(milliseconds),
      askAgainInMs: Math.max(
        0,
        Math.min(ASK_AGAIN_MS - refusedForMs, this.#askSoonAt - now),
      ),
    });
    if (end.openMs !== undefined && performance.now() >= this.#askSoonAt) {
      this.#askSoonAt = Infinity;
    }
    if (end.openMs !== undefined && end.openMs >= USEFUL_AFTER_MS) {
      this.#backoff.reset();
    }
    return end;
  }

  #applyTopics(): void {
    const { request, missing } = this.#negotiation;
    // Once for each topic: a node may take it alone and refuse it in a list.
    if (missing.some((topic) => !this.#doubted.has(topic))) {
      this.#askSoonAt = performance.now() + ASK_SOON_MS;
      for (const topic of missing) this.#doubted.add(topic);
    }
    this.#options.reporter.topicsChanged(this.#node, request, missing);
  }

  /** What to do after a connection: how long to wait, 0 for asking otherwise at once. */
  async #plan(
    { reason, error, openMs, isEmpty, answeredInMs = 0 }: ConnectionEnd,
  ): Promise<number> {
    const backoff = this.#backoff;
    if (reason === "topics") {
      this.#negotiation.reset();
      this.#refusedAt = undefined;
      return backoff.next();
    }
    if (error instanceof WrongChainError) {
      this.#options.reporter.wrongChain(this.#node, error);
      return backoff.nextAtCap();
    }
    if (reason === "idle" && openMs === undefined) {
      this.#negotiation.unanswered();
      this.#refusedAt ??= performance.now();
      return backoff.next();
    }
    if (isEmpty && (openMs ?? 0) < EMPTY_WITHIN_MS) {
      const asked = this.#node.topics;
      const step = await this.#follow(
        this.#negotiation.emptied(),
        answeredInMs,
      );
      const isWiser = step === "retry" && this.#node.topics !== asked;
      return isWiser ? 0 : backoff.next();
    }
    if (!(error instanceof BeaconHttpError)) return backoff.next();
    const { status, body, retryAfterMs = 0 } = error;
    if (status === STATUS_CODE.BadRequest) {
      const step = await this.#follow(
        this.#negotiation.refused(body),
        answeredInMs,
      );
      return step === "retry" ? 0 : backoff.nextAtCap();
    }
    if (
      status === STATUS_CODE.TooManyRequests ||
      status === STATUS_CODE.ServiceUnavailable
    ) {
      return Math.max(
        backoff.next(),
        Math.min(retryAfterMs, MAX_RETRY_AFTER_MS),
      );
    }
    // Nothing that time mends by itself: wrong key, wrong path.
    return status > 400 && status < 500 ? backoff.nextAtCap() : backoff.next();
  }

  /**
   * Takes the steps of a negotiation that need the node; returns the one that is left. A node that
   * took long to refuse once is waited for as long, and as long again.
   */
  async #follow(step: NextStep, refusedInMs: number): Promise<NextStep> {
    const { fetch, signal } = this.#options;
    const negotiation = this.#negotiation;
    if (step === "probe") {
      try {
        const { endpoint } = this.#node;
        step = negotiation.probed(
          await probeTopics(endpoint, negotiation.candidates, {
            fetch,
            signal,
            patienceMs: Math.min(
              MOST_PATIENCE_MS,
              Math.max(LEAST_PATIENCE_MS, 2 * refusedInMs),
            ),
          }),
        );
      } catch {
        // Only the signal ends a probe.
        return "exhausted";
      }
    }
    if (step !== "wait") this.#refusedAt ??= performance.now();
    this.#applyTopics();
    return step;
  }
}

const BACKOFF_BASE_MS = 1000;
const BACKOFF_CAP_MS = 30_000;
const USEFUL_AFTER_MS = 30_000;
const EMPTY_WITHIN_MS = 1000;
const MAX_RETRY_AFTER_MS = 300_000;
