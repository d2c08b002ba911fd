/** A stream that is kept alive and says nothing, of a node that says it is in sync. */

import { delay } from "@std/async/delay";
import { probeNode } from "../../beacon/api/syncing.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";

/** What {@linkcode watchStaleness} works with. */
export interface StalenessOptions {
  /** Knows the slot clock. */
  actor: ListenerActor;
  /** Where staleness is told. */
  reporter: NodeReporter;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the watch when aborted, together with the connection. */
  signal: AbortSignal;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
}

/**
 * Watches an open connection; tells once of each silence of two epochs. The silence of connections
 * before it counts, what was between them does not.
 */
export async function watchStaleness(
  node: NodeState,
  options: StalenessOptions,
): Promise<void> {
  const { actor, reporter, signal, now } = options;
  if (!node.topics.some((topic) => FREQUENT.has(topic))) return;
  let at = now();
  const { silence } = node;
  const goOn = () => {
    const { lastEventAt } = node;
    if (silence.lastEventAt !== lastEventAt) {
      Object.assign(silence, { lastEventAt, ms: 0, isReported: false });
      at = Math.max(at, lastEventAt ?? 0);
    }
    silence.ms += Math.max(0, now() - at);
    at = now();
  };
  try {
    const clock = await actor.awaitClock(signal);
    while (true) {
      goOn();
      const slotMs = clock.slotDurationMs(clock.slotAt(now()));
      const leftMs = 2 * clock.slotsPerEpoch * slotMs - silence.ms;
      if (leftMs <= 0 && !silence.isReported && await isInSync(node, options)) {
        reporter.stale(node);
        silence.isReported = true;
      }
      const waitMs = leftMs > 0 ? leftMs : slotMs;
      await delay(Math.min(Math.max(waitMs, LEAST_WAIT_MS), MOST_WAIT_MS), {
        signal,
      });
    }
  } finally {
    goOn();
  }
}

async function isInSync(
  { endpoint }: NodeState,
  { fetch, signal }: StalenessOptions,
): Promise<boolean> {
  try {
    const syncing = await probeNode(endpoint, PROBE_TIMEOUT_MS, {
      fetch,
      signal,
    });
    return syncing?.isSyncing === false;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}

/** Of these, something comes in almost every slot. */
const FREQUENT = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "attestation",
]);
const PROBE_TIMEOUT_MS = 10_000;
const LEAST_WAIT_MS = 100;
const MOST_WAIT_MS = 3_600_000;
