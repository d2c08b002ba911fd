/** A stream that is kept alive and brings no event, of a node that reports that it is in sync. */

import { delay } from "@std/async/delay";
import { probeNode } from "../../beacon/api/syncing.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";

/** What {@linkcode watchStaleness} works with. */
export interface StalenessOptions {
  /** Knows the slot clock. */
  actor: ListenerActor;
  /** Where staleness is reported. */
  reporter: NodeReporter;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the watch when aborted, together with the connection. */
  signal: AbortSignal;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
}

/**
 * Watches an open connection, and reports each silence of two epochs once. The silence of connections
 * before it counts, the time between them does not, nor the time before genesis.
 */
export async function watchStaleness(
  node: NodeState,
  options: StalenessOptions,
): Promise<void> {
  const { actor, reporter, signal, now } = options;
  if (!node.topics.some((topic) => FREQUENT.has(topic))) return;
  const { silence } = node;
  const clock = await actor.awaitClock(signal);
  while (true) {
    const since = Math.max(now(), clock.genesisTime);
    const slotMs = clock.slotDurationMs(clock.slotAt(since));
    try {
      await delay(slotMs, { signal });
    } finally {
      const { lastEventAt = since } = node;
      if (silence.lastEventAt !== node.lastEventAt) {
        const { lastEventAt } = node;
        Object.assign(silence, { lastEventAt, ms: 0, isReported: false });
      }
      // Hardly more than was waited for: while the machine slept, no node was silent.
      const ms = now() - Math.max(since, lastEventAt);
      silence.ms += Math.max(0, Math.min(2 * slotMs, ms));
    }
    const isSilent = silence.ms >= 2 * clock.slotsPerEpoch * slotMs;
    if (isSilent && !silence.isReported && await isInSync(node, options)) {
      reporter.stale(node);
      silence.isReported = true;
    }
  }
}

async function isInSync(
  node: NodeState,
  { reporter, fetch, signal }: StalenessOptions,
): Promise<boolean> {
  try {
    const syncing = await probeNode(node.endpoint, PROBE_TIMEOUT_MS, {
      fetch,
      signal,
    });
    if (syncing !== undefined) reporter.synced(node, syncing);
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
