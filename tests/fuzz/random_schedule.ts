/**
 * What happens to a listener in one run, as plain data: the chain, the nodes with their habits, and
 * their faults, each at its time. All of it follows from a seed.
 */

import { SeededRandom } from "./seeded_random.ts";

/** One run. */
export interface Schedule {
  /** What all further chance of the run is drawn from. */
  seed: number;
  /** Virtual minutes in which faults happen. */
  minutes: number;
  /** Slots in an epoch. */
  slotsPerEpoch: number;
  /** Whether the listener is given genesis and timing, or has to ask. */
  isConfigGiven: boolean;
  /** What the listener asks for. */
  topics: string[];
  /** The listener's cap. */
  maxEventBytes: number;
  /** How long the slow subscribers wait between two values, at most. */
  slowMs: number;
  /** Slot by slot: no block, or one that grows so many blocks below the head. */
  chain: (number | null)[];
  /** The nodes. */
  nodes: NodePlan[];
}

/** A node's habits and its faults. */
export interface NodePlan {
  /** How late it hears of a block, in milliseconds. */
  lagMs: number;
  /** How long an answer takes at most, in milliseconds. */
  latencyMs: number;
  /** What ends its lines. */
  lineEnd: "\n" | "\r\n" | "\r";
  /** What it writes behind a field's colon. */
  space: "" | " ";
  /** Whether its streams begin with a byte order mark. */
  hasBom: boolean;
  /** Whether it writes roots in upper case, keys in another order, and leaves out what is false. */
  isOdd: boolean;
  /** After so much silence it sends a comment; 0: never. */
  keepAliveMs: number;
  /** Whether it sends headers with its first event only. */
  isLateWithHeaders: boolean;
  /** Whether it sends events that nobody asked for. */
  isRude: boolean;
  /** Whether it no longer finds blocks that are off its branch. */
  forgetsOrphans: boolean;
  /** Share of its frames that arrive in pieces. */
  cutShare: number;
  /** Topics that it does not have. */
  unsupported: string[];
  /** How it refuses them: by name, without, or by an empty stream. */
  refusal: "names" | "mute" | "empty";
  /** What a list with commas is to it. */
  commas: "list" | "refused" | "hang";
  /** Slots in which it follows a branch of its own: from, and how many. */
  forks: [from: number, slots: number][];
  /** Its faults. */
  faults: Fault[];
}

/** A fault: when, in milliseconds from the start, and for how long where it lasts. */
export type Fault = { at: number; forMs: number } & FaultKind;

/** What goes wrong. */
export type FaultKind =
  /** No connection. */
  | { kind: "refuse" }
  /** Another status than 200. */
  | {
    kind: "status";
    status: number;
    retryAfter: string | null;
    body: "json" | "huge" | "hang";
    on: "events" | "all";
  }
  /** The answer to the stream's request is of another type. */
  | { kind: "contentType"; type: string }
  /** The stream ends at once. */
  | { kind: "emptyStream" }
  /** The probe is never answered. */
  | { kind: "probeHang" }
  /** The stream's headers never come. */
  | { kind: "headersHang" }
  /** Headers of blocks cannot be had. */
  | { kind: "walkFails"; how: Failure }
  /** Genesis and spec cannot be had. */
  | { kind: "configFails"; how: Failure }
  /** The stream ends, behind such a share of a frame. */
  | { kind: "eof"; part: number }
  /** The stream breaks, behind such a share of a frame; in the same moment, or later. */
  | { kind: "reset"; part: number; isSameTurn: boolean }
  /** Nothing comes any more, behind such a share of a frame. */
  | { kind: "halfOpen"; part: number }
  /** Comments come, events do not; in the end the stream ends. */
  | { kind: "commentsOnly" }
  /** What is sent comes later, all at once. */
  | { kind: "hold" }
  /** Bytes come that make no event; in the end the stream ends. */
  | { kind: "dribble" }
  /** Events whose payload is not what it should be, by their numbers. */
  | { kind: "malformed"; which: number[] }
  /** A head so many slots ahead. */
  | { kind: "future"; slots: number }
  /** A frame breaks off, and others follow. */
  | { kind: "torn"; part: number }
  /** An event of the cap's size and so many bytes more; 0 is still allowed. */
  | { kind: "oversize"; over: number }
  /** A frame of so many caps that does not end until the stream does. */
  | { kind: "endless"; caps: number; then: "eof" | "reset" | "halfOpen" }
  /** A `retry` field. */
  | { kind: "retry"; value: string }
  /** Many events at once. */
  | { kind: "burst"; count: number }
  /** So many events are left out, and a comment says so. */
  | { kind: "dropped"; count: number }
  /** The head goes to another block and back. */
  | { kind: "flip" };

/** How an endpoint fails. */
export type Failure = "status" | "garbage" | "hang" | "refuse";

/** Length of a slot in milliseconds. */
export const SLOT_MS = 12_000;
/** Minutes without faults at the end of each run, in which each node must come back. */
export const QUIET_MINUTES = 7;

/** The schedule of a seed. */
export function randomSchedule(seed: number): Schedule {
  const random = new SeededRandom(seed);
  const minutes = random.integer(2, 16);
  const isConfigGiven = random.chance(0.6);
  const nodes = Array.from(
    { length: random.pick([1, 1, 1, 2, 2, 3]) },
    () => randomNode(random, minutes, isConfigGiven),
  );
  return {
    seed,
    minutes,
    slotsPerEpoch: random.pick([8, 32]),
    isConfigGiven,
    topics: random.pick([
      DEFAULT_TOPICS,
      DEFAULT_TOPICS,
      [...DEFAULT_TOPICS, "finalized_checkpoint"],
      ["head", "chain_reorg"],
    ]),
    maxEventBytes: random.pick([1024, 4096, 65_536]),
    slowMs: random.pick([1000, 20_000, 300_000]),
    chain: randomChain(random, minutes, nodes),
    nodes,
  };
}

const DEFAULT_TOPICS = ["head", "chain_reorg", "block", "block_gossip"];
const SLOTS_PER_MINUTE = 60_000 / SLOT_MS;

function randomNode(
  random: SeededRandom,
  minutes: number,
  isConfigGiven: boolean,
): NodePlan {
  const isPicky = random.chance(0.15);
  return {
    lagMs: random.integer(0, 2000),
    latencyMs: random.pick([5, 50, 900]),
    lineEnd: random.pick(["\n", "\n", "\n", "\r\n", "\r"]),
    space: random.pick(["", " "]),
    hasBom: random.chance(0.1),
    isOdd: random.chance(0.3),
    keepAliveMs: random.pick([0, 15_000, 15_000, 30_000]),
    isLateWithHeaders: random.chance(0.15),
    isRude: random.chance(0.15),
    forgetsOrphans: random.chance(0.15),
    cutShare: random.pick([0, 0.1, 0.5]),
    unsupported: isPicky
      ? random.pick([["block_gossip"], ["block"], ["block", "block_gossip"]])
      : [],
    refusal: random.pick(["names", "mute", "empty"]),
    commas: random.chance(0.04) ? random.pick(["refused", "hang"]) : "list",
    forks: random.chance(0.3)
      ? [[
        random.integer(0, minutes * SLOTS_PER_MINUTE - 1),
        random.integer(1, 12),
      ]]
      : [],
    faults: randomFaults(random, minutes, isConfigGiven),
  };
}

function randomChain(
  random: SeededRandom,
  minutes: number,
  nodes: readonly NodePlan[],
): (number | null)[] {
  const slots = Math.ceil((minutes + QUIET_MINUTES) * SLOTS_PER_MINUTE);
  const chain = Array.from({ length: slots }, () => {
    if (random.chance(0.05)) return null;
    if (random.chance(0.03)) return random.integer(1, 4);
    return random.chance(0.002) ? random.integer(10, 70) : 0;
  });
  // A branch switch while a node is away is what gets lost: so make it likely.
  for (const { at, forMs } of nodes.flatMap(({ faults }) => faults)) {
    if (forMs < SLOT_MS || random.chance(0.5)) continue;
    const slot = Math.floor((at + random.fraction() * forMs) / SLOT_MS);
    if (slot < slots) chain[slot] = random.integer(1, 6);
  }
  return chain;
}

function randomFaults(
  random: SeededRandom,
  minutes: number,
  isConfigGiven: boolean,
): Fault[] {
  const endsAt = minutes * 60_000;
  const count = random.integer(0, random.pick([3, 8, 20]));
  const faults = Array.from({ length: count }, (): Fault => {
    const at = random.integer(0, endsAt - 1);
    const longest = random.pick([1000, 30_000, 200_000]);
    const forMs = Math.min(endsAt - at, random.integer(0, longest));
    return { at, forMs, ...randomFault(random, isConfigGiven) };
  });
  if (random.chance(0.2)) faults.push(...randomFlapping(random, endsAt));
  return faults.sort((one, other) => one.at - other.at);
}

/** Streams that break again and again, while headers are slow to be had. */
function randomFlapping(random: SeededRandom, endsAt: number): Fault[] {
  const startsAt = random.integer(0, endsAt - 1);
  const faults: Fault[] = [];
  let at = startsAt;
  for (let left = random.integer(2, 6); left > 0 && at < endsAt; left--) {
    const part = random.fraction();
    const isSameTurn = false;
    if (random.chance(0.5)) faults.push({ at, forMs: 0, kind: "eof", part });
    else faults.push({ at, forMs: 0, kind: "reset", part, isSameTurn });
    at += random.integer(500, 25_000);
  }
  const forMs = Math.min(at, endsAt) - startsAt;
  if (random.chance(0.6)) {
    faults.push({ at: startsAt, forMs, kind: "walkFails", how: "hang" });
  }
  return faults;
}

function randomFault(random: SeededRandom, isConfigGiven: boolean): FaultKind {
  const part = random.chance(0.4) ? 0 : random.fraction();
  const how = random.pick<Failure>(["status", "garbage", "hang", "refuse"]);
  const faults: (() => FaultKind)[] = [
    () => ({ kind: "refuse" }),
    () => ({ kind: "refuse" }),
    () => ({
      kind: "status",
      status: random.pick([
        204,
        400,
        401,
        403,
        404,
        406,
        409,
        418,
        429,
        429,
        500,
        502,
        503,
        503,
      ]),
      retryAfter: random.pick([
        null,
        "0",
        "1",
        "120",
        "999999999",
        "soon",
        "-5",
      ]),
      body: random.pick(["json", "huge", "hang"]),
      on: random.pick(["events", "all"]),
    }),
    () => ({
      kind: "contentType",
      type: random.pick([
        "text/html",
        "application/json",
        "",
        "text/event-streams",
      ]),
    }),
    () => ({
      kind: "status",
      status: random.pick([429, 503]),
      retryAfter: random.pick(["1", "120", "999999999"]),
      body: "json",
      on: "events",
    }),
    () => ({ kind: "emptyStream" }),
    () => ({ kind: "probeHang" }),
    () => ({ kind: "headersHang" }),
    () => ({ kind: "walkFails", how }),
    () =>
      isConfigGiven ? { kind: "walkFails", how } : { kind: "configFails", how },
    () => ({ kind: "eof", part }),
    () => ({ kind: "reset", part, isSameTurn: random.chance(0.3) }),
    () => ({ kind: "reset", part, isSameTurn: false }),
    () => ({ kind: "halfOpen", part }),
    () => ({ kind: "commentsOnly" }),
    () => ({ kind: "hold" }),
    () => ({ kind: "dribble" }),
    () => ({
      kind: "malformed",
      which: Array.from(
        { length: random.integer(1, 4) },
        () => random.integer(0, 1000),
      ),
    }),
    // Without a clock it would be valid, and when a clock is known is up to the listener.
    () =>
      isConfigGiven
        ? { kind: "future", slots: random.pick([80, 100_000]) }
        : { kind: "refuse" },
    () => ({ kind: "torn", part: random.fraction() }),
    () => ({ kind: "oversize", over: random.pick([0, 1, 1, 100, 100_000]) }),
    () => ({
      kind: "endless",
      caps: random.pick([0.5, 1.5, 4]),
      then: random.pick(["eof", "reset", "halfOpen"]),
    }),
    () => ({
      kind: "retry",
      value: random.pick([
        "0",
        "1",
        "5000",
        "99999999999999999999",
        "-1",
        "soon",
        "",
      ]),
    }),
    () => ({ kind: "burst", count: random.pick([5, 50, 1500]) }),
    () => ({ kind: "dropped", count: random.integer(1, 12) }),
    () => ({ kind: "dropped", count: random.integer(1, 12) }),
    () => ({ kind: "flip" }),
  ];
  return random.pick(faults)();
}
