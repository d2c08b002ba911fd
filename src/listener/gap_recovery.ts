/** After an absence: what did the node's head do meanwhile, and what was missed? */

import { abortable } from "@std/async/abortable";
import { retry, RetryError } from "@std/async/retry";
import type { BlockHeader } from "../beacon/block_header.ts";
import { withDeadline } from "../beacon/with_deadline.ts";
import type { ListenerActor } from "./actor.ts";
import {
  type BranchWalk,
  walkBranch,
  type WalkBranchOptions,
} from "./branch_walk.ts";
import { isHeadReport, type LastHead, readHead } from "./last_head.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { NodeState } from "./node_state.ts";
import { recoveredEvents } from "./recovered_events.ts";

/** What {@linkcode recoverGap} works with. */
export interface GapRecoveryOptions {
  /** Where recovered events go. */
  actor: ListenerActor;
  /** Where gaps are told that stay. */
  lifecycle: Lifecycle;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the recovery when aborted; the next connection tries again. */
  signal: AbortSignal;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
}

/**
 * Asks a node for the way from the last head that it told of to its head now, and delivers what was
 * missed on it. The node's own events wait meanwhile, so that order is kept; if the answer takes
 * long they go first, and then only a reorg is still delivered, the rest is told as a gap.
 */
export async function recoverGap(
  node: NodeState,
  options: GapRecoveryOptions,
): Promise<void> {
  const { actor, lifecycle, fetch, signal, now } = options;
  const report = node.gapFrom ?? node.lastHead;
  if (report === undefined) return;
  const last = readHead(report);
  node.gapFrom = report;
  actor.hold(node);
  const patience = setTimeout(() => actor.release(node), HOLD_MS);
  try {
    const clock = actor.clock ?? await abortable(actor.clockKnown, signal);
    const walk = await tryToWalk(node, last, {
      fetch,
      signal,
      maxSlots: 2 * clock.slotsPerEpoch,
    });
    if (walk === undefined) return;
    node.gapFrom = undefined;
    const isInTime = node.held !== undefined && node.lastHead === report;
    if (walk.type === "resolved" && walk.blocks.length > 0) {
      const { ancestor, blocks } = walk;
      const events = recoveredEvents({
        last,
        ancestor,
        blocks,
        firstHead: firstHead(node, blocks),
        clock,
        node: node.name,
        receivedAt: now(),
      });
      actor.recover(
        node,
        isInTime
          ? events
          : events.filter(({ topic }) => topic === "chain_reorg"),
      );
    }
    const to = walk.type === "resolved"
      ? walk.blocks.at(-1)?.slot
      : walk.head?.slot;
    const topics = node.topics.filter((topic) =>
      walk.type === "unresolved" || !isInTime || !RECOVERABLE.has(topic)
    );
    const isStill = walk.type === "resolved" && walk.blocks.length === 0;
    if (isStill || topics.length === 0) return;
    lifecycle.gap(node, {
      kind: "reconnect",
      from: last.slot + 1,
      to: Math.max(last.slot + 1, to ?? clock.slotAt(now())),
      topics,
      ...(walk.type === "unresolved" ? { reason: walk.reason } : {}),
    });
  } finally {
    clearTimeout(patience);
    actor.release(node);
  }
}

const HOLD_MS = 2000;
const ATTEMPTS = 3;
const TIMEOUT_MS = 10_000;

/** Topics whose events follow from the chain; when a block came over gossip is lost, and no harm. */
const RECOVERABLE = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "chain_reorg",
]);

/** Where the node's own heads come in; at the last one, if none of them has come yet. */
function firstHead(
  node: NodeState,
  blocks: readonly BlockHeader[],
): BlockHeader {
  const told = new Set(
    node.held?.filter(isHeadReport).map((event) => readHead(event).root),
  );
  return blocks.find(({ root }) => told.has(root)) ?? blocks.at(-1)!;
}

/** The way, after a few attempts: a node that has just started may not answer yet. */
async function tryToWalk(
  node: NodeState,
  last: LastHead,
  options: WalkBranchOptions,
): Promise<BranchWalk | undefined> {
  const { signal } = options;
  try {
    return await retry(
      () =>
        withDeadline(
          (signal) => walkBranch(node.endpoint, last, { ...options, signal }),
          {
            timeoutMs: TIMEOUT_MS,
            signal,
            describe: `Cannot ask ${node.name} for its headers`,
          },
        ),
      { signal, maxAttempts: ATTEMPTS, minTimeout: 250, jitter: 0.5 },
    );
  } catch (error) {
    if (signal.aborted) return undefined;
    const cause = error instanceof RetryError ? error.cause : error;
    return {
      type: "unresolved",
      reason: cause instanceof Error ? cause.message : String(cause),
    };
  }
}
