/** Watches whether a connected node is well: its sync state, and whether its events stop. */

import { delay } from "@std/async/delay";
import { type NodeSyncing, probeNode } from "../../beacon/api/syncing.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";

interface HealthOptions {
  actor: Pick<ListenerActor, "awaitClock">;
  reporter: Pick<NodeReporter, "synced" | "stale">;
  fetch: typeof fetch;
  signal: AbortSignal;
  now: () => number;
}

/** Requests the sync state each epoch, and when the node's heads stop. */
export async function watchHealth(
  node: NodeState,
  options: HealthOptions,
): Promise<void> {
  const { actor, signal, now } = options;
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
    await requestSyncing(node, options);
  }
}

/**
 * Reports each silence of two epochs once, where the node reports that it is in sync. The silence of
 * connections before this one counts; the time between them does not, nor the time before genesis.
 */
export async function watchSilence(
  node: NodeState,
  options: HealthOptions,
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
      const { lastEventAt } = node;
      if (silence.lastEventAt !== lastEventAt) {
        Object.assign(silence, { lastEventAt, ms: 0, isReported: false });
      }
      // Hardly more than was waited for: while the machine slept, no node was silent.
      const ms = now() - Math.max(since, lastEventAt ?? since);
      silence.ms += Math.max(0, Math.min(2 * slotMs, ms));
    }
    const isSilent = silence.ms >= 2 * clock.slotsPerEpoch * slotMs;
    if (!isSilent || silence.isReported) continue;
    const syncing = await requestSyncing(node, options);
    if (syncing?.isSyncing !== false) continue;
    reporter.stale(node);
    silence.isReported = true;
  }
}

/** Without an answer the last state stays: the stream shows whether the node lives. */
async function requestSyncing(
  node: NodeState,
  { reporter, fetch, signal }: HealthOptions,
): Promise<NodeSyncing | undefined> {
  const syncing = await probeNode(node.endpoint, TIMEOUT_MS, { fetch, signal })
    .catch(() => undefined);
  signal.throwIfAborted();
  if (syncing !== undefined) reporter.synced(node, syncing);
  return syncing;
}

/** Three slots without a block in a row are rare; a node that is in trouble misses more. */
const STOPPED_AFTER_SLOTS = 3;
const TIMEOUT_MS = 10_000;
const LEAST_WAIT_MS = 100;
/** Of these, something comes in almost every slot. */
const FREQUENT = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "attestation",
]);
