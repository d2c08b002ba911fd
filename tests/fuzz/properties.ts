/** What must hold after every run, whatever the schedule. */

import { BeaconHttpError, type DisconnectedStatus } from "@org/beacon-sse";
import { checkBranches } from "./branch_properties.ts";
import { checkChains, isAboutChains } from "./chain_properties.ts";
import { checkDelivery } from "./delivery_properties.ts";
import { sumOf } from "../prometheus_samples.ts";
import { QUIET_MINUTES, SLOT_MS } from "./random_schedule.ts";
import type { Run, RunNode } from "./run_schedule.ts";
import {
  arrivedFrom,
  isIn,
  listenedTo,
  type Range,
  rangeOf,
} from "./sent_events.ts";
import type { TappedStream } from "./tap.ts";
import { decodeReference } from "../sse/reference_decoder.ts";

/** A property that did not hold. */
export interface Violation {
  /** Which one. */
  property: string;
  /** What was expected, and what was found. */
  detail: string;
}

/** Takes a property that did not hold. */
export type Report = (property: string, detail: string) => void;

/** Checks all properties; an empty list is what one hopes for. */
export function checkRun(run: Run): Violation[] {
  const violations: Violation[] = [];
  const report: Report = (property, detail) =>
    violations.push({ property, detail });
  for (const node of run.nodes) {
    checkHarness(run, node, report);
    // The metrics of a removed node are gone; of another chain, it may be early or late that nothing counts.
    if (node.plan.leavesAt !== undefined) checkRemoval(run, node, report);
    else if (!isAboutChains(run)) checkCounters(run, node, report);
    checkWaits(run, node, report);
    checkConnects(node, report);
    checkBodies(node, report);
    checkSilence(node, report);
  }
  checkRevival(run, report);
  if (isAboutChains(run)) {
    checkChains(run, report);
  } else {
    checkDelivery(run, report);
    checkBranches(run, report);
  }
  for (const leftover of run.leftovers) report("nothing leaks", leftover);
  return violations;
}

/** The most event streams that were requested of a node within a minute. */
export function mostConnectsPerMinute(node: RunNode): number {
  const times = node.tap.requests.filter(({ path }) =>
    path === "/eth/v1/events"
  )
    .map(({ at }) => at);
  let most = 0;
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! > 60_000) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/**
 * The waits between attempts are drawn from [0, 1 s) where each connection is of use, that is two
 * attempts a second; 160 a minute is six standard deviations above that. A refused list costs a
 * request for each topic and its stand-in, and a few steps, without a wait in between.
 */
const MOST_CONNECTS_PER_MINUTE = 160 + 20;

/** What the tap took for an event is what the standard makes of the text. */
function checkHarness(run: Run, { name, tap }: RunNode, report: Report): void {
  for (const { text, sent } of tap.streams) {
    const decoded = decodeReference(text, run.schedule.maxEventBytes);
    const expected = sent
      .filter(({ frame: { kind } }) => kind === "valid" || kind === "malformed")
      .map(({ frame }) => `${frame.topic} ${frame.data}`);
    const found = decoded.events.map(({ type, data }) => `${type} ${data}`);
    const oversized = sent.filter(({ frame }) =>
      frame.kind === "oversize"
    ).length;
    if (
      expected.join("\n") !== found.join("\n") ||
      oversized !== decoded.oversized
    ) {
      report(
        "harness",
        `${name}: ${expected.length} events and ${oversized} oversize passed, ` +
          `${found.length} and ${decoded.oversized} by the standard`,
      );
    }
  }
}

/** What completed on a live connection was counted, and as what it is. */
function checkCounters(run: Run, node: RunNode, report: Report): void {
  const arrived = arrivedFrom(run, node);
  const streams = listenedTo(run, node);
  const expect = (name: string, range: Range) => {
    const value = sumOf(run.samples, `app_beacon_node_${name}`, {
      addr: node.name,
    });
    if (!isIn(range, value)) {
      report(
        "accounting",
        `${node.name}: ${name} must be ${range.join("…")}, is ${value}`,
      );
    }
  };
  expect("sse_events_total", rangeOf(arrived, "valid"));
  expect("sse_malformed_total", rangeOf(arrived, "malformed"));
  expect("sse_oversize_total", rangeOf(arrived, "oversize"));
  const sumOver = (of: (stream: TappedStream) => number, list = streams) =>
    list.reduce((sum, stream) => sum + of(stream), 0);
  const inDoubt = sumOver(({ inDoubt }) => inDoubt);
  // Bytes count before a node is connected, too. Of a compressed stream, both lengths are right.
  const least = sumOver(({ handed, inflated }) => Math.min(handed, inflated));
  const read = node.tap.streams.filter(({ isRead }) => isRead);
  const most = sumOver(
    ({ handed, inflated }) => Math.max(handed, inflated),
    read,
  );
  expect("sse_bytes_total", [least - inDoubt, most]);
  const statuses = run.statuses.received.map(({ value }) => value);
  const ofNode = statuses.filter((status) =>
    "node" in status && status.node === node.name
  );
  const disconnects =
    ofNode.filter(({ type }) => type === "disconnected").length;
  expect("sse_reconnects_total", [disconnects, disconnects]);
  const gaps = ofNode.filter(({ type }) => type === "gap");
  // Losses of a slow subscriber are reported late, some at the very end.
  const early = gaps.filter(({ at }) => at < run.closedAt);
  expect("sse_gaps_total", [early.length, gaps.length]);
  const reported =
    gaps.filter((status) => status.type === "gap" && status.kind === "dropped")
      .length;
  const confessed = rangeOf(arrived, "confession");
  if (!isIn(confessed, reported)) {
    report(
      "accounting",
      `${node.name}: ${
        confessed.join("…")
      } losses confessed, ${reported} reported`,
    );
  }
}

/** No request before the wait that was announced is over. */
function checkWaits(run: Run, node: RunNode, report: Report): void {
  // Where its branches part is requested beside all else, as soon as there is a clock, and so is what a
  // node has dropped of a silent stream that is still read.
  const reorgs = [
    ...arrivedFrom(run, node).filter(({ frame }) =>
      frame.topic === "chain_reorg" || frame.kind === "confession"
    ).map(({ arrivedAt }) => arrivedAt),
    ...run.statuses.received.filter(({ value }) => value.type === "clock")
      .map(({ at }) => at),
  ];
  for (const { value: status } of run.statuses.received) {
    if (status.type !== "disconnected" || status.node !== node.name) continue;
    const { at, retryInMs } = status;
    if (retryInMs < 100 || retryInMs > MOST_RETRY_AFTER_MS) {
      report("waits", `${node.name}: a wait of ${retryInMs} ms`);
    }
    const retryAfterMs = retryAfterOf(node, status);
    if (retryInMs < Math.min(retryAfterMs, MOST_RETRY_AFTER_MS)) {
      report(
        "waits",
        `${node.name}: Retry-After of ${retryAfterMs} ms, a wait of ${retryInMs} ms`,
      );
    }
    // A node whose chain is adopted now is connected at once.
    const isWelcome = status.reason === "chain" &&
      run.statuses.received.some(({ value }) =>
        value.type === "chain" && value.at >= at && value.at < at + retryInMs
      );
    if (isWelcome) continue;
    const early = node.tap.requests.find((request) =>
      request.at > at && request.at < at + retryInMs &&
      !(request.path.startsWith("/eth/v1/beacon/headers/") &&
        reorgs.some((since) =>
          since <= request.at && since >= request.at - REORG_MS
        ))
    );
    if (early !== undefined) {
      report(
        "waits",
        `${node.name}: ${early.path} after ${
          early.at - at
        } ms, announced were ${retryInMs} ms`,
      );
    }
  }
}

/** A node may request a wait of a day; the listener does not wait that long. */
const MOST_RETRY_AFTER_MS = 300_000;

/** A reorg may wait for a recovery of a slot; its headers are requested for a second. */
const REORG_MS = SLOT_MS + 1000;

/** The `Retry-After` of the node's last refusal; 0 where it had none, or where that is not certain. */
function retryAfterOf(
  { tap }: RunNode,
  { at, error }: DisconnectedStatus,
): number {
  if (
    !(error instanceof BeaconHttpError) || ![429, 503].includes(error.status)
  ) return 0;
  const { status } = error;
  const [last, ...others] = tap.requests.filter((request) =>
    request.status === status && request.answeredAt! <= at &&
    request.answeredAt! >= at - EXCERPT_MS
  );
  const seconds = last?.retryAfter;
  return others.length === 0 && /^\d+$/.test(seconds ?? "")
    ? Number(seconds) * 1000
    : 0;
}

/** A refusal's body is read for so long. */
const EXCERPT_MS = 1500;

function checkConnects(node: RunNode, report: Report): void {
  const most = mostConnectsPerMinute(node);
  if (most > MOST_CONNECTS_PER_MINUTE) {
    report(
      "bounded connects",
      `${node.name}: ${most} streams were requested within a minute`,
    );
  }
}

/** By so much a wait that the node asked for may be longer. */
const JITTER_MS = 30_000;
/** Five slots, a tenth of it until the watchdog has seen it, and the longest wait of a backoff. */
const MOST_SILENCE_MS = 5 * SLOT_MS * 1.1 + 30_000;

/** A silent stream is left, or another one is requested beside it, as soon as the node lets it be requested. */
function checkSilence({ name, tap }: RunNode, report: Report): void {
  for (const [from, to] of tap.streams.flatMap(({ silences }) => silences)) {
    const welcomeAt = tap.requests.map(({ answeredAt = 0, retryAfter }) =>
      answeredAt <= to ? answeredAt + 1000 * (Number(retryAfter) || 0) : 0
    );
    const until = MOST_SILENCE_MS + from;
    const latest = Math.max(until, ...welcomeAt.map((at) => at + JITTER_MS));
    const isLeft = tap.requests.some(({ path, at }) =>
      path === "/eth/v1/events" && at > from && at <= latest
    );
    if (to > latest && !isLeft) {
      report("silence", `${name}: silent from ${from} to ${to}, and not left`);
    }
  }
}

/** Of a huge answer that is none, the beginning is enough. */
const MOST_JSON_BYTES = 1_200_000;

function checkBodies({ name, tap }: RunNode, report: Report): void {
  for (const request of tap.requests) {
    const most = request.status === 200 ? MOST_JSON_BYTES : 100_000;
    if (!("sent" in request) && request.handed > most) {
      report(
        "bounded reading",
        `${name}: ${request.handed} bytes of ${request.path} were read`,
      );
    }
  }
}

/** Minutes after the last fault, each node is listened to again, for all that it has. */
function checkRevival(
  { schedule, nodes, snapshots, statuses, closedAt, isClockKnown }: Run,
  report: Report,
): void {
  if (!isClockKnown) report("revival", "the clock is not known");
  for (const node of nodes) {
    if (node.plan.leavesAt !== undefined || node.plan.isWrong) continue;
    const { name, state, topics, headSlot } = snapshots.find(({ name }) =>
      name === node.name
    )!;
    const missingTopics = node.plan.habits.flatMap((fault) =>
      fault.type === "refuse-topics" ? fault.topics : []
    );
    const wanted = schedule.topics.filter((topic) =>
      !missingTopics.includes(topic)
    );
    if (state !== "connected") {
      const last = statuses.received.findLast(({ value }) =>
        "node" in value && value.node === name
      );
      report(
        "revival",
        `${name} is ${state}, ${QUIET_MINUTES} minutes after the last fault; last status: ` +
          `${JSON.stringify(last?.value)}, ${
            (closedAt - (last?.at ?? 0)) / 1000
          } s before the end`,
      );
      return;
    }
    const isDoubted = node.plan.faults.some(({ fault }) =>
      MAY_REFUSE_TOPICS.has(fault.type)
    );
    const missing = wanted.filter((topic) => !topics.includes(topic));
    if (missing.length > 0 && !isDoubted) {
      report(
        "revival",
        `${name} has ${missing}, but ${topics} only are requested`,
      );
    }
    // The latest head may still be on its way.
    const heads = node.heads.filter(({ at }) => at <= closedAt).slice(-2)
      .map(({ block }) => block.slot);
    if (topics.includes("head") && !heads.includes(headSlot ?? -1)) {
      report(
        "revival",
        `${name}: head is ${heads}, known is ${headSlot}`,
      );
    }
  }
}

/** A removed node is requested nothing any more, and nothing of it is delivered. */
function checkRemoval(
  run: Run,
  { name, plan, tap }: RunNode,
  report: Report,
): void {
  const removedAt = run.startedAt + plan.leavesAt!;
  const late = run.events.received.find(({ value, at }) =>
    value.node === name && at > removedAt + SLOT_MS
  );
  const request = tap.requests.find(({ at }) => at > removedAt);
  const snapshot = run.snapshots.find((snapshot) => snapshot.name === name);
  const sample = run.samples.find(({ labels }) => labels.addr === name);
  if (late || request || snapshot || sample) {
    const what = JSON.stringify({ late, request, snapshot, sample });
    report("removal", `${name}, removed at ${removedAt}: ${what}`);
  }
}

/** What looks to the listener as if the node did not take its topics. */
const MAY_REFUSE_TOPICS = new Set<string>([
  "status",
  "empty",
  "hang",
  "delay",
  "disconnect",
  "drip",
]);
