/** What happened to the chain while a node was away is recovered, or reported as a gap. */

import type { BeaconEvent, ChainReorg, GapStatus } from "@org/beacon-sse";
import type { Report } from "./properties.ts";
import { type Arrived, arrivedFrom, listenedTo } from "./sent_events.ts";
import type { Run, RunNode } from "./run_schedule.ts";
import { type SimulatedBlock, WIRE_FAULT_TYPES } from "@org/beacon-sse/testing";

/** Checks what was recovered, and that nothing else was lost. */
export function checkBranches(run: Run, report: Report): void {
  for (const { value } of run.events.received) {
    if (value.recovered) checkTruth(run, value as BeaconEvent, report);
  }
  for (const { value } of run.reorgs.received) {
    checkReorgTruth(run, value, report);
  }
  for (const node of run.nodes) {
    for (const absence of absencesOf(run, node)) {
      checkAbsence(run, node, absence, report);
    }
    checkNeedlessGaps(run, node, report);
  }
}

/** A stretch of which a node reported nothing, between two heads that it did report. */
interface Absence {
  /** The head before, and when it arrived. */
  before: Arrived;
  /** The head after. */
  after: Arrived;
  /** When the listener has had its chance to find out. */
  until: number;
}

/** So long a connection has to last until headers have been requested, three times over. */
const RECOVERY_MS = 45_000;

function absencesOf(run: Run, node: RunNode): Absence[] {
  const absences: Absence[] = [];
  const connections = listenedTo(run, node);
  let before: Arrived | undefined;
  let isConfessed = false;
  const unverified = new Set<SimulatedBlock>();
  const reported = new Set<SimulatedBlock>();
  for (const sent of arrivedFrom(run, node)) {
    if (sent.frame.kind === "confession") isConfessed = true;
    if (sent.frame.head === undefined || sent.isInDoubt) continue;
    const isRepeat = reported.has(sent.frame.head);
    reported.add(sent.frame.head);
    if (!wasHeadOf(node, sent, isRepeat ? 0 : UNDER_WAY_MS)) continue;
    // A head that is only verified while the node has a later one is not its head.
    const { head, identity } = sent.frame;
    if (identity.endsWith(" (optimistic)")) unverified.add(head);
    else if (unverified.delete(head) && before?.frame.head !== head) continue;
    if (
      before !== undefined &&
      (before.connection !== sent.connection || isConfessed)
    ) {
      const lasting = connections.find(({ answeredAt, endedAt }) => {
        const end = endedAt ?? run.closedAt;
        return end - Math.max(answeredAt!, before!.arrivedAt) >= RECOVERY_MS &&
          end > sent.arrivedAt;
      });
      if (lasting !== undefined) {
        const until = Math.max(lasting.answeredAt!, sent.arrivedAt) +
          RECOVERY_MS;
        absences.push({ before, after: sent, until });
      }
    }
    before = sent;
    isConfessed = false;
  }
  return absences;
}

/** Whether the node was at a head as it reported it, or so long before; one that catches up was not. */
function wasHeadOf(
  { heads }: RunNode,
  { frame, arrivedAt }: Arrived,
  underWayMs: number,
): boolean {
  return heads.some(({ at, block }, index) =>
    block === frame.head && at <= arrivedAt &&
    (heads[index + 1]?.at ?? Infinity) > arrivedAt - underWayMs
  );
}

/** For so long a head may be under way. */
const UNDER_WAY_MS = 2_000;

function checkAbsence(
  run: Run,
  node: RunNode,
  { before, after, until }: Absence,
  report: Report,
): void {
  const from = before.frame.head!;
  const to = after.frame.head!;
  if (from === to) return;
  const ancestor = run.tree.commonAncestor(from, to);
  if (!ancestor) return;
  const where =
    `${node.name}: between head ${from.slot} ${from.root} at ${before.arrivedAt} and ` +
    `head ${to.slot} ${to.root} at ${after.arrivedAt}`;
  const gaps = run.statuses.received
    .map(({ value }) => value)
    .filter((status): status is GapStatus =>
      status.type === "gap" && status.node === node.name &&
      status.at >= before.arrivedAt && status.at <= until
    );
  const isReported = (topic: string) =>
    gaps.some(({ topics }) => topics.includes(topic));

  const found = headAfterAbsence(node, before, after);
  const parting = run.tree.commonAncestor(from, found)!;
  if (parting !== from && !isReported("chain_reorg")) {
    const since = run.nodes.length === 1
      ? before.arrivedAt
      : before.arrivedAt - LAG_MS;
    const isKnown = run.reorgs.received.some(({ value, at }) =>
      at >= since && at <= until && leadsTo(run, value, parting, found)
    );
    if (!isKnown) {
      report(
        "recovery",
        `${where} the branch changed at ${parting.slot}; neither a reorg nor a gap reports it`,
      );
    }
  }

  const isAskedFor = after.connection.topics.includes("block");
  if (!isAskedFor || run.events.dropped > 0 || isReported("block")) return;
  const delivered = new Set(
    run.events.received
      .filter(({ value }) => value.topic === "block")
      .map(({ value }) => (value as BeaconEvent<"block">).data.block),
  );
  for (
    let block = to;
    block.slot > ancestor.slot;
    block = run.tree.parentOf(block)!
  ) {
    if (!delivered.has(block.root)) {
      report(
        "recovery",
        `${where} block ${block.slot} ${block.root} was missed; no gap reports it`,
      );
    }
  }
}

/**
 * The head to which the way has to be known. A switch behind the reconnect is announced, unless the
 * node does not have the topic: then the listener cannot know of it, which the status "topics" has reported.
 */
function headAfterAbsence(
  node: RunNode,
  before: Arrived,
  after: Arrived,
): SimulatedBlock {
  const { topics, answeredAt } = after.connection;
  return topics.includes("chain_reorg") ||
      after.connection === before.connection
    ? after.frame.head!
    : node.heads.findLast(({ at }) => at <= answeredAt!)!.block;
}

/**
 * A gap is reported only where there is a reason: not after an absence of which a healthy node, each of
 * whose connections lasted long enough so far, answers all questions in time.
 */
function checkNeedlessGaps(run: Run, node: RunNode, report: Report): void {
  const { plan, heads } = node;
  if (plan.habits.some(({ type }) => type === "forget-orphans")) return;
  const latencyMs = Math.max(
    0,
    ...plan.habits.map((fault) => fault.type === "delay" ? fault.ms : 0),
  );
  const clockAt = run.schedule.isConfigGiven
    ? run.startedAt
    : run.statuses.received.find(({ value }) => value.type === "clock")?.at ??
      Infinity;
  const spoiledAt = run.startedAt +
    Math.min(
      ...plan.faults.map(({ fault, at }) =>
        MAY_SPOIL_WALKS.has(fault.type) ? at : Infinity
      ),
    );
  const reported = arrivedFrom(run, node).filter(({ frame }) =>
    frame.head !== undefined
  );
  for (const { answeredAt, endedAt } of listenedTo(run, node)) {
    const from = answeredAt!;
    const until = from + IN_TIME_MS;
    if (until > spoiledAt || (endedAt ?? run.closedAt) < until) return;
    const last = reported.findLast(({ arrivedAt }) => arrivedAt < from)?.frame
      .head;
    if (last === undefined || clockAt >= from) continue;
    const head = heads.findLast(({ at }) => at <= from)!.block;
    const farthest = Math.max(head.slot, last.slot) -
      run.tree.commonAncestor(last, head)!.slot;
    // A request for each block on both branches, and some for good measure.
    const takesMs = (2 * farthest + 5) * latencyMs;
    const isFar = farthest > 2 * run.schedule.slotsPerEpoch - 2;
    if (isFar || takesMs > IN_TIME_MS) return;
    const gap = run.statuses.received.find(({ value }) =>
      value.type === "gap" && value.kind === "reconnect" &&
      value.node === node.name &&
      value.at >= from && value.at <= until && value.topics.includes("block")
    );
    if (gap !== undefined) {
      report(
        "recovery",
        `${node.name}: at ${gap.at} a gap was reported without need: ${
          JSON.stringify(gap.value)
        }`,
      );
    }
  }
}

/** So quick is a walk that nothing is delivered out of order. */
const IN_TIME_MS = 1500;

/** What may keep a walk along the headers from its end. */
const MAY_SPOIL_WALKS = new Set<string>([
  ...WIRE_FAULT_TYPES,
  "status",
  "hang",
  "delay",
  "drop",
  "own-branch",
]);

/** Nodes report one reorg at different times; the first one is delivered. */
const LAG_MS = 60_000;

/** Whether a reorg shows that the chain left a branch at this block or before, towards that head. */
function leadsTo(
  { tree, schedule }: Run,
  reorg: ChainReorg,
  ancestor: SimulatedBlock,
  head: SimulatedBlock,
): boolean {
  if (reorg.epoch > Math.floor(ancestor.slot / schedule.slotsPerEpoch)) {
    return false;
  }
  if (reorg.merged !== undefined) return true;
  const newHead = tree.get(reorg.newHeadBlock);
  return newHead !== undefined &&
    tree.commonAncestor(newHead, head)!.slot > ancestor.slot;
}

/** A reorg is between two branches, and its depth leads to where they part. */
function checkReorgTruth(
  run: Run,
  reorg: ChainReorg,
  report: Report,
): void {
  const { tree, schedule } = run;
  const { slot, depth, epoch, oldHeadBlock, newHeadBlock } = reorg;
  const oldHead = tree.get(oldHeadBlock);
  const newHead = tree.get(newHeadBlock);
  const ancestor = oldHead && newHead && tree.commonAncestor(oldHead, newHead);
  const found = reorg.ancestorSlot ?? slot - depth;
  const isTrue = ancestor !== undefined && ancestor !== oldHead &&
    newHead!.slot === slot &&
    isParting(run, found, ancestor.slot) &&
    epoch === Math.floor(found / schedule.slotsPerEpoch);
  if (!isTrue) {
    report(
      "truth",
      `${JSON.stringify(reorg)}; the branches part at ${ancestor?.slot}`,
    );
  }
}

/** Whether branches part at a slot. Where headers of an old branch are gone, it may be any one before. */
function isParting(
  { nodes }: Run,
  found: number,
  actual: number | undefined,
): boolean {
  const forgets = nodes.some(({ plan }) =>
    plan.habits.some(({ type }) => type === "forget-orphans")
  );
  return found === actual || (forgets && found < actual!);
}

/** What was recovered is what the chain is like. */
function checkTruth(run: Run, event: BeaconEvent, report: Report): void {
  const { tree, schedule: { slotsPerEpoch } } = run;
  let isTrue = true;
  if (event.topic === "block" || event.topic === "head") {
    const block = tree.get(event.data.block);
    isTrue = block !== undefined && block.slot === event.data.slot &&
      event.slot === block.slot;
    if (event.topic === "head" && block !== undefined) {
      const epoch = Math.floor(block.slot / slotsPerEpoch);
      const dependent = (epoch: number) =>
        tree.ancestorAt(block, epoch * slotsPerEpoch - 1).root;
      isTrue &&= event.data.state === block.stateRoot &&
        event.data.current_duty_dependent_root === dependent(epoch) &&
        event.data.previous_duty_dependent_root === dependent(epoch - 1);
    }
  } else if (event.topic === "chain_reorg") {
    const { old_head_block, new_head_block, slot, depth } = event.data;
    const oldHead = tree.get(old_head_block);
    const newHead = tree.get(new_head_block);
    isTrue = oldHead !== undefined && newHead !== undefined &&
      newHead.slot === slot &&
      !tree.isOnBranchOf(oldHead, newHead) &&
      isParting(
        run,
        slot - depth,
        tree.commonAncestor(oldHead, newHead)?.slot,
      ) &&
      event.data.old_head_state === oldHead.stateRoot &&
      event.data.new_head_state === newHead.stateRoot;
  } else if (event.topic === "finalized_checkpoint") {
    const { block: root, state, epoch } = event.data;
    const block = tree.get(root);
    isTrue = block !== undefined && state === block.stateRoot &&
      block.slot <= epoch * slotsPerEpoch;
  } else isTrue = false;
  if (!isTrue) report("truth", `recovered was ${event.topic} ${event.raw}`);
}
