/** Keeps one node connected until the signal aborts, whatever happens to it and to other nodes. */

import { delay } from "@std/async/delay";
import {
  LEAST_PATIENCE_MS,
  MOST_PATIENCE_MS,
  type ProbedTopics,
  probeTopics,
} from "../../beacon/http/topic_probe.ts";
import type { NodeState } from "../node_state.ts";
import { Backoff } from "./backoff.ts";
import { ChainCheck, type ChainCheckOptions } from "./chain_check.ts";
import {
  type ConnectionParts,
  listenOnce,
  slotDurationOf,
} from "./connection.ts";
import { type ConnectionEnd, disconnectReason } from "./connection_end.ts";
import { planRetry } from "./retry_policy.ts";
import { TopicNegotiation } from "./topic_negotiation.ts";

/** What a {@linkcode NodeSupervisor} works with. */
export type SupervisorOptions = ConnectionParts & ChainCheckOptions & {
  /** Within which time the first connection is made, in milliseconds. */
  startWithinMs: number;
};

/** Connects a node, listens, and connects again, until the signal aborts. */
export class NodeSupervisor {
  readonly #node: NodeState;
  readonly #options: SupervisorOptions;
  readonly #backoff: Backoff;
  readonly #negotiation: TopicNegotiation;
  readonly #chain: ChainCheck;

  /**
   * @param node The node.
   * @param options Outlets and clocks.
   */
  constructor(node: NodeState, options: SupervisorOptions) {
    this.#node = node;
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#negotiation = new TopicNegotiation(node.topics);
    this.#chain = new ChainCheck(node, options);
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(): Promise<void> {
    const { actor, reporter, signal, random, startWithinMs } = this.#options;
    const node = this.#node;
    // An abort ends each wait, and the loop's condition sees it.
    if (startWithinMs > 0) {
      await delay(random() * startWithinMs, { signal }).catch(() => {});
    }
    while (!signal.aborted) {
      const end = await this.#listen();
      if (signal.aborted) break;
      const plan = planRetry(end, slotDurationOf(node, actor));
      if (plan.negotiate && await this.#findsOtherRequest(end)) continue;
      if (signal.aborted) break;
      const retryInMs = this.#backoff.next(plan);
      const { error } = end;
      if (end.kind === "wrong_chain") reporter.wrongChain(node, end.error);
      const reason = disconnectReason(end);
      reporter.disconnected(node, { reason, error, retryInMs });
      await delay(retryInMs, { signal }).catch(() => {});
    }
    reporter.closed(node);
  }

  async #listen(): Promise<ConnectionEnd> {
    this.#negotiation.forgetOldRefusals();
    this.#applyTopics();
    return await listenOnce(this.#node, {
      ...this.#options,
      topics: this.#negotiation,
      chain: this.#chain,
      onUseful: () => {
        this.#backoff.reset();
        this.#negotiation.accepted();
      },
      onRetry: (milliseconds) => this.#backoff.setBase(milliseconds),
    });
  }

  #applyTopics(): void {
    const { request, missing } = this.#negotiation;
    this.#options.reporter.topicsChanged(this.#node, request, missing);
  }

  /** Whether the end of a connection leads to another request, which is worth sending at once. */
  async #findsOtherRequest(end: ConnectionEnd): Promise<boolean> {
    const negotiation = this.#negotiation;
    const { topics, topicForm } = this.#node;
    let step = negotiation.after(end);
    if (step === "probe") step = negotiation.probed(await this.#probe(end));
    this.#applyTopics();
    const isOther = topics !== this.#node.topics ||
      topicForm !== this.#node.topicForm;
    return step === "retry" && isOther;
  }

  /** Requests each topic alone. A node that took long to refuse gets twice that time now. */
  async #probe(end: ConnectionEnd): Promise<ProbedTopics> {
    const { fetch, signal } = this.#options;
    const refusedInMs = "afterMs" in end ? end.afterMs : 0;
    try {
      return await probeTopics(
        this.#node.endpoint,
        this.#negotiation.candidates,
        {
          fetch,
          signal,
          patienceMs: Math.min(
            MOST_PATIENCE_MS,
            Math.max(LEAST_PATIENCE_MS, 2 * refusedInMs),
          ),
        },
      );
    } catch {
      // Only the signal ends a probe.
      return { taken: new Set(), refused: new Set() };
    }
  }
}
