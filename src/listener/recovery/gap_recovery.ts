/** After an absence: what the node's head did meanwhile, and what was missed. */

import { delay } from "@std/async/delay";
import {
  type BlockHeader,
  fetchFinalizedCheckpoint,
} from "../../beacon/api/headers.ts";
import { recoveredCheckpoint } from "../../beacon/events/recovered_event.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { ListenerActor } from "../actor.ts";
import type { KnownBlock } from "../chain/branch.ts";
import {
  isHeadReport,
  type ReportedHead,
  reportedHead,
} from "../chain/head.ts";
import { latestPlausibleSlot } from "../chain/plausible.ts";
import type { Gap } from "../chain/node_chain.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";
import { Headers, type Walk, walkBack } from "../chain/branch_walk.ts";
import { recoveredEvents } from "./recovered_events.ts";

export interface GapRecoveryOptions {
  actor: ListenerActor;
  reporter: NodeReporter;
  fetch: typeof fetch;
  signal: AbortSignal;
  now: () => number;
}

/**
 * Makes a function that recovers what a node's connection has missed. A node that drops messages
 * may need it a thousand times in a second: the recovery runs at least once after each call, but
 * never twice at a time, nor twice within a quarter of a second. Its argument is whether the gap
 * was reported already.
 */
export function gapRecovery(
  node: NodeState,
  options: GapRecoveryOptions,
): (isReported: boolean) => Promise<void> {
  let isRunning = false;
  let next: boolean | undefined;
  return async (isReported) => {
    next = isReported;
    if (isRunning) return;
    isRunning = true;
    try {
      while (next !== undefined) {
        const isReported: boolean = next;
        next = undefined;
        await recoverGap(node, isReported, options);
        await delay(INTERVAL_MS, { signal: options.signal });
      }
    } finally {
      isRunning = false;
    }
  };
}

const INTERVAL_MS = 250;

/**
 * Requests from a node the way from its last reported head to its head now, and delivers what was
 * missed on it. Where no head was reported, it goes back to the start of the listener, or to when the
 * node was added. It goes back two epochs at most; what is missing before is reported as a gap.
 *
 * The node's own events wait meanwhile, so that order is kept, but for one slot at most. What is
 * found later than that is delivered all the same, behind later events; only a head that later heads
 * have followed is not.
 */
async function recoverGap(
  node: NodeState,
  isReported: boolean,
  options: GapRecoveryOptions,
): Promise<void> {
  const { actor, reporter, fetch, signal, now } = options;
  const { chain } = node;
  const before = chain.head;
  const startedAt = Math.max(actor.startedAt, node.addedAt);
  const openedAt = now();
  const isLate = node.reconnects.size > 0 || openedAt - startedAt > LATE_MS;
  if (before === undefined && !isLate && !isReported) return;
  const left = chain.branch.cut();
  const gap = chain.gap ??= { from: before, branch: left };
  const last = gap.from;
  const clock = actor.clock ?? await actor.awaitClock(signal);
  if (node.chain !== chain) return;
  const since = Math.max(0, clock.slotAt(startedAt));
  const isFirst = node.reconnects.size === 0 && !isReported;
  if (isFirst && before === undefined && clock.slotAt(openedAt) <= since) {
    chain.gap = undefined;
    return;
  }
  // A node that reports blocks at all.
  chain.mayLackBlock = node.counts.of("block", node.topics).events > 0;
  const slotMs = clock.slotDurationMs(Math.max(0, clock.slotAt(now())));
  let patience: ReturnType<typeof setTimeout> | undefined;
  const release = actor.hold(node, () => {
    patience = setTimeout(() => release(), slotMs);
  });
  try {
    const headers = new Headers(node.endpoint, { fetch, signal });
    const { walk, later } = await findWay(node, headers, clock, {
      gap,
      before,
      left,
      since,
      now,
      signal,
      headWithinMs: slotMs,
      // A node without a head may need long; what it sends meanwhile is delivered.
      onNoHead: release,
    });
    if (node.chain !== chain) return;
    const { head, blocks, ancestor, reason, isLowerBound } = walk;
    if (head === undefined) chain.gap = undefined;
    else {
      const branch = ancestor === undefined ? blocks : [
        ...gap.branch.filter(({ slot }) => slot < ancestor.slot),
        ancestor,
        ...blocks,
      ];
      // Late, the node's own heads have gone on.
      const isCurrent = () => chain.head === before;
      const dutyRoots = isCurrent() && head.root !== before?.root
        ? await dutyRootsOf(headers, walk, branch, last, clock).catch(() =>
          undefined
        )
        : undefined;
      const events = recoveredEvents(
        {
          last,
          ancestor,
          blocks,
          head,
          firstHead: firstHead(node, blocks) ?? head,
          dutyRoots: isCurrent() ? dutyRoots : undefined,
        },
        clock,
        node.name,
        now(),
      );
      chain.gap = undefined;
      if (ancestor !== undefined) chain.mayLackBlock = true;
      actor.recover(node, {
        events,
        ancestor,
        isLowerBound,
        blocks,
        ...(isCurrent() && { head }),
        branch,
      });
      // The node's own events may report it.
      if (later === undefined || chain.leftRoot === before?.root) {
        // Nothing is missing.
      } else if (later.ancestor === undefined) {
        if (!isReported && ancestor !== undefined) {
          reporter.gap(node, {
            kind: "reconnect",
            from: Math.min(before!.slot + 1, head.slot),
            to: head.slot,
            topics: ["chain_reorg"],
            reason: "the node has left the branch that it was on then",
          });
        }
      } else {
        const missed = {
          last: before,
          ancestor: later.ancestor,
          blocks: [],
          head,
          firstHead: firstHead(node, later.blocks) ?? head,
          dutyRoots: undefined,
        };
        actor.recover(node, {
          events: recoveredEvents(missed, clock, node.name, now()),
          ancestor: later.ancestor,
          isLowerBound: later.isLowerBound,
          blocks: later.blocks,
        });
      }
    }
    release();
    const current = Math.max(0, clock.slotAt(now()));
    let from = last === undefined ? since : last.slot + 1;
    if (ancestor === undefined && !isReported) {
      const to = Math.max(
        from,
        Math.min((blocks[0]?.slot ?? head?.slot ?? current + 1) - 1, current),
      );
      reporter.gap(node, {
        kind: "reconnect",
        from,
        to,
        topics: node.topics,
        ...(reason !== undefined && { reason }),
      });
      from = to + 1;
    }
    const hasFinality = await recoverFinality(node, clock, options);
    if (isReported || (ancestor === undefined && blocks.length === 0)) return;
    const { end } = gap;
    if (
      end !== undefined && head !== undefined && ancestor !== undefined &&
      end.slot <= head.slot && end.slot > from &&
      !blocks.some(({ root }) => root === end.root)
    ) {
      reporter.gap(node, {
        kind: "reconnect",
        from,
        to: end.slot - 1,
        topics: node.topics,
        reason: "the node has left the branch that it was on then",
      });
    }
    const topics = node.topics.filter((topic) =>
      topic === "finalized_checkpoint"
        ? !hasFinality
        : !LOST_NOTHING_OF.has(topic)
    );
    if (topics.length > 0) {
      const to = Math.max(from, current);
      reporter.gap(node, { kind: "reconnect", from, to, topics });
    }
  } catch (error) {
    // The next connection tries again.
    if (!signal.aborted) throw error;
  } finally {
    clearTimeout(patience);
    release();
  }
}

/** A first stream that opens later than this after the start may have missed a block. */
const LATE_MS = 1000;

/**
 * Topics whose events follow from the headers. When a block came over gossip is lost, and does no
 * harm.
 */
const LOST_NOTHING_OF: ReadonlySet<string> = new Set([
  "head",
  "head_v2",
  "block",
  "block_gossip",
  "chain_reorg",
]);

const ATTEMPTS = 3;
const RETRY_MS = 250;
/** For all attempts together. */
const TIMEOUT_MS = 40_000;

interface WayOptions {
  gap: Gap;
  /** The head when the recovery began, and its branch; not the gap's where an earlier gap is still open. */
  before: ReportedHead | undefined;
  left: readonly KnownBlock[];
  /** The first slot of interest where no head is known. */
  since: number;
  now: () => number;
  signal: AbortSignal;
  /** For how long a node may have no head: one that has just started may not have loaded it. */
  headWithinMs: number;
  onNoHead: () => void;
}

interface Way {
  walk: Walk;
  /** From the head when the recovery began, where that is not on the way. */
  later?: Walk;
}

async function findWay(
  node: NodeState,
  headers: Headers,
  clock: SlotClock,
  { gap, before, left, since, now, signal, headWithinMs, onNoHead }: WayOptions,
): Promise<Way> {
  const headUntil = performance.now() + headWithinMs;
  const walkFrom = (
    from: string,
    known: KnownBlock | undefined,
    branch: readonly KnownBlock[],
  ) =>
    walkBack(headers, {
      from,
      known,
      since,
      maxSlots: 2 * clock.slotsPerEpoch,
      // Where no reorg is reported, the heads may be of several branches.
      earlier: node.topics.includes("chain_reorg") ? branch : [],
      latestSlot: latestPlausibleSlot(clock, now()),
    });
  const attempt = async (): Promise<Way> => {
    const walk = await walkFrom("head", gap.from, gap.branch);
    const { head, ancestor, blocks } = walk;
    const isOnWay = ({ root }: KnownBlock) =>
      root === ancestor?.root || blocks.some((block) => block.root === root);
    return head === undefined || before === undefined ||
        before.root === gap.from?.root || isOnWay(before)
      ? { walk }
      : { walk, later: await walkFrom(head.root, before, left) };
  };
  let failures = 0;
  return await withDeadline(
    async (signal) => {
      while (true) {
        try {
          const way = await attempt();
          if (way.walk.head !== undefined || performance.now() >= headUntil) {
            return way;
          }
          onNoHead();
        } catch (error) {
          signal.throwIfAborted();
          if (++failures === ATTEMPTS) throw error;
        }
        await delay(RETRY_MS, { signal });
      }
    },
    {
      timeoutMs: TIMEOUT_MS,
      signal,
      describe: `Cannot request the headers of ${node.name}`,
    },
  ).catch((error) => {
    signal.throwIfAborted();
    return { walk: { blocks: [], reason: (error as Error).message } };
  });
}

/** Where the node's own heads come in, if any of them is here already. */
function firstHead(
  { chain }: NodeState,
  blocks: readonly BlockHeader[],
): BlockHeader | undefined {
  const held = new Set(
    chain.held?.events.map((event) =>
      isHeadReport(event) ? reportedHead(event).root : undefined
    ),
  );
  return blocks.find(({ root }) => held.has(root) || chain.branch.has(root));
}

async function dutyRootsOf(
  headers: Headers,
  { head, ancestor }: Walk,
  known: readonly KnownBlock[],
  last: ReportedHead | undefined,
  clock: SlotClock,
): Promise<{ ofEpoch: string; ofNextEpoch: string } | undefined> {
  const rootBefore = async (epoch: number): Promise<string | undefined> => {
    const start = Math.max(1, epoch * clock.slotsPerEpoch);
    // Behind a block that is missing, another one may be the last.
    const place = known.findLastIndex(({ slot }) => slot < start);
    const next = known[place + 1];
    if (place !== -1 && next?.parentRoot === known[place]!.root) {
      return known[place]!.root;
    }
    // Both branches have all blocks up to the ancestor, so the last head's roots still hold.
    if (
      last !== undefined && ancestor !== undefined && ancestor.slot >= start
    ) {
      const lastEpoch = clock.epochOf(last.slot);
      const reported = epoch === lastEpoch
        ? last.ofNextEpoch
        : epoch === lastEpoch - 1
        ? last.ofEpoch
        : undefined;
      if (reported !== undefined) return reported;
    }
    const least = Math.max(0, start - MOST_EMPTY_SLOTS);
    for (let slot = start - 1; slot >= least; slot--) {
      const header = await headers.get(String(slot));
      if (header !== undefined) return header.root;
    }
  };
  const epoch = clock.epochOf(head!.slot);
  const ofEpoch = await rootBefore(epoch - 1);
  const ofNextEpoch = ofEpoch && await rootBefore(epoch);
  return ofEpoch && ofNextEpoch ? { ofEpoch, ofNextEpoch } : undefined;
}

const MOST_EMPTY_SLOTS = 4;

/**
 * Delivers the finalized checkpoint that was missed. Returns whether nothing of it is missing, or the
 * next connection will find it.
 */
async function recoverFinality(
  node: NodeState,
  clock: SlotClock,
  { actor, fetch, signal, now }: GapRecoveryOptions,
): Promise<boolean> {
  if (!node.topics.includes("finalized_checkpoint")) return true;
  const { chain } = node;
  try {
    const { finalized, header } = await withDeadline(
      async (signal) => {
        const options = { fetch, signal };
        const finalized = await fetchFinalizedCheckpoint(
          node.endpoint,
          options,
        );
        const header = finalized &&
          await new Headers(node.endpoint, options).get(finalized.root);
        return { finalized, header };
      },
      {
        timeoutMs: TIMEOUT_MS / 4,
        signal,
        describe: "Cannot request finality",
      },
    );
    if (finalized === undefined || header === undefined) return false;
    const { epoch, root, isOptimistic } = finalized;
    // An epoch becomes final two epochs later.
    const isSinceStart =
      clock.slotStart((epoch + 2) * clock.slotsPerEpoch) >= actor.startedAt;
    const known = chain.finalizedEpoch ?? (isSinceStart ? epoch - 1 : epoch);
    if (epoch <= known || node.chain !== chain) return true;
    const { stateRoot } = header;
    const event = recoveredCheckpoint(
      epoch,
      { root, stateRoot, isOptimistic },
      { node: node.name, receivedAt: now() },
    );
    actor.recover(node, { events: [event], blocks: [] });
    return true;
  } catch {
    return signal.aborted;
  }
}
