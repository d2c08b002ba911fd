/** A stream that is kept alive and says nothing, of a node that says it is in sync. */

import { delay } from "@std/async/delay";
import { probeNode } from "../beacon/node_syncing.ts";
import type { ListenerActor } from "./actor.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { NodeState } from "./node_state.ts";

/** What {@linkcode watchStaleness} works with. */
export interface StalenessOptions {
  /** Knows the slot clock. */
  actor: ListenerActor;
  /** Where staleness is told. */
  lifecycle: Lifecycle;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the watch when aborted, together with the connection. */
  signal: AbortSignal;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
}

/** Watches an open connection; tells once of each silence of two epochs. */
export async function watchStaleness(
  node: NodeState,
  options: StalenessOptions,
): Promise<void> {
  const { actor, lifecycle, fetch, signal, now } = options;
  if (!node.topics.some((topic) => FREQUENT.has(topic))) return;
  const openedAt = now();
  let toldOf: number | undefined;
  while (true) {
    const { clock } = actor;
    const epochs = clock === undefined
      ? UNTIL_CLOCK_MS
      : 2 * clock.slotsPerEpoch * clock.slotDurationMs(clock.slotAt(now()));
    const since = Math.max(openedAt, node.lastEventAt ?? 0);
    const leftMs = since + epochs - now();
    if (clock === undefined || leftMs > 0 || toldOf === since) {
      await delay(clock !== undefined && leftMs > 0 ? leftMs : epochs, {
        signal,
      });
      continue;
    }
    toldOf = since;
    const syncing = await probeNode(node.endpoint, PROBE_TIMEOUT_MS, {
      fetch,
      signal,
    })
      .catch(() => undefined);
    signal.throwIfAborted();
    if (syncing?.isSyncing === false) lifecycle.stale(node);
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
const UNTIL_CLOCK_MS = 60_000;
const PROBE_TIMEOUT_MS = 10_000;
