/** A block of the simulated chain, and how its roots come about. */

import { seededWords, takeHex } from "../node/random.ts";

/** How many validators there are to propose blocks. */
const VALIDATOR_COUNT = 1024;

/** A block of the simulated chain. */
export interface SimulatedBlock {
  /** The slot that the block was proposed for. */
  readonly slot: number;
  /** Its root, `0x` and 64 hexadecimal digits; depends on all its ancestors. */
  readonly root: string;
  /** Root of the block that it builds on. */
  readonly parentRoot: string;
  /** Root of the state after it. */
  readonly stateRoot: string;
  /** Root of its body. */
  readonly bodyRoot: string;
  /** Index of the validator that proposed it. */
  readonly proposerIndex: number;
}

/** A block whose roots follow from its place in the tree; the salt tells siblings of a slot apart. */
export function deriveBlock(
  slot: number,
  parentRoot: string,
  salt: number,
): SimulatedBlock {
  const next = seededWords(parentRoot, slot, salt);
  return {
    slot,
    root: takeHex(next, 32),
    parentRoot,
    stateRoot: takeHex(next, 32),
    bodyRoot: takeHex(next, 32),
    proposerIndex: next() % VALIDATOR_COUNT,
  };
}
