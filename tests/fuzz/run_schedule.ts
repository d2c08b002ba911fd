/** Runs one schedule against a real listener in virtual time, and writes down all that happened. */

import {
  type BeaconEvent,
  type ChainReorg,
  type NodeSnapshot,
  type NodeStatus,
  SseListener,
  type SseListenerOptions,
  type Subscription,
} from "@org/beacon-sse";
import { type SimulatedBlock, SimulatedNode } from "@org/beacon-sse/testing";
import { seededFractions } from "../../src/testing/chain/random.ts";
import { BlockTree } from "./block_tree.ts";
import { parseSamples, type Sample } from "../prometheus_samples.ts";
import {
  type NodePlan,
  QUIET_MINUTES,
  type Schedule,
  SLOT_MS,
} from "./random_schedule.ts";
import { Tap } from "./tap.ts";
import { VirtualTime } from "./virtual_time.ts";

/** What a subscriber received. */
export interface Received<T> {
  /** When, Unix time in milliseconds. */
  at: number;
  /** What. */
  value: T;
}

/** All that a subscriber saw. */
export interface Subscriber<T> {
  /** What it received, in order. */
  received: Received<T>[];
  /** What it lost, as its subscription counts it. */
  dropped: number;
  /** What was merged, as its subscription counts it. */
  merged: number;
  /** Whether it came to its end. */
  isDone: boolean;
}

/** All that happened in a run. */
export interface Run {
  /** What was run. */
  schedule: Schedule;
  /** All blocks. */
  tree: BlockTree;
  /** The nodes, with all that they sent. */
  nodes: RunNode[];
  /** A subscriber that reads as fast as it can. */
  events: Subscriber<BeaconEvent<string>>;
  /** One that sleeps. */
  slowEvents: Subscriber<BeaconEvent<string>>;
  /** A subscriber that reads as fast as it can. */
  reorgs: Subscriber<ChainReorg>;
  /** One that sleeps. */
  slowReorgs: Subscriber<ChainReorg>;
  /** Every status. */
  statuses: Subscriber<NodeStatus>;
  /** The listener's view of its nodes, just before its end. */
  snapshots: NodeSnapshot[];
  /** Whether genesis and timing were known by then. */
  isClockKnown: boolean;
  /** Metrics at that time: name, labels, value. */
  samples: Sample[];
  /** When it began, Unix time in milliseconds. */
  startedAt: number;
  /** When it was closed, Unix time in milliseconds. */
  closedAt: number;
  /** What should not be there after the end, in words. */
  leftovers: string[];
}

/** A node of a run. */
export interface RunNode {
  /** The listener's name for it. */
  name: string;
  /** Its habits and faults. */
  plan: NodePlan;
  /** The node itself. */
  node: SimulatedNode;
  /** What has passed between it and the listener. */
  tap: Tap;
  /** Every head it had at the end of a turn, and since when. */
  heads: { at: number; block: SimulatedBlock }[];
}

/** Runs a schedule. The same schedule gives the same run. */
export async function runSchedule(schedule: Schedule): Promise<Run> {
  const random = seededFractions("listener", schedule.seed);
  using time = new VirtualTime({ startAt: START_AT, random });
  const leftovers: string[] = [];
  using _unhandled = collectUnhandled(leftovers);

  const tree = new BlockTree();
  const nodes = schedule.nodes.map((plan, index) =>
    startNode(schedule, plan, `node${index}`, time, tree)
  );
  const { slotsPerEpoch, maxEventBytes, maxQueueBytes } = schedule;
  const options: SseListenerOptions = {
    nodes: nodes.filter(({ plan }) => plan.joinsAt === undefined)
      .map(endpointOf),
    topics: schedule.topics,
    maxEventBytes,
    random,
    ...maxQueueBytes !== undefined && { maxQueueBytes },
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const { tap } = nodes.find(({ name }) =>
        url.hostname === `${name}.test`
      )!;
      return tap.fetch(input, init);
    },
  };
  if (schedule.isConfigGiven) {
    options.config = {
      genesisTime: GENESIS_TIME,
      slotDurationMs: SLOT_MS,
      slotsPerEpoch,
    };
  }
  const listener = await SseListener.start(options);
  const report = (error: unknown) => leftovers.push(`nodes: ${error}`);
  for (const runNode of nodes) {
    const { plan: { joinsAt, leavesAt }, name } = runNode;
    if (joinsAt !== undefined) {
      time.after(joinsAt, () => {
        listener.addNode(endpointOf(runNode)).catch(report);
      });
    }
    if (leavesAt !== undefined) {
      time.after(leavesAt, () => {
        listener.removeNode(name).catch(report);
      });
    }
  }
  const slow = {
    time,
    random: seededFractions("slow subscriber", schedule.seed),
    ms: schedule.slowMs,
  };
  const run = {
    schedule,
    tree,
    nodes,
    events: follow(listener.events(), time),
    slowEvents: follow(listener.events(), time, slow),
    reorgs: follow(listener.reorgs(), time),
    slowReorgs: follow(listener.reorgs(), time, slow),
    statuses: follow(listener.status(), time),
  };
  await time.pass((schedule.minutes + QUIET_MINUTES) * 60_000);

  const closing = {
    startedAt: START_AT,
    closedAt: time.now,
    snapshots: listener.nodes,
    isClockKnown: listener.clock !== undefined,
    samples: parseSamples(await listener.registry.metrics()),
  };
  await closeListener(listener, time, leftovers);
  // The slow subscribers read on; nothing else has to happen.
  const requests = () =>
    nodes.reduce((sum, { tap }) => sum + tap.requests.length, 0);
  const before = requests();
  slow.ms = 0;
  await time.pass(schedule.slowMs + 60_000);
  if (requests() > before) {
    leftovers.push(`${requests() - before} requests after the end`);
  }
  leftovers.push(...findLeftovers(nodes, time));
  for (const { node } of nodes) node.close();
  await time.settle();
  return { ...run, ...closing, leftovers };
}

function endpointOf({ name, node }: RunNode): { url: string; name: string } {
  return { url: node.url, name };
}

/** The head at the start. */
export const FIRST_SLOT = 200;
const GENESIS_TIME = 1_700_000_000_000;
/** The first slot of a run begins with it. */
const START_AT = GENESIS_TIME + (FIRST_SLOT + 1) * SLOT_MS;

/** A node with its habits, on the way to its faults. */
function startNode(
  schedule: Schedule,
  plan: NodePlan,
  name: string,
  time: VirtualTime,
  tree: BlockTree,
): RunNode {
  const { seed, slotsPerEpoch, emptySlotRate, reorgRate, maxReorgDepth } =
    schedule;
  const { lagMs, keepAliveMs, habits, faults } = plan;
  const node = new SimulatedNode({
    url: `http://${name}.test`,
    clock: time.clock,
    genesisTime: GENESIS_TIME,
    slotDurationMs: SLOT_MS,
    seed: plan.isWrong ? seed + 1 : seed,
    slotsPerEpoch,
    emptySlotRate,
    reorgRate,
    maxReorgDepth,
    lagMs,
    keepAliveMs,
    faults: habits,
  });
  for (const { at, forMs, fault } of faults) {
    time.after(at, () => {
      const active = node.fault(fault);
      time.after(forMs, () => active.heal());
    });
  }
  const learn = (root: string) => tree.learn(node, root);
  const heads: RunNode["heads"] = [];
  const noteHead = () => {
    if (heads.at(-1)?.block === node.head) return;
    heads.push({ at: time.now, block: node.head });
    learn(node.head.root);
  };
  noteHead();
  time.onTurn(noteHead);
  const { maxEventBytes } = schedule;
  const { fetch } = node;
  const tap = new Tap({ fetch, time, maxEventBytes, tree, learn });
  return { name, plan, node, tap, heads };
}

/** Closes it, for which no time may have to pass. */
async function closeListener(
  listener: SseListener,
  time: VirtualTime,
  leftovers: string[],
): Promise<void> {
  let hasFinished = false;
  let hasClosed = false;
  listener.finished.then(
    () => hasFinished = true,
    (error) => leftovers.push(`finished rejected: ${error}`),
  );
  listener.close().then(
    () => hasClosed = true,
    (error) => leftovers.push(`close() rejected: ${error}`),
  );
  await time.settle();
  if (!hasFinished) leftovers.push("finished is pending after close()");
  if (!hasClosed) leftovers.push("close() is pending");
  if (time.foreignTimers > 0) {
    leftovers.push(`${time.foreignTimers} timers after close()`);
  }
}

function findLeftovers(
  nodes: readonly RunNode[],
  time: VirtualTime,
): string[] {
  const found = time.errors.map((error) => `uncaught in a timer: ${error}`);
  for (const { name, tap } of nodes) {
    for (const { path, state } of tap.requests) {
      if (state === "open") {
        found.push(`${name}: a body of ${path} neither read nor cancelled`);
      }
      if (state === "waiting") {
        found.push(`${name}: a request of ${path} not aborted`);
      }
    }
  }
  return found;
}

function follow<T>(
  subscription: Subscription<T>,
  time: VirtualTime,
  slow?: { random: () => number; ms: number },
): Subscriber<T> {
  const subscriber: Subscriber<T> = {
    received: [],
    dropped: 0,
    merged: 0,
    isDone: false,
  };
  (async () => {
    for await (const value of subscription) {
      subscriber.received.push({ at: time.now, value });
      if (slow !== undefined && slow.ms > 0) {
        await time.sleep(Math.floor(slow.random() * slow.ms));
      }
    }
    subscriber.dropped = subscription.dropped;
    subscriber.merged = subscription.merged;
    subscriber.isDone = true;
  })();
  return subscriber;
}

function collectUnhandled(leftovers: string[]): Disposable {
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    leftovers.push(
      `unhandled rejection: ${event.reason?.stack ?? event.reason}`,
    );
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    leftovers.push(`uncaught: ${event.message}`);
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}
