/** Requests a connected node's sync state each epoch, and when its heads stop. */

import { delay } from "@std/async/delay";
import { probeNode } from "../../beacon/api/syncing.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";

/** Options for {@linkcode watchHealth}. */
export interface HealthOptions {
  /** Has the slot clock. */
  actor: Pick<ListenerActor, "awaitClock">;
  /** Where the sync state is reported. */
  reporter: Pick<NodeReporter, "synced">;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the watch, together with the connection. */
  signal: AbortSignal;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
}

/**
 * Watches a node whose sync state was requested at the beginning of the connection.
 *
 * @throws The signal's reason, when it aborts.
 */
export async function watchHealth(
  node: NodeState,
  options: HealthOptions,
): Promise<void> {
  const { actor, reporter, fetch, signal, now } = options;
  const clock = await actor.awaitClock(signal);
  let requestedAt = clock.slotAt(now());
  let hadStopped = false;
  while (true) {
    const slotMs = clock.slotDurationMs(clock.slotAt(now()));
    await delay(Math.max(slotMs, LEAST_WAIT_MS), { signal });
    const slot = clock.slotAt(now());
    const hasStopped = node.headSlot === undefined ||
      node.headSlot < slot - STOPPED_AFTER_SLOTS;
    const isDue = slot - requestedAt >= clock.slotsPerEpoch ||
      (hasStopped && !hadStopped);
    hadStopped = hasStopped;
    if (!isDue) continue;
    requestedAt = slot;
    const options = { fetch, signal };
    const syncing = await probeNode(node.endpoint, TIMEOUT_MS, options)
      .catch(() => undefined);
    signal.throwIfAborted();
    // Without an answer the last one stays: the stream shows whether the node lives.
    if (syncing !== undefined) reporter.synced(node, syncing);
  }
}

/** Three slots without a block in a row are rare; a node that is in trouble misses more. */
const STOPPED_AFTER_SLOTS = 3;
const TIMEOUT_MS = 10_000;
const LEAST_WAIT_MS = 100;
