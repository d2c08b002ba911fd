/** Requests one node's genesis and timing at each connection, and compares its chain with the listener's. */

import { delay } from "@std/async/delay";
import { fetchChainConfig } from "../../beacon/api/chain_config.ts";
import {
  BeaconHttpError,
  BeaconProtocolError,
} from "../../beacon/http/errors.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { Chain } from "../chain/chain.ts";
import {
  ChainChangedError,
  type Genesis,
  WrongChainError,
} from "../chain/chain_errors.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";
import { Backoff } from "./retry_policy.ts";

export interface ChainCheckOptions {
  chain: Chain;
  reporter: Pick<NodeReporter, "failed" | "warn">;
  fetch: typeof fetch;
  random: () => number;
}

export class ChainCheck {
  readonly #node: NodeState;
  readonly #options: ChainCheckOptions;

  constructor(node: NodeState, options: ChainCheckOptions) {
    this.#node = node;
    this.#options = options;
  }

  /**
   * Checks each connection: another node may answer under the same address, or the same node on another
   * chain. Resolves when events of the node may be used: where there is a chain to compare with, when
   * the node has reported its own, or that it cannot. A node that does not answer in time is used too.
   *
   * @param run Takes a task that runs beside the connection, which its {@linkcode WrongChainError} or
   * {@linkcode ChainChangedError} ends.
   * @throws {WrongChainError} If the node is on another chain.
   */
  async begin(
    signal: AbortSignal,
    run: (task: Promise<void>) => void,
  ): Promise<void> {
    const { chain } = this.#options;
    if (!chain.needsReports) return;
    const mustWait = chain.needsReportFirst;
    const answered = new AbortController();
    const requesting = this.#request(signal, () => answered.abort());
    run(requesting);
    if (mustWait) {
      await this.#awaitAnswer(requesting, answered, signal);
      await chain.awaitDecision(this.#node.name, signal);
      chain.check(this.#node);
    }
    run(this.#watch(chain.changes, signal));
  }

  async whenWelcome(signal: AbortSignal): Promise<void> {
    const { chain } = this.#options;
    await chain.until(() => chain.accepts(this.#node), signal);
  }

  async #awaitAnswer(
    requesting: Promise<void>,
    answered: AbortController,
    signal: AbortSignal,
  ): Promise<void> {
    const patience = delay(ANSWER_WITHIN_MS, {
      signal: AbortSignal.any([signal, answered.signal]),
    });
    try {
      await Promise.race([requesting, patience.catch(() => {})]);
    } finally {
      answered.abort();
    }
    signal.throwIfAborted();
  }

  async #watch(changes: number, signal: AbortSignal): Promise<void> {
    const { chain } = this.#options;
    await chain.until(() => chain.changes !== changes, signal);
    throw new ChainChangedError(
      `The connection to ${this.#node.name} begins again: the listener follows another chain now`,
    );
  }

  async #request(signal: AbortSignal, onAnswer: () => void): Promise<void> {
    const { chain, fetch, reporter, random } = this.#options;
    const node = this.#node;
    const backoff = new Backoff(random);
    const onGenesis = (genesis: Genesis) => {
      const { genesis: before } = node.reported;
      const isSame = before?.root === genesis.root &&
        before.time === genesis.time;
      if (!isSame) chain.report(node, { genesis });
      chain.check(node);
    };
    while (true) {
      try {
        const { contradiction, ...config } = await withDeadline(
          (signal) =>
            fetchChainConfig(node.endpoint, {
              fetch,
              signal,
              onGenesis,
            }),
          {
            timeoutMs: TIMEOUT_MS,
            signal,
            describe: `Cannot read the config of ${node.name}`,
          },
        );
        node.slotDurationMs = config.slotDurationMs;
        chain.report(node, { ...node.reported, config, isAnswered: true });
        onAnswer();
        if (contradiction !== undefined) {
          reporter.warn(
            node,
            "spec",
            `The node's spec contradicts itself: ${contradiction}`,
          );
        }
        this.#warnOfDifferences();
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof WrongChainError) throw error;
        reporter.failed(node, "config", error as Error);
        if (isAnswer(error)) {
          chain.report(node, { ...node.reported, isAnswered: true });
          onAnswer();
        }
      }
      await delay(backoff.next({ capMs: 30_000 }), { signal });
    }
  }

  #warnOfDifferences(): void {
    const { chain, reporter } = this.#options;
    const differences = chain.differences(this.#node);
    if (differences.length === 0) return;
    const message = `The node reports another timing, which is not used: ${
      differences.join(", ")
    }`;
    reporter.warn(this.#node, "timing", message);
  }
}

/** Whether the node reports that it cannot answer. After any other error a retry may succeed. */
function isAnswer(error: unknown): boolean {
  return error instanceof BeaconProtocolError ||
    (error instanceof BeaconHttpError && error.status < 500);
}

const TIMEOUT_MS = 10_000;
const ANSWER_WITHIN_MS = 10_000;
