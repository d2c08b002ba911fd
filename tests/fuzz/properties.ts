/** What must hold after every run, whatever the schedule. */

import { BeaconHttpError, type DisconnectedStatus } from "@org/beacon-sse";
import { checkBranches } from "./branch_properties.ts";
import { checkDelivery } from "./delivery_properties.ts";
import { sumOf } from "./prometheus_samples.ts";
import { QUIET_MINUTES, SLOT_MS } from "./random_schedule.ts";
import type { Run } from "./run_schedule.ts";
import {
  arrivedFrom,
  isIn,
  listenedTo,
  type Range,
  rangeOf,
} from "./sent_events.ts";
import type { VirtualNode } from "./virtual_node.ts";
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
    checkCounters(run, node, report);
    checkWaits(run, node, report);
    checkConnects(node, report);
    checkBodies(node, report);
    checkSilence(node, report);
  }
  checkRevival(run, report);
  checkDelivery(run, report);
  checkBranches(run, report);
  for (const leftover of run.leftovers) report("nothing leaks", leftover);
  return violations;
}

/** The most event streams that a node was asked for within a minute. */
export function mostConnectsPerMinute(node: VirtualNode): number {
  const times = node.requests.filter(({ path }) => path === "/eth/v1/events")
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

/** What the harness believes that it sent is what the standard makes of the bytes. */
function checkHarness(run: Run, node: VirtualNode, report: Report): void {
  for (const { body, sent } of node.connections) {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const text = body.pieces.map((piece) =>
      decoder.decode(piece, { stream: true })
    ).join("");
    const decoded = decodeReference(text, run.schedule.maxEventBytes);
    const arrived = sent.filter(({ arrivedAt }) => arrivedAt !== undefined);
    const expected = arrived
      .filter(({ frame: { kind } }) => kind === "valid" || kind === "malformed")
      .map(({ frame }) => `${frame.topic} ${frame.data}`);
    const found = decoded.events.map(({ type, data }) => `${type} ${data}`);
    const oversized = arrived.filter(({ frame }) =>
      frame.kind === "oversize"
    ).length;
    if (
      expected.join("\n") !== found.join("\n") ||
      oversized !== decoded.oversized
    ) {
      report(
        "harness",
        `${node.name}: ${expected.length} events and ${oversized} oversize written, ` +
          `${found.length} and ${decoded.oversized} decoded`,
      );
    }
  }
}

/** What completed on a live connection was counted, and as what it is. */
function checkCounters(run: Run, node: VirtualNode, report: Report): void {
  const arrived = arrivedFrom(run, node);
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
  const bytes = listenedTo(run, node).reduce(
    (sum, { body }) => sum + body.handed,
    0,
  );
  const hasDoubt = arrived.some(({ isInDoubt }) => isInDoubt);
  expect("sse_bytes_total", [hasDoubt ? 0 : bytes, bytes]);
  const statuses = run.statuses.received.map(({ value }) => value);
  const ofNode = statuses.filter((status) =>
    "node" in status && status.node === node.name
  );
  const disconnects =
    ofNode.filter(({ type }) => type === "disconnected").length;
  expect("sse_reconnects_total", [disconnects, disconnects]);
  const gaps = ofNode.filter(({ type }) => type === "gap");
  expect("sse_gaps_total", [gaps.length, gaps.length]);
  const told =
    gaps.filter((status) => status.type === "gap" && status.kind === "dropped")
      .length;
  const confessed = rangeOf(arrived, "confession");
  if (!isIn(confessed, told)) {
    report(
      "accounting",
      `${node.name}: ${confessed.join("…")} losses confessed, ${told} told`,
    );
  }
}

/** No request before the wait that was announced is over. */
function checkWaits(run: Run, node: VirtualNode, report: Report): void {
  for (const { value: status } of run.statuses.received) {
    if (status.type !== "disconnected" || status.node !== node.name) continue;
    const { at, retryInMs } = status;
    if (retryInMs < 100 || retryInMs > MOST_RETRY_AFTER_MS) {
      report("waits", `${node.name}: a wait of ${retryInMs} ms`);
    }
    const asked = retryAfterOf(run, node, status);
    if (retryInMs < Math.min(asked, MOST_RETRY_AFTER_MS)) {
      report(
        "waits",
        `${node.name}: asked for ${asked} ms, a wait of ${retryInMs} ms`,
      );
    }
    const early = node.requests.find((request) =>
      request.at > at && request.at < at + retryInMs
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

/** A node may ask for a day; nobody waits that long. */
const MOST_RETRY_AFTER_MS = 300_000;
/** A refusal's body is read for so long. */
const EXCERPT_MS = 1500;

/** What the node's answer asked for; 0 where it asked for nothing, or that cannot be told. */
function retryAfterOf(
  run: Run,
  node: VirtualNode,
  { at, error }: DisconnectedStatus,
): number {
  if (
    !(error instanceof BeaconHttpError) || ![429, 503].includes(error.status)
  ) return 0;
  const elapsed = at - run.startedAt;
  const faults = node.plan.faults.filter((fault) =>
    fault.kind === "status" && fault.at <= elapsed &&
    fault.at + fault.forMs >= elapsed - EXCERPT_MS
  );
  const [fault] = faults;
  if (faults.length !== 1 || fault?.kind !== "status") return 0;
  return /^\d+$/.test(fault.retryAfter ?? "")
    ? Number(fault.retryAfter) * 1000
    : 0;
}

function checkConnects(node: VirtualNode, report: Report): void {
  const most = mostConnectsPerMinute(node);
  if (most > MOST_CONNECTS_PER_MINUTE) {
    report(
      "bounded connects",
      `${node.name}: asked for ${most} streams within a minute`,
    );
  }
}

/** Five slots, and a tenth of it until the watchdog has seen it. */
const MOST_SILENCE_MS = 5 * SLOT_MS * 1.1;

/** A stream that says nothing is left. */
function checkSilence(node: VirtualNode, report: Report): void {
  for (const { openedAt, longestSilenceMs } of node.connections) {
    if (longestSilenceMs > MOST_SILENCE_MS) {
      report(
        "silence",
        `${node.name}: a stream, opened at ${openedAt}, was silent for ${longestSilenceMs} ms`,
      );
    }
  }
}

/** Of a huge answer that is none, the beginning is enough. */
function checkBodies(node: VirtualNode, report: Report): void {
  const streams = new Set(node.connections.map(({ body }) => body));
  for (const body of node.bodies) {
    if (!streams.has(body) && body.handed > 100_000) {
      report(
        "bounded reading",
        `${node.name}: ${body.handed} bytes of a refusal were read`,
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
  nodes.forEach((node, index) => {
    const { name, state, topics, headSlot } = snapshots[index]!;
    const wanted = schedule.topics.filter((topic) =>
      !node.plan.unsupported.includes(topic)
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
    const isDoubted = node.plan.faults.some(({ kind }) =>
      MAY_REFUSE_TOPICS.has(kind)
    );
    const missing = wanted.filter((topic) => !topics.includes(topic));
    if (missing.length > 0 && !isDoubted) {
      report(
        "revival",
        `${name} has ${missing}, but is asked for ${topics} only`,
      );
    }
    // The latest head may still be on its way.
    const heads = [node.head.slot, node.head.parent!.slot];
    if (topics.includes("head") && !heads.includes(headSlot ?? -1)) {
      report(
        "revival",
        `${name}: head is ${node.head.slot}, known is ${headSlot}`,
      );
    }
  });
}

/** What looks to the listener as if the node did not take its topics. */
const MAY_REFUSE_TOPICS = new Set<string>([
  "status",
  "emptyStream",
  "headersHang",
  "eof",
]);
