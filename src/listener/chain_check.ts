/** Asks one node for genesis and timing until it answers, and whether it is on the right chain. */

import { delay } from "@std/async/delay";
import { retry } from "@std/async/retry";
import { type ChainConfig, fetchChainConfig } from "../beacon/chain_config.ts";
import { withDeadline } from "../beacon/with_deadline.ts";
import type { NodeState } from "./node_state.ts";
import type { SupervisorOptions } from "./node_supervisor.ts";

/** Checks one node's chain, over all its connections. */
export class ChainCheck {
  readonly #node: NodeState;
  readonly #options: SupervisorOptions;
  /** When the node was last asked, by the monotonic clock. */
  #askedAt = -Infinity;
  /** Whether the node has ever answered, and agreed with the others. */
  #agreed = false;

  /**
   * @param node The node.
   * @param options Outlets, and what there is to compare with.
   */
  constructor(node: NodeState, options: SupervisorOptions) {
    this.#node = node;
    this.#options = options;
  }

  /**
   * Begins to ask. Where nodes must agree, every connection is checked, as another node may answer
   * under the same address; and the check resolves when the node has agreed or has taken too long to
   * answer, so that nothing of a wrong chain comes through.
   *
   * @param signal Ends it when aborted, together with the connection.
   * @param run Takes what goes on beside the connection.
   * @throws {WrongChainError} If the node is on another chain.
   */
  async begin(
    signal: AbortSignal,
    run: (task: Promise<void>) => void,
  ): Promise<void> {
    const { asksForConfig, mustAgree } = this.#options;
    if (!asksForConfig || (this.#agreed && !mustAgree)) return;
    const asking = this.#ask(signal);
    run(asking);
    if (!mustAgree) return;
    const answered = new AbortController();
    const patience = delay(this.#agreed ? AGAIN_WITHIN_MS : AGREE_WITHIN_MS, {
      signal: AbortSignal.any([signal, answered.signal]),
    });
    try {
      await Promise.race([asking, patience]);
    } finally {
      answered.abort();
      await patience.catch(() => {});
    }
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { actor, mustAgree } = this.#options;
    // A node that closes every stream at once must not be asked each time as well.
    const waitMs = this.#askedAt + INTERVAL_MS - performance.now();
    if (!mustAgree && waitMs > 0) await delay(waitMs, { signal });
    this.#askedAt = performance.now();
    actor.configure(await this.#fetchConfig(signal), this.#node);
    this.#agreed = true;
  }

  async #fetchConfig(signal: AbortSignal): Promise<ChainConfig> {
    const { endpoint, name } = this.#node;
    const { fetch, lifecycle } = this.#options;
    return await retry(
      () =>
        withDeadline(
          (signal) => fetchChainConfig(endpoint, { fetch, signal }),
          {
            timeoutMs: TIMEOUT_MS,
            signal,
            describe: `Cannot read the config of ${name}`,
          },
        ),
      {
        signal,
        maxAttempts: Number.MAX_SAFE_INTEGER,
        minTimeout: 1000,
        maxTimeout: 30_000,
        // Half of the wait stays, so that no attempt follows at once.
        jitter: 0.5,
        isRetriable: (error) => {
          if (signal.aborted) return false;
          const { message } = error as Error;
          lifecycle.warn(this.#node, "config", message, error as Error);
          return true;
        },
      },
    );
  }
}

const TIMEOUT_MS = 10_000;
const INTERVAL_MS = 2000;
const AGREE_WITHIN_MS = 10_000;
const AGAIN_WITHIN_MS = 2000;
