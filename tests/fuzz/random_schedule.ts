/**
 * What happens to a listener in one run, as plain data: the chain, the nodes with their habits, and
 * their faults, each at its time. All of it follows from a seed.
 */

import type { Fault } from "@org/beacon-sse/testing";
import { seededFractions } from "../../src/testing/chain/random.ts";
import { randomFault } from "../../src/testing/faults/fault.ts";
import { randomDraw } from "../../src/testing/faults/random_faults.ts";

/** One run. */
export interface Schedule {
  /** What all further chance of the run is drawn from. */
  seed: number;
  /** Virtual minutes in which faults happen. */
  minutes: number;
  /** Slots in an epoch. */
  slotsPerEpoch: number;
  /** Whether the listener is given genesis and timing, or has to request them. */
  isConfigGiven: boolean;
  /** What the listener requests. */
  topics: string[];
  /** The listener's cap. */
  maxEventBytes: number;
  /** How many bytes wait for one subscriber; the listener's default where absent. */
  maxQueueBytes?: number;
  /** How long the slow subscribers wait between two values, at most. */
  slowMs: number;
  /** Share of slots without a block. */
  emptySlotRate: number;
  /** Share of blocks that take others back. */
  reorgRate: number;
  /** How many slots these branch off below, at most. */
  maxReorgDepth: number;
  /** The nodes. */
  nodes: NodePlan[];
  /** When all nodes that are not wrong begin another chain, in milliseconds from the start. */
  newChainAt?: number;
}

/** A node's habits and its faults. */
export interface NodePlan {
  /** Whether it is on a chain of its own from the start. */
  isWrong?: boolean;
  /** How late it receives a block, in milliseconds. */
  lagMs: number;
  /** After so much silence it sends a comment; 0: never. */
  keepAliveMs: number;
  /** Faults that are on from the start to the end. */
  habits: Fault[];
  /** Faults at their time. */
  faults: TimedFault[];
  /** When it is added to the running listener, in milliseconds from the start. */
  joinsAt?: number;
  /** When it is removed. */
  leavesAt?: number;
}

/** A fault: when, in milliseconds from the start, and for how long. */
export interface TimedFault {
  at: number;
  forMs: number;
  fault: Fault;
}

/** Length of a slot in milliseconds. */
export const SLOT_MS = 12_000;
/** Minutes without faults at the end of each run, in which each node must come back. */
export const QUIET_MINUTES = 7;

/** Chance of one run. */
interface Random extends ReturnType<typeof randomDraw> {
  chance(share: number): boolean;
}

/** The schedule of a seed: every ninth one is about chains. */
export function randomSchedule(seed: number): Schedule {
  const schedule = drawSchedule(seed);
  return seed % 9 === 0 ? withChains(schedule) : schedule;
}

/** Nodes of which one is on a wrong chain, or all begin another one, or both. */
function withChains(schedule: Schedule): Schedule {
  const random = randomDraw(seededFractions("chains", schedule.seed));
  const [first] = schedule.nodes;
  const quiet = { ...first!, habits: [], faults: [] };
  const right = Array.from({ length: random.integer(1, 3) }, () => ({
    ...quiet,
    lagMs: random.integer(0, 2000),
    faults: first!.faults.filter(({ at, fault }) =>
      at > 60_000 && ["disconnect", "reset", "refuse"].includes(fault.type)
    ),
  }));
  const isWrongThere = right.length > 1 && random.isTrue();
  const endsAt = schedule.minutes * 60_000;
  const newChainAt = random.integer(30_000, endsAt);
  const fault: Fault = {
    type: "new-chain",
    sameRoot: random.isTrue(),
    inSeconds: random.one([0, 0, 5, 60]),
  };
  const begins = { at: newChainAt, forMs: 1, fault };
  const isReset = !isWrongThere || random.isTrue();
  const nodes = isReset
    ? right.map((node) => ({ ...node, faults: [...node.faults, begins] }))
    : right;
  return {
    ...schedule,
    isConfigGiven: false,
    nodes: isWrongThere ? [{ ...quiet, isWrong: true }, ...nodes] : nodes,
    ...isReset && { newChainAt },
  };
}

function drawSchedule(seed: number): Schedule {
  const fraction = seededFractions("schedule", seed);
  const random: Random = {
    ...randomDraw(fraction),
    chance: (share) => fraction() < share,
  };
  const minutes = random.integer(2, 16);
  const count = random.one([1, 1, 1, 2, 2, 3]);
  const setting = {
    isConfigGiven: random.chance(0.6),
    isAlone: count === 1,
    endsAt: minutes * 60_000,
    maxEventBytes: random.one([1024, 4096, 65_536]),
  };
  return {
    seed,
    minutes,
    slotsPerEpoch: random.one([8, 32]),
    isConfigGiven: setting.isConfigGiven,
    topics: random.one([
      DEFAULT_TOPICS,
      DEFAULT_TOPICS,
      [...DEFAULT_TOPICS, "finalized_checkpoint"],
      ["head", "chain_reorg"],
    ]),
    maxEventBytes: setting.maxEventBytes,
    ...random.chance(0.4) && { maxQueueBytes: random.one([2_000, 50_000]) },
    slowMs: random.one([1000, 20_000, 300_000]),
    emptySlotRate: 0.05,
    // A branch switch while a node is away is what gets lost: so it is likely.
    reorgRate: random.one([0.03, 0.1, 0.3]),
    maxReorgDepth: random.one([3, 5, 20]),
    nodes: Array.from({ length: count }, (_, index) => ({
      ...randomNode(random, setting),
      // The first one is always there.
      ...index > 0 && random.chance(0.2) && {
        joinsAt: random.integer(1, setting.endsAt),
      },
      ...index > 0 && random.chance(0.15) && {
        leavesAt: random.integer(setting.endsAt, setting.endsAt + 120_000),
      },
    })),
  };
}

const DEFAULT_TOPICS = ["head", "chain_reorg", "block", "block_gossip"];

/** What a node's faults depend on. */
interface Setting {
  isConfigGiven: boolean;
  isAlone: boolean;
  endsAt: number;
  maxEventBytes: number;
}

function randomNode(random: Random, setting: Setting): NodePlan {
  const habits: [share: number, fault: () => Fault][] = [
    [0.7, () => randomFault("wire-form", random)],
    [0.3, () => ({ type: "payload-form" })],
    [0.15, () => ({ type: "late-headers" })],
    [0.15, () => ({ type: "unasked" })],
    [0.15, () => ({ type: "forget-orphans" })],
    [0.3, () => ({
      type: "drip",
      bytes: random.one([17, 100, 300]),
      intervalMs: random.one([0, 0, 5]),
    })],
    [1, () => ({
      type: "delay",
      ms: random.one([5, 50, 900]),
      endpoint: "all",
    })],
    [0.15, () => ({
      type: "refuse-topics",
      topics: random.one([["block_gossip"], ["block"], [
        "block",
        "block_gossip",
      ]]),
      answer: random.one(["named", "unnamed", "empty"]),
    })],
    [0.04, () => randomFault("joined-topics", random)],
    [0.08, () => ({ type: "duplicate" })],
    [0.12, () => randomFault("compressed", random)],
    [0.1, () => randomFault("sync-state", random)],
    [0.08, () => randomFault("optimistic", random)],
  ];
  return {
    lagMs: random.integer(0, 2000),
    keepAliveMs: random.one([0, 15_000, 15_000, 30_000]),
    habits: habits.filter(([share]) => random.chance(share))
      .map(([, fault]) => fault()),
    faults: randomFaults(random, setting),
  };
}

function randomFaults(random: Random, setting: Setting): TimedFault[] {
  const { endsAt } = setting;
  const count = random.integer(0, random.one([3, 8, 20]));
  const faults = Array.from({ length: count }, () => {
    const at = random.integer(0, endsAt - 1);
    const longest = random.one([1000, 30_000, 200_000]);
    const forMs = Math.min(endsAt - at, random.integer(0, longest));
    const drawn = oneFault(random, setting).map((fault) => ({
      at,
      forMs,
      fault,
    }));
    // What a silent stream has lost is found out only where the stream ends.
    return drawn[0]!.fault.type !== "silence" ? drawn : [
      ...drawn,
      { at: at + forMs - 1, forMs: 1, fault: { type: "disconnect" as const } },
    ];
  }).flat();
  if (random.chance(0.2)) faults.push(...randomFlapping(random, endsAt));
  return faults.sort((one, other) => one.at - other.at);
}

/** Streams that break again and again, while headers are slow to be had. */
function randomFlapping(random: Random, endsAt: number): TimedFault[] {
  const startsAt = random.integer(0, endsAt - 1);
  const faults: TimedFault[] = [];
  let at = startsAt;
  for (let left = random.integer(2, 6); left > 0 && at < endsAt; left--) {
    const type = random.one(["disconnect", "reset"] as const);
    const fault = randomFault(type, random);
    faults.push({ at, forMs: 1, fault });
    at += random.integer(500, 25_000);
  }
  const forMs = Math.min(at, endsAt) - startsAt;
  if (random.chance(0.6)) {
    const fault: Fault = { type: "hang", endpoint: "headers" };
    faults.push({ at: startsAt, forMs, fault });
  }
  return faults;
}

/** One thing that goes wrong, or two at once. */
function oneFault(random: Random, setting: Setting): Fault[] {
  const { isConfigGiven, isAlone, maxEventBytes } = setting;
  const drawn = (type: Fault["type"]) => () => [randomFault(type, random)];
  const given = (...faults: Fault[]) => () => faults;
  const failing = (endpoint: "headers" | "genesis" | "spec") => () => [
    random.one<Fault>([
      { type: "hang", endpoint },
      { type: "status", status: 500, body: "out of order", endpoint },
      { type: "status", status: 200, body: '{"data":{"root":7}}', endpoint },
      { type: "status", status: 200, ending: "break", endpoint },
    ]),
  ];
  const once = { times: 1 };
  const kinds: (() => Fault[])[] = [
    given({ type: "refuse" }),
    given({ type: "refuse" }),
    drawn("status"),
    () => [{
      type: "status",
      status: random.one([429, 503]),
      retryAfter: random.one(["1", "120", "999999999"]),
    }],
    drawn("content-type"),
    given({ type: "empty" }),
    given({ type: "hang", endpoint: "syncing" }),
    given({ type: "hang", endpoint: "events" }),
    failing("headers"),
    failing(isConfigGiven ? "headers" : random.one(["genesis", "spec"])),
    drawn("disconnect"),
    drawn("reset"),
    drawn("reset"),
    drawn("cut"),
    drawn("slam"),
    drawn("half-open"),
    drawn("stall"),
    given({ type: "silence", comments: true }),
    // Bytes that come too slowly to make an event.
    given({ type: "drip", bytes: 1, intervalMs: 2_000 }),
    drawn("drip"),
    () => [{ type: "malformed", times: random.integer(1, 15) }],
    // Without a clock it would be valid, and when a clock is known is up to the listener.
    isConfigGiven ? drawn("future-slot") : given({ type: "refuse" }),
    drawn("deep-reorg"),
    () => [{
      type: "padded-event",
      bytes: maxEventBytes + random.one([0, 1, 1, 100, 100_000]),
    }],
    () => [
      {
        type: "endless-frame",
        bytes: Math.floor(maxEventBytes * random.one([0.5, 1.5, 4])),
        prefix: random.one(["data:", "data:", ":", "nonsense"]),
      },
      random.one<Fault>([
        { type: "disconnect" },
        { type: "reset", afterBytes: 100 },
        { type: "half-open", afterBytes: 100 },
      ]),
    ],
    drawn("retry"),
    () => [{ type: "burst", events: random.one([5, 50, 1_500]) }],
    drawn("drop"),
    drawn("drop"),
    given({ type: "flip" }),
    given({ type: "own-branch" }),
    drawn("buffer"),
    drawn("catch-up"),
    drawn("optimistic"),
    drawn("duplicate"),
    drawn("compressed"),
    isAlone ? drawn("branch-switch") : given({ type: "flip" }),
    () => [{
      type: "delay",
      ms: random.integer(1, 12_000),
      endpoint: "all",
      ...once,
    }],
  ];
  return random.one(kinds)();
}
