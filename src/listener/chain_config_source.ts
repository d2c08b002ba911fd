/** Asks one node for genesis and timing until it answers, and whether it is on the right chain. */

import { retry } from "@std/async/retry";
import { type ChainConfig, fetchChainConfig } from "../beacon/chain_config.ts";
import { withDeadline } from "../beacon/with_deadline.ts";
import type { NodeState } from "./node_state.ts";

/** Options for {@linkcode awaitChainConfig}. */
export interface AwaitChainConfigOptions {
  /** Ends the attempts when aborted. */
  signal: AbortSignal;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Called with the error of each attempt that failed. */
  onFailure: (error: Error) => void;
}

/**
 * Resolves when the node has told its genesis and spec, whenever that is.
 *
 * @throws The signal's reason, when it aborts.
 */
export async function awaitChainConfig(
  node: NodeState,
  options: AwaitChainConfigOptions,
): Promise<ChainConfig> {
  const { signal, fetch, onFailure } = options;
  return await retry(
    () =>
      withDeadline(
        (signal) => fetchChainConfig(node.endpoint, { fetch, signal }),
        {
          timeoutMs: TIMEOUT_MS,
          signal,
          describe: `Cannot read the config of ${node.name}`,
        },
      ),
    {
      signal,
      maxAttempts: Number.MAX_SAFE_INTEGER,
      minTimeout: 1000,
      maxTimeout: 30_000,
      // Half of the wait stays, so that no attempt follows at once.
      jitter: 0.5,
      isRetriable(error) {
        if (signal.aborted) return false;
        onFailure(error as Error);
        return true;
      },
    },
  );
}

const TIMEOUT_MS = 10_000;
