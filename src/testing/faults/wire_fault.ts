/** What a network can do to a TCP connection, as plain data. */

/** How many connections a fault strikes. */
export interface WireFaultScope {
  /**
   * How many connections it strikes: those that are open, then those that
   * come. A client may send several requests over one connection.
   *
   * @default {Infinity}
   */
  times?: number;
}

/** Where on its way to the client a fault strikes. */
export interface WireFaultPoint extends WireFaultScope {
  /**
   * How many bytes the client still gets, headers included; counted from the
   * beginning of a connection, and on an open one from the fault's.
   *
   * @default {0}
   */
  afterBytes?: number;
  /**
   * Whether more bytes pass, up to the middle of the next `data:` line.
   *
   * @default {false}
   */
  inMidLine?: boolean;
}

/** Nobody listens: connecting is refused, open connections are reset. When it is healed, the port is the same. */
export interface RefuseFault {
  /** Tells the faults apart. */
  type: "refuse";
}

/** Accepted, and closed without an answer; open connections are closed too. */
export interface SlamFault extends WireFaultScope {
  /** Tells the faults apart. */
  type: "slam";
}

/** A true reset (RST). */
export interface ResetFault extends WireFaultPoint {
  /** Tells the faults apart. */
  type: "reset";
}

/** A clean end of the TCP connection (FIN), which may be in the middle of an HTTP body. */
export interface CutFault extends WireFaultPoint {
  /** Tells the faults apart. */
  type: "cut";
}

/**
 * A connection that is dead on one side: requests arrive, but nothing more is
 * delivered, and nobody closes. It stays dead when the fault is healed.
 */
export interface HalfOpenFault extends WireFaultPoint {
  /** Tells the faults apart. */
  type: "half-open";
}

/** A pause, once on each connection, after which everything arrives. */
export interface StallFault extends WireFaultPoint {
  /** Tells the faults apart. */
  type: "stall";
  /**
   * How long, in milliseconds.
   *
   * @default {Infinity, which is until it is healed}
   */
  ms?: number;
}

/** Bytes that come a few at a time: on a node's event streams, or on all that passes a proxy. */
export interface DripFault extends WireFaultScope {
  /** Tells the faults apart. */
  type: "drip";
  /**
   * How many bytes at a time.
   *
   * @default {1}
   */
  bytes?: number;
  /**
   * Pause after each, in milliseconds. Without a pause, 0, the client may get
   * several of them at once.
   *
   * @default {1}
   */
  intervalMs?: number;
}
