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
import { parseSamples, type Sample } from "./prometheus_samples.ts";
import { type Schedule, SLOT_MS } from "./random_schedule.ts";
import { SeededRandom } from "./seeded_random.ts";
import { VirtualChain } from "./virtual_chain.ts";
import { VirtualNode } from "./virtual_node.ts";
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
  chain: VirtualChain;
  /** The nodes, with all that they sent. */
  nodes: VirtualNode[];
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
  /** The nodes' heads at that time, slots. */
  headSlots: number[];
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

/** Runs a schedule. The same schedule gives the same run. */
export async function runSchedule(schedule: Schedule): Promise<Run> {
  const random = new SeededRandom(schedule.seed);
  using time = new VirtualTime({ startAt: START_AT, random: random.fraction });
  const leftovers: string[] = [];
  using _unhandled = collectUnhandled(leftovers);

  const chain = new VirtualChain(FIRST_SLOT, HISTORY_SLOTS);
  const { slotsPerEpoch, maxEventBytes } = schedule;
  const nodes = schedule.nodes.map((plan, index) =>
    new VirtualNode({
      name: `node${index}`,
      plan,
      time,
      random: new SeededRandom(schedule.seed * 8 + index + 1),
      chain,
      genesisTime: GENESIS_TIME,
      slotsPerEpoch,
      maxEventBytes,
    })
  );
  schedule.chain.forEach((back, index) => {
    time.after(index * SLOT_MS, () => {
      const slot = FIRST_SLOT + 1 + index;
      const block = back === null ? undefined : chain.extend(slot, back);
      for (const node of nodes) node.onSlot(index, slot, block);
    });
  });

  const options: SseListenerOptions = {
    nodes: nodes.map(({ name }) => ({ url: `http://${name}.test`, name })),
    topics: schedule.topics,
    maxEventBytes,
    random: random.fraction,
    fetch: (input, init) => {
      const url = new URL(input instanceof Request ? input.url : input);
      const node = nodes.find(({ name }) => url.hostname === `${name}.test`)!;
      return node.fetch(url, init?.signal ?? undefined);
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
  const slow = {
    time,
    random: new SeededRandom(schedule.seed + 1),
    ms: schedule.slowMs,
  };
  const run = {
    schedule,
    chain,
    nodes,
    events: follow(listener.events(), time),
    slowEvents: follow(listener.events(), time, slow),
    reorgs: follow(listener.reorgs(), time),
    slowReorgs: follow(listener.reorgs(), time, slow),
    statuses: follow(listener.status(), time),
  };
  await time.pass(schedule.chain.length * SLOT_MS);

  const closing = {
    startedAt: START_AT,
    closedAt: time.now,
    snapshots: listener.nodes,
    headSlots: nodes.map(({ head }) => head.slot),
    isClockKnown: listener.clock !== undefined,
    samples: parseSamples(await listener.registry.metrics()),
  };
  await closeListener(listener, time, leftovers);
  // The slow ones read on; nobody else has anything to do.
  const requests = () =>
    nodes.reduce((sum, node) => sum + node.requests.length, 0);
  const before = requests();
  slow.ms = 0;
  await time.pass(schedule.slowMs + 60_000);
  if (requests() > before) {
    leftovers.push(`${requests() - before} requests after the end`);
  }
  leftovers.push(...findLeftovers(nodes, time));
  return { ...run, ...closing, leftovers };
}

const FIRST_SLOT = 10_000;
const HISTORY_SLOTS = 100;
const GENESIS_TIME = 1_700_000_000_000;
/** The first slot of a run begins with it. */
const START_AT = GENESIS_TIME + (FIRST_SLOT + 1) * SLOT_MS;

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
  nodes: readonly VirtualNode[],
  time: VirtualTime,
): string[] {
  const found = time.errors.map((error) => `uncaught in a timer: ${error}`);
  for (const { name, bodies, unanswered, open } of nodes) {
    const unread = bodies.filter(({ state }) => state === "open").length;
    if (unread > 0) {
      found.push(`${name}: ${unread} bodies neither read nor cancelled`);
    }
    if (unanswered > 0) {
      found.push(`${name}: ${unanswered} requests not aborted`);
    }
    if (open.length > 0) {
      found.push(`${name}: ${open.length} open event streams`);
    }
  }
  return found;
}

function follow<T>(
  subscription: Subscription<T>,
  time: VirtualTime,
  slow?: { random: SeededRandom; ms: number },
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
        await time.sleep(slow.random.integer(0, slow.ms));
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
