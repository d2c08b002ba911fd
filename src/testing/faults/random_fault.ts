/** Random options for a fault of each type. */

import type { Fault, FaultOf } from "./fault.ts";

/** A source of random choices. */
export interface RandomDraw {
  /** An integer from one to another, both included. */
  integer(min: number, max: number): number;
  /** One of several values. */
  one<T>(values: readonly T[]): T;
  /** One of two. */
  isTrue(): boolean;
}

/** A fault of a type, with options that a test can afford. */
export function randomFault(type: Fault["type"], draw: RandomDraw): Fault {
  return DRAWS[type](draw);
}

/** How options are drawn. Counts and bytes are small, so that a schedule of thousands is played in time. */
const DRAWS: { [T in Fault["type"]]: (draw: RandomDraw) => FaultOf<Fault, T> } =
  {
    status: (draw) => ({
      type: "status",
      status: draw.one([
        200,
        204,
        301,
        400,
        401,
        403,
        404,
        429,
        500,
        501,
        502,
        503,
        504,
      ]),
      endpoint: draw.one([
        "events",
        "events",
        "all",
        "headers",
        "syncing",
        "genesis",
      ]),
      ...draw.isTrue() &&
        { body: draw.one(["", "busy", "<html>", `{"code":"x"}`]) },
      ...draw.isTrue() && { bodyBytes: draw.integer(0, 2 ** 21) },
      ...draw.isTrue() && { retryAfter: draw.one(["0", "1", "86400", "soon"]) },
    }),
    hang: (draw) => ({
      type: "hang",
      endpoint: draw.one([
        "events",
        "events",
        "all",
        "headers",
        "syncing",
        "genesis",
      ]),
    }),
    empty: () => ({ type: "empty" }),
    "content-type": (draw) => ({
      type: "content-type",
      contentType: draw.one([
        "text/html",
        "application/json",
        "text/event-streams",
        "",
      ]),
    }),
    "late-headers": () => ({ type: "late-headers" }),
    "other-chain": () => ({ type: "other-chain" }),
    "refuse-topics": (draw) => ({
      type: "refuse-topics",
      topics: draw.one([["block_gossip"], ["head_v2"], [
        "chain_reorg",
        "block_gossip",
      ], ["head"]]),
      answer: draw.one(["named", "unnamed", "empty"]),
    }),
    "joined-topics": (draw) => ({
      type: "joined-topics",
      answer: draw.one(["named", "unnamed", "hang"]),
    }),
    "repeated-topics": () => ({ type: "repeated-topics" }),
    "wire-form": (draw) => ({
      type: "wire-form",
      lineEnd: draw.one(["lf", "crlf", "cr"]),
      space: draw.isTrue(),
      bom: draw.isTrue(),
    }),
    silence: (draw) => ({ type: "silence", comments: draw.isTrue() }),
    drop: (draw) => ({ type: "drop", events: draw.integer(1, 20) }),
    malformed: () => ({ type: "malformed" }),
    retry: (draw) => ({
      type: "retry",
      value: draw.one([
        "0",
        "1",
        "3600000",
        "99999999999999999999",
        "-1",
        "soon",
        "",
      ]),
    }),
    "endless-frame": (draw) => ({
      type: "endless-frame",
      bytes: draw.integer(1, 2 ** 24),
      prefix: draw.one(["data:", "data:", ":", "nonsense", "nonsense:"]),
    }),
    "giant-event": (draw) => ({
      type: "giant-event",
      indices: draw.one([1_000, 30_000, 131_072]),
    }),
    "future-slot": (draw) => ({
      type: "future-slot",
      slots: draw.one([1_000, 1_000_000, Number.MAX_SAFE_INTEGER]),
    }),
    "deep-reorg": (draw) => ({
      type: "deep-reorg",
      depth: draw.one(["18446744073709551614", "9007199254740991", "-1"]),
    }),
    disconnect: (draw) => ({ type: "disconnect", inMidLine: draw.isTrue() }),
    "branch-switch": (draw) => ({
      type: "branch-switch",
      depth: draw.integer(1, 3),
    }),
    "clock-skew": (draw) => ({
      type: "clock-skew",
      byMs: draw.integer(1, 5_000) * draw.one([1, -1]),
    }),
    refuse: () => ({ type: "refuse" }),
    slam: () => ({ type: "slam" }),
    reset: (draw) => ({ type: "reset", ...randomPoint(draw) }),
    cut: (draw) => ({ type: "cut", ...randomPoint(draw) }),
    "half-open": (draw) => ({ type: "half-open", ...randomPoint(draw) }),
    stall: (draw) => ({
      type: "stall",
      ...randomPoint(draw),
      ms: draw.integer(1, 5_000),
    }),
    drip: (draw) => ({
      type: "drip",
      bytes: draw.integer(1, 16),
      intervalMs: draw.integer(0, 5),
    }),
  };

function randomPoint(
  draw: RandomDraw,
): { afterBytes: number; inMidLine: boolean } {
  return {
    afterBytes: draw.one([0, draw.integer(1, 4_096)]),
    inMidLine: draw.isTrue(),
  };
}
