/** What can happen to a node's chain and clock, as plain data. */

/**
 * A branch switch while away: all event streams end, the chain reorgs while
 * nobody is connected, and streams are taken again; all of it at once.
 */
export interface BranchSwitchFault {
  /** Tells the faults apart. */
  type: "branch-switch";
  /**
   * How many slots below the head the branches part, as in
   * {@linkcode SimulatedBeaconNode.reorg}.
   *
   * @default {1}
   */
  depth?: number;
}

/**
 * A clock that is wrong: the node's slots begin too early or too late.
 *
 * A clock set forward leaves the slots in between empty. Once it is right
 * again, the chain stands still until it is past the slots that came early.
 */
export interface ClockSkewFault {
  /** Tells the faults apart. */
  type: "clock-skew";
  /** How far the clock is ahead in milliseconds, up to a day; negative: behind. */
  byMs: number;
}
