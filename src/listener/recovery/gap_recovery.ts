/** After an absence: what did the node's head do meanwhile, and what was missed? */

import { retry, RetryError } from "@std/async/retry";
import type { BlockHeader } from "../../beacon/api/headers.ts";
import { latestPlausibleSlot } from "../../beacon/plausible_slot.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { ListenerActor } from "../actor.ts";
import {
  type BranchWalk,
  walkBranch,
  type WalkBranchOptions,
} from "./branch_walk.ts";
import { isHeadReport, type LastHead, readHead } from "../chain/head.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";
import type { GapStatus } from "../node_status.ts";
import { recoveredEvents } from "./recovered_events.ts";

/** What {@linkcode recoverGap} works with. */
export interface GapRecoveryOptions {
  /** Whether it was told already that events may be missing. */
  isTold: boolean;
  /** Where recovered events go. */
  actor: ListenerActor;
  /** Where gaps are told that stay. */
  reporter: NodeReporter;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the recovery when aborted; the next connection tries again. */
  signal: AbortSignal;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
}

/**
 * Asks a node for the way from the last head that it told of to its head now, and delivers what was
 * missed on it. The node's own events wait meanwhile, so that order is kept; if the first of them
 * waits for long they go first, and then only a reorg is still delivered, the rest is told as a gap.
 */
export async function recoverGap(
  node: NodeState,
  options: GapRecoveryOptions,
): Promise<void> {
  const { isTold, actor, reporter, fetch, signal, now } = options;
  const report = node.gapFrom ??= node.lastHead;
  const { lastEventAt } = node;
  const clock = actor.clock ?? await actor.awaitClock(signal);
  const tell = (gap: Pick<GapStatus, "from" | "to" | "topics" | "reason">) => {
    if (isTold || gap.topics.length === 0) return;
    reporter.gap(node, { kind: "reconnect", ...gap });
  };
  const current = clock.slotAt(now());
  if (report === undefined) {
    if (lastEventAt === undefined) return;
    const from = Math.min(current, clock.slotAt(lastEventAt));
    const reason = "no head is known to go on from";
    tell({ from, to: current, topics: node.topics, reason });
    return;
  }
  const last = readHead(report);
  let patience: ReturnType<typeof setTimeout> | undefined;
  actor.hold(node, () => {
    patience = setTimeout(() => actor.release(node), HOLD_MS);
  });
  try {
    const walk = await tryToWalk(node, last, clock, { fetch, signal, now });
    if (walk === undefined) return;
    node.gapFrom = undefined;
    if (walk.type === "unresolved") {
      const { reason, head } = walk;
      const { lastHead } = node;
      const isNew = lastHead !== undefined && lastHead !== report;
      node.branch.restart(isNew ? readHead(lastHead) : undefined);
      const to = Math.max(
        last.slot + 1,
        Math.min(head?.slot ?? current, current),
      );
      tell({ from: last.slot + 1, to, topics: node.topics, reason });
      return;
    }
    const { ancestor, blocks } = walk;
    node.branch.follow(ancestor, blocks);
    const isInTime = node.held !== undefined && node.lastHead === report;
    const events = recoveredEvents({
      last,
      ancestor,
      blocks,
      head: walk.head,
      firstHead: firstHead(node, blocks) ?? walk.head,
      clock,
      node: node.name,
      receivedAt: now(),
    });
    actor.recover(
      node,
      isInTime ? events : events.filter(({ topic }) => topic === "chain_reorg"),
    );
    const from = ancestor.slot + (blocks.length === 0 ? 0 : 1);
    const to = Math.max(from, isInTime ? current : walk.head.slot);
    const isLost = blocks.length > 0 && !isInTime;
    const topics = node.topics.filter((topic) =>
      isLost || !RECOVERABLE.has(topic)
    );
    tell({ from, to, topics });
  } finally {
    clearTimeout(patience);
    actor.release(node);
  }
}

const HOLD_MS = 1000;
const ATTEMPTS = 3;
/** For all attempts together. */
const TIMEOUT_MS = 40_000;

/** Topics whose events follow from the chain; when a block came over gossip is lost, and no harm. */
const RECOVERABLE = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "chain_reorg",
]);

/** Where the node's own heads come in, if any of them is here already. */
function firstHead(
  node: NodeState,
  blocks: readonly BlockHeader[],
): BlockHeader | undefined {
  const told = new Set(
    node.held?.events.filter(isHeadReport).map((event) => readHead(event).root),
  );
  return blocks.find(({ root }) => told.has(root));
}

/** The way, after a few attempts: a node that has just started may not answer yet. */
async function tryToWalk(
  node: NodeState,
  last: LastHead,
  clock: SlotClock,
  options: Omit<WalkBranchOptions, "maxSlots" | "latestSlot" | "earlier"> & {
    now: () => number;
  },
): Promise<BranchWalk | undefined> {
  const { fetch, signal, now } = options;
  const maxSlots = 2 * clock.slotsPerEpoch;
  const walk = (signal: AbortSignal) =>
    walkBranch(node.endpoint, last, {
      fetch,
      signal,
      maxSlots,
      // Without word of reorgs, what was told may be of several branches.
      earlier: node.topics.includes("chain_reorg")
        ? [...node.branch.blocks]
        : [],
      latestSlot: latestPlausibleSlot(clock, now()),
    });
  try {
    return await withDeadline(
      (signal) =>
        retry(() => walk(signal), {
          signal,
          maxAttempts: ATTEMPTS,
          minTimeout: 250,
          jitter: 0.5,
        }),
      {
        timeoutMs: TIMEOUT_MS,
        signal,
        describe: `Cannot ask ${node.name} for its headers`,
      },
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
