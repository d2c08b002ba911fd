/** What can happen to a node's chain and clock, declared. */

import {
  declare,
  type FaultBase,
  FLAG,
  integer,
  required,
} from "./declaration.ts";

/**
 * A branch switch while away: all event streams end, the chain reorgs while
 * there is no stream, and new streams are accepted; all of it at once.
 */
export interface BranchSwitchFault extends FaultBase<"branch-switch"> {
  /** How many slots below the head the branches part, as in {@linkcode SimulatedBeaconNode.reorg}. Default: `1`. */
  depth?: number;
}

/** The head goes to a block beside it, and back at once: two reorgs. */
export type FlipFault = FaultBase<"flip">;

/** The node follows a branch of its own; healed, it comes back by a reorg with the next block. */
export type OwnBranchFault = FaultBase<"own-branch">;

/**
 * A clock that is wrong: the node's slots begin too early or too late.
 *
 * A clock set forward leaves the slots in between empty. Once it is right
 * again, the chain stands still until it is past the slots that came early.
 */
export interface ClockSkewFault extends FaultBase<"clock-skew"> {
  /** How far the clock is ahead in milliseconds, up to a day; negative: behind. */
  byMs: number;
}

/**
 * The chain begins again under the same address, as test networks do: all
 * event streams end, genesis is now, and the blocks of before are not found.
 */
export interface NewChainFault extends FaultBase<"new-chain"> {
  /** Whether `genesis_validators_root` stays, as on development chains. Default: `false`. */
  sameRoot?: boolean;
  /** How many seconds from now the genesis is, rounded up to a whole second. Default: `0`. */
  inSeconds?: number;
}

/**
 * An execution layer that is behind: each event comes with
 * `execution_optimistic: true`, and once more when the block is verified.
 */
export interface OptimisticFault extends FaultBase<"optimistic"> {
  /** After how many milliseconds a block is verified. Default: `1000`. */
  ms?: number;
}

/** A node that was behind and catches up: it reports the blocks of so many slots again, each as its head, oldest first. */
export interface CatchUpFault extends FaultBase<"catch-up"> {
  /** How many slots back it begins. */
  slots: number;
}

/** Many `block_gossip` events at once, of blocks beside the head. */
export interface BurstFault extends FaultBase<"burst"> {
  /** How many. */
  events: number;
}

/** Something that happens to the node's chain or clock. */
export type ChainFault =
  | BranchSwitchFault
  | FlipFault
  | OwnBranchFault
  | ClockSkewFault
  | NewChainFault
  | OptimisticFault
  | CatchUpFault
  | BurstFault;

const ANY = Number.MAX_SAFE_INTEGER;

/** What can happen to the chain and the clock. */
export const CHAIN_FAULTS = {
  "branch-switch": declare<BranchSwitchFault>("branch-switch", {
    depth: integer(1, ANY, [1, 3]),
  }),
  flip: declare<FlipFault>("flip", {}),
  "own-branch": declare<OwnBranchFault>("own-branch", {}),
  "clock-skew": declare<ClockSkewFault>("clock-skew", {
    byMs: required(integer(-86_400_000, 86_400_000, [-5_000, 5_000])),
  }),
  "new-chain": declare<NewChainFault>("new-chain", {
    sameRoot: FLAG,
    inSeconds: integer(0, 86_400, [0, 60]),
  }),
  optimistic: declare<OptimisticFault>("optimistic", {
    ms: integer(0, 86_400_000, [0, 20_000]),
  }),
  "catch-up": declare<CatchUpFault>("catch-up", {
    slots: required(integer(1, 4_096, [1, 200])),
  }),
  burst: declare<BurstFault>("burst", {
    events: required(integer(1, 100_000, [5, 1_500])),
  }),
};
