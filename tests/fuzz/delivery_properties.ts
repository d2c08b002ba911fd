/** Every valid event is delivered exactly once, in order, or counted as lost to a slow subscriber. */

import type { BeaconEvent, ChainReorg } from "@org/beacon-sse";
import { identityOf } from "./event_identity.ts";
import { sumOf } from "../prometheus_samples.ts";
import type { Report } from "./properties.ts";
import {
  FIRST_SLOT,
  type Received,
  type Run,
  type RunNode,
  type Subscriber,
} from "./run_schedule.ts";
import {
  type Arrived,
  arrivedFrom,
  listenedTo,
  type Range,
} from "./sent_events.ts";
import { type Schedule, SLOT_MS } from "./random_schedule.ts";
import type { SimulatedBlock } from "@org/beacon-sse/testing";
import type { TappedStream } from "./tap.ts";

/** Checks what subscribers of events and of reorgs received. */
export function checkDelivery(run: Run, report: Report): void {
  checkQueues(run, report);
  checkFinality(run, report);
  checkAge(run, report);
  const arrived = run.nodes.map((node) =>
    arrivedFrom(run, node).filter(({ frame }) => frame.kind === "valid")
  );
  for (const subscriber of [run.events, run.slowEvents]) {
    run.nodes.forEach((node, index) => {
      const mine = subscriber.received.filter(({ value }) =>
        value.node === node.name
      );
      checkOrder(mine, arrived[index]!, report);
    });
  }
  // What the queue lost looks the same as what never came.
  if (run.events.dropped === 0) {
    if (run.nodes.length === 1) checkOneNode(run, arrived[0]!, report);
    else checkManyNodes(run, arrived, report);
  }
  checkReorgs(run, arrived.flat(), report);
}

/** Two subscribers of one broadcast have the same fate, but for what each was too slow for. */
function checkQueues(run: Run, report: Report): void {
  const { events, slowEvents, reorgs, slowReorgs, statuses } = run;
  for (const subscriber of [events, slowEvents, reorgs, slowReorgs, statuses]) {
    if (!subscriber.isDone) report("end", "a subscription did not end");
  }
  const posted = (one: Subscriber<unknown>) =>
    one.received.length + one.dropped;
  if (posted(events) !== posted(slowEvents)) {
    report(
      "accounting",
      `one subscriber received ${events.received.length} events and lost ${events.dropped}, ` +
        `another ${slowEvents.received.length} and ${slowEvents.dropped}`,
    );
  }
  const stoodFor = ({ received }: Subscriber<ChainReorg>) =>
    received.reduce((sum, { value }) => sum + 1 + (value.merged ?? 0), 0);
  if (stoodFor(reorgs) !== stoodFor(slowReorgs)) {
    report(
      "accounting",
      `one subscriber's reorgs stand for ${stoodFor(reorgs)}, another's for ${
        stoodFor(slowReorgs)
      }`,
    );
  }
  const counted = sumOf(run.samples, "app_beacon_node_sse_dropped_total", {
    queue: "events",
  });
  const lost = events.dropped + slowEvents.dropped;
  if (counted !== lost) {
    report(
      "accounting",
      `sse_dropped_total is ${counted}, subscribers lost ${lost}`,
    );
  }
}

/** What came from a node came in the order in which the node sent it. */
function checkOrder(
  received: readonly Received<BeaconEvent<string>>[],
  arrived: readonly Arrived[],
  report: Report,
): void {
  let next = 0;
  for (const { value } of received) {
    if (value.recovered) continue;
    const from = next;
    while (next < arrived.length && !isSame(value, arrived[next]!)) next++;
    if (next === arrived.length) {
      report(
        "order",
        `${value.node}: ${
          identityOf(value)
        } was not sent behind the ${from} events before it`,
      );
      return;
    }
    next++;
  }
}

/** With one node it is exact: all that arrived, less what a recovery had delivered already. */
function checkOneNode(
  run: Run,
  arrived: readonly Arrived[],
  report: Report,
): void {
  const { received } = run.events;
  const clockAt =
    run.statuses.received.find(({ value }) => value.type === "clock")?.at ??
      -Infinity;
  const recovered = new Set<string>();
  const live = new Map<string, number>();
  const latest = new Map<string, string>();
  let next = 0;
  let suppressed = 0;
  let connection: TappedStream | undefined;
  let head: SimulatedBlock | undefined;
  let reorgAt = -1;
  const heads: { at: number; block: SimulatedBlock; recovered: boolean }[] = [];
  /**
   * A recovery has delivered it; of a head, that one or one behind it, and the node's own heads have not
   * come to that one since.
   */
  const isKnown = (
    { frame: { identity, topic, head }, arrivedAt }: Arrived,
  ) => {
    if (isBehindFinality(run, identity, arrivedAt)) return true;
    const verified = verifiedIdentity(identity);
    const isVerified = recovered.has(verified) || live.has(verified);
    if (verified !== identity && isVerified) return true;
    // What cannot recur is delivered once, and so is a payload that follows itself.
    if (live.has(identity) && HAPPENS_ONCE.test(identity)) return true;
    if (latest.get(topic) === identity) return true;
    if (topic !== "head") {
      return recovered.has(identity) ||
        isRecoveredBefore(run, identity, arrivedAt);
    }
    const before = heads.findLast(({ at }) => at < arrivedAt);
    return [
      before,
      ...heads.filter(({ at }) => at >= arrivedAt && at <= arrivedAt + HOLD_MS),
    ].some((delivered) =>
      delivered?.block === head ||
      (delivered?.recovered && arrivedAt <= delivered.at + LATE_MS &&
        run.tree.isOnBranchOf(head!, delivered.block))
    );
  };
  const skipTo = (value?: BeaconEvent<string>, at = 0) => {
    while (next < arrived.length) {
      const sent = arrived[next]!;
      const isLost = sent.isInDoubt && at > sent.arrivedAt + HOLD_MS;
      if (value !== undefined && isSame(value, sent) && !isLost) return;
      next++;
      if (isKnown(sent)) suppressed++;
      else if (!sent.isInDoubt) {
        report(
          "delivery",
          `${sent.frame.identity}, arrived at ${sent.arrivedAt}, was not delivered`,
        );
      }
    }
  };
  for (const { value, at } of received) {
    const identity = identityOf(value);
    if (value.topic === "chain_reorg" && !value.recovered) reorgAt = at;
    if (value.topic === "head") {
      const block = run.tree.get(
        (value as BeaconEvent<"head">).data.block,
      )!;
      const before = heads.at(-1);
      if (
        before?.recovered && !value.recovered && block !== before.block &&
        run.tree.isOnBranchOf(block, before.block) &&
        at <= before.at + LATE_MS &&
        reorgAt < before.at &&
        block.slot > missedAfter(run, heads.at(-2)?.block, before.block)
      ) {
        report(
          "order",
          `head ${block.slot} was delivered at ${at}, behind the recovered head ${before.block.slot}`,
        );
      }
      heads.push({ at, block, recovered: value.recovered === true });
    }
    if (value.recovered) {
      if (recovered.has(identity) && value.topic !== "head") {
        report("delivery", `${identity} was recovered, and again at ${at}`);
      }
      recovered.add(identity);
      if (live.has(identity) && value.topic !== "head") {
        report("delivery", `${identity} was delivered, and recovered at ${at}`);
      }
      const block = run.tree.get(
        (value as BeaconEvent<"block">).data.block,
      );
      // Headers that come later than a slot still yield what is missing, and so does the next connection.
      // Before the clock is known, nothing is recovered, so nothing waits.
      const isLate = connection &&
        (connection.answeredAt! < clockAt ||
          at > connection.answeredAt! + SLOT_MS || connection.endedAt! <= at ||
          isTooMuchToHold(at, connection, run.schedule));
      if (
        block !== undefined && head !== undefined && block !== head &&
        value.topic !== "finalized_checkpoint" && !isLate &&
        !isSearched(run, block, at) &&
        run.tree.isOnBranchOf(block, head)
      ) {
        report(
          "order",
          `${identity} was recovered at ${at}, behind head ${head.slot}`,
        );
      }
      continue;
    }
    skipTo(value, at);
    const sent = arrived[next++];
    if (sent === undefined) break;
    if (at > sent.arrivedAt + HOLD_MS) {
      report(
        "delay",
        `${identity}, arrived at ${sent.arrivedAt}, was delivered at ${at}`,
      );
    }
    if (sent.connection !== connection) {
      connection = sent.connection;
      head = undefined;
    }
    head = sent.frame.head ?? head;
    live.set(identity, (live.get(identity) ?? 0) + 1);
    latest.set(value.topic, identity);
    if (recovered.has(identity) && value.topic !== "head") {
      report(
        "delivery",
        `${identity} was recovered, and delivered again at ${at}`,
      );
    }
  }
  skipTo();
  const counted = sumOf(run.samples, "app_beacon_node_sse_suppressed_total");
  // A repeated head differs from its recovery by the count only.
  const inDoubt = arrived.filter(({ isInDoubt }) => isInDoubt).length;
  if (counted > suppressed || counted < suppressed - inDoubt) {
    report(
      "accounting",
      `sse_suppressed_total is ${counted}, ${suppressed} events were delivered before`,
    );
  }
}

/**
 * The slot behind which a recovery of a head finds blocks, two epochs at most: a node that restarts may be at
 * older ones.
 */
function missedAfter(
  { tree, schedule: { slotsPerEpoch } }: Run,
  last: SimulatedBlock | undefined,
  recovered: SimulatedBlock,
): number {
  const known = last === undefined
    ? FIRST_SLOT
    : tree.commonAncestor(last, recovered)!.slot;
  return Math.max(known, recovered.slot - 2 * slotsPerEpoch);
}

/** Whether it is of the new branch of a reorg whose ancestor has been searched for since. */
function isSearched(
  { events, tree }: Run,
  block: SimulatedBlock,
  moment: number,
): boolean {
  return events.received.some(({ value, at }) => {
    if (value.topic !== "chain_reorg" || value.recovered) return false;
    const { new_head_block } = (value as BeaconEvent<"chain_reorg">).data;
    return at <= moment && at >= moment - SEARCH_MS &&
      tree.isOnBranchOf(block, tree.get(new_head_block)!);
  });
}

/** Headers for the ancestors of reorgs are requested for so long, one reorg after the other. */
const SEARCH_MS = 2000;

/** Whether more has come of a stream until a moment than may wait for a recovery. */
function isTooMuchToHold(
  moment: number,
  { sent }: TappedStream,
  { maxQueueBytes = Infinity }: Schedule,
): boolean {
  const come = sent.filter(({ arrivedAt }) => arrivedAt <= moment);
  const bytes = come.reduce((sum, { frame }) => sum + 2 * frame.data.length, 0);
  return come.length > MOST_HELD || bytes > maxQueueBytes;
}

const MOST_HELD = 1024;

/** However often its node reports it. */
const HAPPENS_ONCE = /^(block|block_gossip|finalized_checkpoint) /;

/**
 * With several nodes, what may recur is delivered as often as the one node reports it that reports it most, and
 * all else once.
 */
function checkManyNodes(
  run: Run,
  arrived: readonly Arrived[][],
  report: Report,
): void {
  const { received } = run.events;
  const delivered = countBy(received, ({ value }) => identityOf(value));
  const recovered = new Set(
    received.filter(({ value }) => value.recovered).map(({ value }) =>
      identityOf(value)
    ),
  );
  const said = new Map<string, Range>();
  for (const ofNode of arrived) {
    const all = countBy(ofNode, ({ frame }) => frame.identity);
    const sure = countBy(
      ofNode.filter(({ isInDoubt }) => !isInDoubt),
      ({ frame }) => frame.identity,
    );
    for (const [identity, count] of all) {
      const [low, high] = said.get(identity) ?? [0, 0];
      said.set(identity, [
        Math.max(low, sure.get(identity) ?? 0),
        Math.max(high, count),
      ]);
    }
  }
  // What is more than an epoch behind the merged head is delivered of no node.
  const isOld = new Set(
    arrived.flat().filter((sent) => isBehind(run, sent))
      .map(({ frame }) => frame.identity),
  );
  for (const identity of new Set([...delivered.keys(), ...said.keys()])) {
    const count = delivered.get(identity) ?? 0;
    let [low, high] = said.get(identity) ?? [0, 0];
    if (recovered.has(identity)) {
      [low, high] = [Math.min(low, 1), Math.max(high, 1)];
    }
    // What a node reports twice may be a repeat, or delivered by a recovery, and that one by another node before.
    if (!identity.startsWith("head ")) low = Math.min(low, 1);
    if (HAPPENS_ONCE.test(identity)) {
      [low, high] = [Math.min(low, 1), Math.min(high, 1)];
    }
    // Once verified, an event is not delivered as an optimistic one any more.
    const verified = verifiedIdentity(identity);
    if (verified !== identity && delivered.has(verified)) low = 0;
    if (isOld.has(identity)) low = 0;
    const first = arrived.flat().find(({ frame }) =>
      frame.identity === identity
    );
    if (first && isRecoveredBefore(run, identity, first.arrivedAt)) low = 0;
    // A head may be behind those of others; and one that was recovered, for whom the node's own heads
    // come late, is delivered when the node comes to it again.
    if (identity.startsWith("head ")) [low, high] = [0, high + 1];
    if (count < low || count > high) {
      report(
        "delivery",
        `${identity} was reported ${low}…${high} times, delivered ${count} times`,
      );
    }
  }
  checkHeadsOfMany(run, arrived, delivered, report);
}

/** Finality does not go back, whoever reports it. */
function checkFinality(run: Run, report: Report): void {
  let newest = -1;
  for (const { value, at } of run.events.received) {
    if (value.topic !== "finalized_checkpoint") continue;
    const { epoch } = (value as BeaconEvent<"finalized_checkpoint">).data;
    if (epoch < newest) {
      report(
        "finality",
        `${value.node}: epoch ${epoch} behind ${newest} at ${at}`,
      );
    }
    newest = Math.max(newest, epoch);
  }
}

/** Whether it is a checkpoint behind a newer one. */
function isBehindFinality(
  run: Run,
  identity: string,
  arrivedAt: number,
): boolean {
  const [topic, epoch] = identity.split(" ");
  return topic === "finalized_checkpoint" &&
    run.events.received.some(({ value, at }) =>
      value.topic === topic && at <= arrivedAt + HOLD_MS &&
      (value as BeaconEvent<"finalized_checkpoint">).data.epoch > Number(epoch)
    );
}

/** What is more than an epoch behind the merged head is delivered of no node while another one is at the head. */
function checkAge(run: Run, report: Report): void {
  const { slotsPerEpoch } = run.schedule;
  let head = { slot: -1, at: 0, node: "" };
  for (const { value, at } of run.events.received) {
    const slot = value.slot ?? Infinity;
    const isOld = slot < head.slot - slotsPerEpoch && !value.recovered;
    // The other node is at the head: it has reported it in the last slot, and its stream is open.
    if (
      isOld && value.node !== head.node && at - head.at < SLOT_MS &&
      isOpen(run, head.node, at)
    ) {
      report(
        "age",
        `${value.topic} of slot ${slot} by ${value.node} at ${at}, behind head ${head.slot}`,
      );
    }
    if (value.topic === "head" && slot >= head.slot) {
      head = { slot, at, node: value.node };
    }
  }
}

/** Whether a stream of a node is open at a moment. */
function isOpen(run: Run, name: string, moment: number): boolean {
  const node = run.nodes.find((node) => node.name === name)!;
  return listenedTo(run, node).some(({ answeredAt, endedAt }) =>
    answeredAt! <= moment && !(endedAt! <= moment)
  );
}

/** Whether an event is of a slot that is more than an epoch behind the head that was delivered last. */
function isBehind(
  run: Run,
  { frame, arrivedAt, connection }: Arrived,
): boolean {
  const head = run.events.received.findLast(({ value, at }) =>
    value.topic === "head" && at <= arrivedAt + HOLD_MS
  );
  const { slotsPerEpoch } = run.schedule;
  const isOld = (slot: number) =>
    head !== undefined && slot < head.value.slot! - slotsPerEpoch;
  if (frame.topic !== "finalized_checkpoint") {
    return isOld(Number(frame.identity.split(" ")[1]));
  }
  // A checkpoint is as old as the head of its node.
  const { sent } = connection;
  const ownHead = sent
    .slice(0, sent.findIndex((passed) => passed.frame === frame))
    .findLast(({ frame: { head } }) => head !== undefined)?.frame.head;
  return isBehindFinality(run, frame.identity, arrivedAt) ||
    isOld(ownHead?.slot ?? Infinity);
}

/** A head is left out only where a later one is known, and the heads do not go back by another node. */
function checkHeadsOfMany(
  run: Run,
  arrived: readonly Arrived[][],
  delivered: ReadonlyMap<string, number>,
  report: Report,
): void {
  const { received } = run.events;
  const heads = received.filter(({ value }) => value.topic === "head");
  for (const { frame, arrivedAt, isInDoubt } of arrived.flat()) {
    if (
      frame.head === undefined || isInDoubt ||
      delivered.has(frame.identity) ||
      delivered.has(verifiedIdentity(frame.identity))
    ) continue;
    const isBehind = heads.some(({ value, at }) =>
      value.slot! > frame.head!.slot && at <= arrivedAt + HOLD_MS
    );
    const isFarBehind = run.nodes.some((node) =>
      isOpen(run, node.name, arrivedAt) &&
      requestedHead(node, "/eth/v1/node/syncing", arrivedAt) >
        frame.head!.slot + run.schedule.slotsPerEpoch
    );
    if (!isBehind && !isFarBehind) {
      report(
        "delivery",
        `${frame.identity}, arrived at ${arrivedAt}, was not delivered`,
      );
    }
  }
  for (let i = 1; i < heads.length; i++) {
    const before = heads[i - 1]!.value;
    const { value, at } = heads[i]!;
    if (
      value.slot! < before.slot! && value.node !== before.node &&
      !isLeftByAll(run, arrived, heads[i]!, before.slot!)
    ) {
      report(
        "order",
        `the merged head went from ${before.slot} (${before.node}) back to ${value.slot} (${value.node}) at ${at}`,
      );
    }
  }
}

/**
 * Whether a head's node was itself at a slot, or later, just before it, and no other node whose stream is
 * open is: then the merged head goes back with that node.
 */
function isLeftByAll(
  run: Run,
  arrived: readonly Arrived[][],
  { value, at }: Received<BeaconEvent<string>>,
  slot: number,
): boolean {
  return run.nodes.every((node, index) => {
    const { name } = node;
    const isOwn = name === value.node;
    if (!isOwn && !isOpen(run, name, at)) return true;
    // A head that is verified late is reported again behind later ones.
    const known = new Set<SimulatedBlock>();
    const heads = arrived[index]!.filter(({ frame: { head }, arrivedAt }) => {
      const isFirst = head !== undefined && arrivedAt <= at && !known.has(head);
      if (isFirst) known.add(head);
      return isFirst;
    });
    const place = isOwn
      ? heads.findIndex((sent) => isSame(value, sent))
      : heads.length;
    const last = heads[place - 1]?.frame.head?.slot ?? -1;
    if (!isOwn) return last < slot;
    const isFar = value.slot! < slot - run.schedule.slotsPerEpoch;
    return isFar || Math.max(last, requestedHead(node, HEAD_PATH, at)) >= slot;
  });
}

const HEAD_PATH = "/eth/v1/beacon/headers/head";

/** The latest slot of a node's head that the listener may have known from an answer at a moment; -1 for none. */
function requestedHead(
  { heads, tap }: RunNode,
  of: string,
  moment: number,
): number {
  const answered = tap.requests.filter(({ path, status, answeredAt }) =>
    path === of && status === 200 && answeredAt! <= moment
  );
  const slots = answered.flatMap(({ at, answeredAt }) =>
    heads.filter((head, index) =>
      head.at <= answeredAt! && (heads[index + 1]?.at ?? Infinity) >= at
    ).map(({ block }) => block.slot)
  );
  return Math.max(-1, ...slots);
}

/** How long events may wait for what is recovered before them: a slot. */
const HOLD_MS = SLOT_MS + 100;
/** For so long a head may be under way while a later one is recovered. */
const LATE_MS = 2000;

/** Every reorg that was announced reaches reorgs(), once; to a slow subscriber merged, not later. */
function checkReorgs(
  run: Run,
  arrived: readonly Arrived[],
  report: Report,
): void {
  if (!run.isClockKnown) return;
  const announced = new Map<string, Arrived>();
  for (const sent of arrived) {
    if (sent.frame.reorg === undefined || sent.isInDoubt) continue;
    const identity = verifiedIdentity(sent.frame.identity);
    const known = announced.get(identity);
    if (known === undefined || known.arrivedAt > sent.arrivedAt) {
      announced.set(identity, sent);
    }
  }
  for (const { received } of [run.reorgs, run.slowReorgs]) {
    const found = countBy(received, ({ value }) => reorgIdentityOf(value));
    for (const [identity, count] of found) {
      if (count > 1) {
        report("reorgs", `${identity} reached reorgs() ${count} times`);
      }
    }
    for (const [identity, { arrivedAt, frame }] of announced) {
      if (found.has(identity)) continue;
      if (isRecoveredBefore(run, identity, arrivedAt)) continue;
      const { ancestor } = frame.reorg!;
      const epoch = Math.floor(ancestor.slot / run.schedule.slotsPerEpoch);
      const isMerged = received.some(({ value, at }) =>
        value.merged !== undefined && at >= arrivedAt && value.epoch <= epoch
      );
      if (!isMerged) {
        report(
          "reorgs",
          `${identity}, announced at ${arrivedAt}, did not reach reorgs()`,
        );
      }
    }
  }
}

/**
 * Whether it is a reorg that a recovery has delivered before, at a later block of the new branch: a node that
 * verifies late reports it afterwards, and it comes once.
 */
function isRecoveredBefore(
  { reorgs, tree }: Run,
  identity: string,
  arrivedAt: number,
): boolean {
  const [topic, , from, to] = identity.split(" ");
  return topic === "chain_reorg" &&
    reorgs.received.some(({ value, at }) =>
      value.recovered && at <= arrivedAt && value.oldHeadBlock === from &&
      tree.isOnBranchOf(tree.get(to!)!, tree.get(value.newHeadBlock)!)
    );
}

function verifiedIdentity(identity: string): string {
  return identity.replace(" (optimistic)", "");
}

function reorgIdentityOf(
  { slot, oldHeadBlock, newHeadBlock }: ChainReorg,
): string {
  return `chain_reorg ${slot} ${oldHeadBlock} ${newHeadBlock}`;
}

function isSame(event: BeaconEvent<string>, { frame }: Arrived): boolean {
  return event.topic === frame.topic && event.raw === frame.data;
}

function countBy<T>(
  values: readonly T[],
  key: (value: T) => string,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) {
    counts.set(key(value), (counts.get(key(value)) ?? 0) + 1);
  }
  return counts;
}
