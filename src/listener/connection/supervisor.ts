/** Keeps one node connected until the signal aborts, whatever happens to it and to other nodes. */

import { delay } from "@std/async/delay";
import { BeaconTimeoutError } from "../../beacon/http/errors.ts";
import {
  createNodeFetch,
  type NodeFetch,
} from "../../beacon/http/node_fetch.ts";
import {
  LEAST_PATIENCE_MS,
  MOST_PATIENCE_MS,
  type ProbedTopics,
  probeInPairs,
  probeTopics,
} from "../../beacon/http/topic_probe.ts";
import type { NodeState } from "../node_state.ts";
import { ChainCheck, type ChainCheckOptions } from "./chain_check.ts";
import {
  Connection,
  type ConnectionParts,
  PROXY_HINT,
  slotDurationOf,
} from "./connection.ts";
import { type ConnectionEnd, disconnectReason } from "./connection_end.ts";
import { Backoff, planRetry, type RetryPlan } from "./retry_policy.ts";
import { TopicNegotiation } from "./topic_negotiation.ts";

export type SupervisorOptions =
  & Omit<ConnectionParts & ChainCheckOptions, "fetch">
  & {
    /** The runtime's where `undefined`. */
    fetch: typeof fetch | undefined;
    /** Within which time the first connection is made, in milliseconds. */
    startWithinMs: number;
  };

export class NodeSupervisor {
  readonly #node: NodeState;
  readonly #options: SupervisorOptions;
  readonly #nodeFetch: NodeFetch;
  readonly #backoff: Backoff;
  readonly #negotiation: TopicNegotiation;
  readonly #check: ChainCheck;
  /** A connection that fell silent, read until the next one is open. */
  #kept: Connection | undefined;
  /** Resolves when the one before it is gone. */
  #dropped: Promise<void> | undefined;
  #isBuffered = false;

  constructor(node: NodeState, options: SupervisorOptions) {
    this.#node = node;
    this.#options = options;
    this.#nodeFetch = createNodeFetch(options.fetch);
    const { fetch } = this.#nodeFetch;
    this.#backoff = new Backoff(options.random);
    this.#negotiation = new TopicNegotiation(node.topics);
    node.topics = this.#negotiation.request.topics;
    this.#check = new ChainCheck(node, { ...options, fetch });
  }

  /** @throws The error that ended a connection, where no retry can succeed. */
  async run(): Promise<void> {
    const { reporter, signal, random, startWithinMs } = this.#options;
    // An abort ends each wait, and the loop's condition sees it.
    if (startWithinMs > 0) {
      await delay(random() * startWithinMs, { signal }).catch(() => {});
    }
    try {
      while (!signal.aborted) await this.#connectOnce();
    } finally {
      await Promise.all([this.#kept?.drop(), this.#dropped]);
      this.#nodeFetch.close();
      reporter.closed(this.#node);
    }
  }

  async #connectOnce(): Promise<void> {
    const { actor, reporter, signal } = this.#options;
    const node = this.#node;
    this.#negotiation.forgetOldRefusals();
    this.#applyTopics();
    const connection = this.#connect();
    const end = await connection.listen();
    const plan = planRetry(end, slotDurationOf(node, actor));
    const dropped = plan?.keepsStream ? this.#kept : connection;
    if (plan?.keepsStream) this.#kept = connection;
    await dropped?.drop();
    if (signal.aborted) return;
    if (plan === undefined) {
      reporter.failed(node, "hopeless", end.error);
      throw end.error;
    }
    if (plan.renewsClient || connection.isProbeUnanswered) {
      this.#nodeFetch.renew();
    }
    // Where a silent stream is still read, there is time to negotiate behind the wait.
    if (!plan.keepsStream && await this.#findsOther(end, plan)) return;
    if (signal.aborted) return;
    const retryInMs = this.#backoff.next(plan);
    const error = end.kind === "idle" && this.#isBuffered
      ? new BeaconTimeoutError(`${end.error.message}; ${PROXY_HINT}`, "idle")
      : end.error;
    if (end.kind === "wrong_chain") reporter.wrongChain(node, end.error);
    const reason = disconnectReason(end);
    reporter.disconnected(node, { reason, error, retryInMs });
    await this.#wait(retryInMs, plan);
    if (plan.keepsStream) await this.#findsOther(end, plan);
  }

  async #wait(retryInMs: number, { untilWelcome }: RetryPlan): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, over.signal]);
    const waits = [delay(retryInMs, { signal })];
    if (untilWelcome) waits.push(this.#check.whenWelcome(signal));
    await Promise.race(waits).catch(() => {});
    over.abort();
  }

  #connect(): Connection {
    return new Connection(this.#node, {
      ...this.#options,
      fetch: this.#nodeFetch.fetch,
      topics: this.#negotiation,
      check: this.#check,
      onOpen: () => {
        this.#dropped = this.#kept?.drop();
        this.#kept = undefined;
      },
      onUseful: () => {
        this.#backoff.reset();
        this.#negotiation.accepted();
      },
      onRetry: (milliseconds) => this.#backoff.setBase(milliseconds),
      onBuffering: (error) => this.#onBuffering(error),
    });
  }

  #onBuffering(error: Error): void {
    if (this.#isBuffered) return;
    this.#isBuffered = true;
    this.#options.reporter.failed(this.#node, "buffering", error);
  }

  #applyTopics(): void {
    const { request, missing } = this.#negotiation;
    this.#options.reporter.topicsChanged(this.#node, request, missing);
  }

  /** Whether the end of a connection leads to another request, which is worth sending at once. */
  async #findsOther(
    end: ConnectionEnd,
    { negotiate }: RetryPlan,
  ): Promise<boolean> {
    if (negotiate === undefined) return false;
    const negotiation = this.#negotiation;
    const before = JSON.stringify(negotiation.request);
    let step = negotiation.after(end);
    if (step === "probe") {
      step = negotiate === "in_pairs"
        ? negotiation.probedInPairs(await this.#probeInPairs())
        : negotiation.probed(await this.#probe(end));
    }
    this.#applyTopics();
    return step === "retry" && before !== JSON.stringify(negotiation.request);
  }

  /** Requests each topic alone. A node that took long to refuse gets twice that time now. */
  async #probe(end: ConnectionEnd): Promise<ProbedTopics> {
    const refusedInMs = "afterMs" in end ? end.afterMs : 0;
    const patienceMs = Math.min(
      MOST_PATIENCE_MS,
      Math.max(LEAST_PATIENCE_MS, 2 * refusedInMs),
    );
    const { signal } = this.#options;
    const { fetch } = this.#nodeFetch;
    const { endpoint } = this.#node;
    const { candidates } = this.#negotiation;
    return await probeTopics(endpoint, candidates, {
      fetch,
      signal,
      patienceMs,
    }).catch(onlyAborted);
  }

  /** Requests each topic together with heads, of a node that answers an unknown topic with silence. */
  async #probeInPairs(): Promise<ProbedTopics> {
    const { actor, signal } = this.#options;
    const { fetch } = this.#nodeFetch;
    const { heartbeat, candidates } = this.#negotiation;
    const slotMs = slotDurationOf(this.#node, actor) ?? 12_000;
    const probed = await probeInPairs(
      this.#node.endpoint,
      candidates,
      heartbeat,
      { fetch, signal, patienceMs: 2 * slotMs },
    ).catch(onlyAborted);
    // A stream that answers after all reads the list: the node had nothing to send.
    return this.#kept?.isOpen ? NOTHING_PROBED : probed;
  }
}

const NOTHING_PROBED: ProbedTopics = { taken: new Set(), refused: new Set() };

/** Only the signal ends a probe. */
function onlyAborted(): ProbedTopics {
  return NOTHING_PROBED;
}
