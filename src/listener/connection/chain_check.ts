/** Asks one node for genesis and timing until it answers, and whether it is on the right chain. */

import { delay } from "@std/async/delay";
import { fetchChainConfig } from "../../beacon/api/chain_config.ts";
import {
  BeaconHttpError,
  BeaconProtocolError,
} from "../../beacon/http/errors.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import { Backoff } from "./backoff.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeState } from "../node_state.ts";
import type { NodeReporter } from "../node_reporter.ts";
import { WrongChainError } from "./wrong_chain_error.ts";

/** What a {@linkcode ChainCheck} works with. */
export interface ChainCheckOptions {
  /** Compares the chains. */
  actor: Pick<ListenerActor, "compare" | "configure">;
  /** Where failures are reported. */
  reporter: Pick<NodeReporter, "failed">;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Uniform in [0, 1). */
  random: () => number;
  /** Whether the node must be asked for genesis: for the slot clock, or to compare the chains. */
  asksForConfig: boolean;
  /** Whether there is something to compare its chain with: other nodes, or a root that was given. */
  mustAgree: boolean;
}

/** Checks one node's chain, over all its connections. */
export class ChainCheck {
  readonly #node: NodeState;
  readonly #options: ChainCheckOptions;
  /** When the node was last asked, by the monotonic clock. */
  #askedAt = -Infinity;
  /** Whether the node has ever answered, and agreed with the others. */
  #agreed = false;

  /**
   * @param node The node.
   * @param options Outlets, and what there is to compare with.
   */
  constructor(node: NodeState, options: ChainCheckOptions) {
    this.#node = node;
    this.#options = options;
  }

  /**
   * Begins to ask. Where nodes must agree, every connection is checked, as another node may answer
   * under the same address; and the check resolves when the node has told which chain it is on, has
   * failed to, or takes too long, so that nothing of a wrong chain comes through, and no node that
   * cannot tell is left aside.
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
    const answered = new AbortController();
    const asking = this.#ask(signal, () => answered.abort());
    run(asking);
    if (!mustAgree) return;
    const patience = delay(this.#agreed ? AGAIN_WITHIN_MS : AGREE_WITHIN_MS, {
      signal: AbortSignal.any([signal, answered.signal]),
    });
    try {
      await Promise.race([asking, patience.catch(() => {})]);
    } finally {
      answered.abort();
      await patience.catch(() => {});
    }
    signal.throwIfAborted();
  }

  /** Resolves when genesis and timing are known; `onAnswer` is called when the first answer is. */
  async #ask(signal: AbortSignal, onAnswer: () => void): Promise<void> {
    const { mustAgree, fetch, reporter, actor, random } = this.#options;
    const node = this.#node;
    // A node that closes every stream at once must not be asked each time as well.
    const waitMs = this.#askedAt + INTERVAL_MS - performance.now();
    if (!mustAgree && waitMs > 0) await delay(waitMs, { signal });
    this.#askedAt = performance.now();
    const backoff = new Backoff(random);
    const onRoot = (root: string) => {
      actor.compare(root, node);
      onAnswer();
    };
    while (true) {
      try {
        const config = await withDeadline(
          (signal) =>
            fetchChainConfig(node.endpoint, { fetch, signal, onRoot }),
          {
            timeoutMs: TIMEOUT_MS,
            signal,
            describe: `Cannot read the config of ${node.name}`,
          },
        );
        actor.configure(config, node);
        this.#agreed = true;
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof WrongChainError) throw error;
        reporter.failed(node, "config", error as Error);
        if (isAnswer(error)) onAnswer();
      }
      await delay(backoff.next({ capMs: 30_000 }), { signal });
    }
  }
}

/** Whether it is the node's own word that it cannot tell; all else the next attempt may mend. */
function isAnswer(error: unknown): boolean {
  return error instanceof BeaconProtocolError ||
    (error instanceof BeaconHttpError && error.status < 500);
}

const TIMEOUT_MS = 10_000;
const INTERVAL_MS = 2000;
const AGREE_WITHIN_MS = 10_000;
const AGAIN_WITHIN_MS = 2000;
