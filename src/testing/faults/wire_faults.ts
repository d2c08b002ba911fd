/** What a network can do to a connection, declared. */

import {
  count,
  counted,
  declare,
  type FaultBase,
  FLAG,
  integer,
} from "./declaration.ts";

/** How many connections a fault strikes. */
export interface WireFaultScope<T extends string> extends FaultBase<T> {
  /**
   * How many connections it strikes: those that are open, then those that
   * come. A client may send several requests over one connection; in memory,
   * each request has its own.
   * Default: `Infinity`.
   */
  times?: number;
}

/** Where on its way to the client a fault strikes. */
export interface WireFaultPoint<T extends string = string>
  extends WireFaultScope<T> {
  /**
   * How many bytes the client still gets; counted from the beginning of a
   * connection, headers included, and on an open one from the fault's. In
   * memory, where headers have no bytes, those of the body count.
   * Default: `0`.
   */
  afterBytes?: number;
  /** Whether more bytes pass, up to the middle of the next `data:` line. Default: `false`. */
  inMidLine?: boolean;
}

/** The port is closed: connecting is refused, open connections are reset. When it is healed, the port is the same. */
export type RefuseFault = FaultBase<"refuse">;

/** Accepted, and closed without an answer; open connections are closed too. */
export type SlamFault = WireFaultScope<"slam">;

/** A true reset (RST). */
export type ResetFault = WireFaultPoint<"reset">;

/** A clean end of the TCP connection (FIN), which may be in the middle of an HTTP body. */
export type CutFault = WireFaultPoint<"cut">;

/**
 * A connection that is dead on one side: requests arrive, but nothing more is
 * delivered, and no side closes it. It stays dead when the fault is healed.
 */
export type HalfOpenFault = WireFaultPoint<"half-open">;

/** A pause, once on each connection, after which everything arrives. */
export interface StallFault extends WireFaultPoint<"stall"> {
  /** How long, in milliseconds. Default: Infinity, which is until it is healed. */
  ms?: number;
}

/** Bytes that come a few at a time: on a node's event streams, or on all that passes the wire. */
export interface DripFault extends WireFaultScope<"drip"> {
  /** How many bytes at a time. Default: `1`. */
  bytes?: number;
  /** Pause after each, in milliseconds. Without a pause, 0, the client may get several of them at once. Default: `1`. */
  intervalMs?: number;
}

/** A proxy that buffers: bytes are held back until so many have come together, or the connection ends. */
export interface BufferFault extends WireFaultScope<"buffer"> {
  /** How many. Default: Infinity, which is until it is healed. */
  bytes?: number;
}

/** What a network can do to the bytes of any node. */
export type WireFault =
  | RefuseFault
  | SlamFault
  | ResetFault
  | CutFault
  | HalfOpenFault
  | StallFault
  | DripFault
  | BufferFault;

const point = {
  afterBytes: integer(0, Number.MAX_SAFE_INTEGER, [0, 4_096]),
  inMidLine: FLAG,
};

/** What a network can do. */
export const WIRE_FAULTS = {
  refuse: declare<RefuseFault>("refuse", {}),
  slam: counted<SlamFault>("slam", {}),
  reset: counted<ResetFault>("reset", point),
  cut: counted<CutFault>("cut", point),
  "half-open": counted<HalfOpenFault>("half-open", point),
  stall: counted<StallFault>("stall", { ...point, ms: count(0, [1, 5_000]) }),
  drip: counted<DripFault>("drip", {
    bytes: integer(1, Number.MAX_SAFE_INTEGER, [1, 16]),
    intervalMs: integer(0, 86_400_000, [0, 5]),
  }),
  buffer: counted<BufferFault>("buffer", {
    bytes: count(1, [512, 16_384]),
  }),
};
