/**
 * The block tree behind a simulated beacon node: blocks, the head and its
 * branch, finality, and what the Beacon API derives from them.
 */

import { seededWords, takeHex } from "./random.ts";

/** How many epochs of blocks are kept; older ones answer 404, except genesis. */
const RETAINED_EPOCHS = 32;
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

/** A block whose roots follow from its place in the tree; siblings of a slot differ by the salt. */
export function deriveBlock(
  slot: number,
  parentRoot: string,
  salt: number | string,
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

/** An epoch together with the block that stood at its start. */
export interface SimulatedCheckpoint {
  /** The epoch. */
  readonly epoch: number;
  /** The newest block at or before the first slot of the epoch. */
  readonly block: SimulatedBlock;
}

/** A change of the head to another branch. */
export interface SimulatedReorg {
  /** Slot of the new head. */
  readonly slot: number;
  /** Slots from the common ancestor up to the new head: `slot - depth` is the ancestor's slot. */
  readonly depth: number;
  /** Epoch of the new head. */
  readonly epoch: number;
  /** The head that was left. */
  readonly oldHead: SimulatedBlock;
  /** The head now. */
  readonly newHead: SimulatedBlock;
  /** The newest block that both branches have. */
  readonly commonAncestor: SimulatedBlock;
}

/** What changed with the head. */
export interface HeadChange {
  /** Whether the new head is the first of its epoch. */
  epochTransition: boolean;
  /** Set where the old head is not an ancestor of the new one. */
  reorg: SimulatedReorg | undefined;
  /** Set where the new head finalized another epoch. */
  finalized: SimulatedCheckpoint | undefined;
}

/** Options for {@linkcode SimulatedChain}. */
export interface SimulatedChainOptions {
  /** Decides every root. */
  seed: number;
  /** Length of an epoch in slots. */
  slotsPerEpoch: number;
  /**
   * Slot of the oldest block known besides genesis, for a chain that is too
   * long to be built from its genesis.
   * @default {0}
   */
  anchorSlot?: number;
}

/** A tree of blocks with one branch that is canonical: the one that ends at the head. */
export class SimulatedChain {
  /** Length of an epoch in slots. */
  readonly slotsPerEpoch: number;
  readonly #blocks = new Map<string, SimulatedBlock>();
  readonly #bySlot = new Map<number, SimulatedBlock[]>();
  #genesis!: SimulatedBlock;
  #validatorsRoot!: string;
  #head!: SimulatedBlock;
  #finalized!: SimulatedCheckpoint;

  constructor({ slotsPerEpoch, ...options }: SimulatedChainOptions) {
    this.slotsPerEpoch = slotsPerEpoch;
    this.#validatorsRoot = takeHex(seededWords(options.seed, "validators"), 32);
    this.restart(options);
  }

  /** The block of slot 0. */
  get genesis(): SimulatedBlock {
    return this.#genesis;
  }

  /** Root of the validators at genesis: by which chains differ. */
  get validatorsRoot(): string {
    return this.#validatorsRoot;
  }

  /** Begins again with another genesis block, and forgets all that was; `validatorsRoot` may change too. */
  restart(
    { seed, anchorSlot = 0, validatorsRoot = this.#validatorsRoot }: {
      seed: number | string;
      anchorSlot?: number;
      validatorsRoot?: string;
    },
  ): void {
    this.#validatorsRoot = validatorsRoot;
    this.#blocks.clear();
    this.#bySlot.clear();
    this.#genesis = deriveBlock(0, `0x${"0".repeat(64)}`, seed);
    this.#remember(this.#genesis);
    this.#head = this.#genesis;
    if (anchorSlot > 0) {
      const unknownParent = takeHex(
        seededWords(seed, "anchor", anchorSlot),
        32,
      );
      this.#head = deriveBlock(anchorSlot, unknownParent, seed);
      this.#remember(this.#head);
    }
    const block = this.#head;
    this.#finalized = { epoch: this.epochAt(block.slot), block };
  }

  /** The newest block of the canonical branch. */
  get head(): SimulatedBlock {
    return this.#head;
  }

  /** The newest checkpoint that no reorg can undo: two epochs behind the head. */
  get finalized(): SimulatedCheckpoint {
    return this.#finalized;
  }

  /** The epoch of a slot. */
  epochAt(slot: number): number {
    return Math.floor(slot / this.slotsPerEpoch);
  }

  /** Adds a block on top of another one; the head stays as it is. Without a salt, each call adds another block. */
  add(slot: number, parent: SimulatedBlock, salt?: string): SimulatedBlock {
    if (slot <= parent.slot) {
      throw new RangeError(
        `Cannot add a block: slot must be after its parent's slot ${parent.slot}, got ${slot}`,
      );
    }
    const { block } = this.#finalized;
    if (
      parent.slot < block.slot || this.ancestorAt(parent, block.slot) !== block
    ) {
      throw new RangeError(
        `Cannot add a block: parent must descend from the finalized block at slot ${block.slot}, got the block at slot ${parent.slot}`,
      );
    }
    const twins = this.blocksAt(slot).filter((twin) =>
      twin.parentRoot === parent.root
    );
    const added = deriveBlock(slot, parent.root, salt ?? twins.length);
    const known = this.byRoot(added.root);
    if (!known) this.#remember(added);
    return known ?? added;
  }

  /** Makes a block the head. */
  setHead(head: SimulatedBlock): HeadChange {
    const oldHead = this.#head;
    const commonAncestor = this.commonAncestor(oldHead, head);
    this.#head = head;
    const { slot } = head;
    const epoch = this.epochAt(slot);
    const finalized = epoch - 2 > this.#finalized.epoch
      ? this.checkpoint(head, epoch - 2)
      : undefined;
    if (finalized) {
      this.#finalized = finalized;
      const retained = slot - RETAINED_EPOCHS * this.slotsPerEpoch;
      // After a long gap even the finalized block is old, and still needed.
      this.#forgetBefore(Math.min(retained, finalized.block.slot));
    }
    return {
      epochTransition: epoch > this.epochAt(oldHead.slot),
      reorg: commonAncestor === oldHead ? undefined : {
        slot,
        depth: slot - commonAncestor.slot,
        epoch,
        oldHead,
        newHead: head,
        commonAncestor,
      },
      finalized,
    };
  }

  /** The block with this root, on any branch. */
  byRoot(root: string): SimulatedBlock | undefined {
    return this.#blocks.get(root.toLowerCase());
  }

  /** All blocks that are known, on any branch. */
  blocks(): SimulatedBlock[] {
    return [...this.#blocks.values()];
  }

  /** The blocks of a slot, on any branch, oldest first. */
  blocksAt(slot: number): readonly SimulatedBlock[] {
    return this.#bySlot.get(slot) ?? [];
  }

  /** The block of a slot on the canonical branch. */
  canonicalAt(slot: number): SimulatedBlock | undefined {
    return this.blocksAt(slot).find((block) => this.isCanonical(block));
  }

  /** Whether a block is on the branch of the head. */
  isCanonical(block: SimulatedBlock): boolean {
    return block === this.genesis ||
      this.ancestorAt(this.#head, block.slot) === block;
  }

  /** The newest block at or before a slot on the branch of a block, itself included. */
  ancestorAt(block: SimulatedBlock, slot: number): SimulatedBlock {
    let ancestor = block;
    while (ancestor.slot > slot) {
      const parent = this.#blocks.get(ancestor.parentRoot);
      if (!parent) return ancestor; // older ones are forgotten
      ancestor = parent;
    }
    return ancestor;
  }

  /** An epoch with the block at its start, on the branch of a block. */
  checkpoint(block: SimulatedBlock, epoch: number): SimulatedCheckpoint {
    return { epoch, block: this.ancestorAt(block, epoch * this.slotsPerEpoch) };
  }

  /**
   * The root that the duties of an epoch depend on, on the branch of a block:
   * that of the last block before the epoch, and of genesis where there is none.
   */
  dependentRoot(block: SimulatedBlock, epoch: number): string {
    return epoch <= 0
      ? this.genesis.root
      : this.ancestorAt(block, epoch * this.slotsPerEpoch - 1).root;
  }

  /** The newest block that is on the branches of both. */
  commonAncestor(one: SimulatedBlock, other: SimulatedBlock): SimulatedBlock {
    while (one !== other) {
      if (one.slot > other.slot) one = this.ancestorAt(one, other.slot);
      else if (other.slot > one.slot) other = this.ancestorAt(other, one.slot);
      else one = this.ancestorAt(one, one.slot - 1);
    }
    return one;
  }

  #remember(block: SimulatedBlock): void {
    this.#blocks.set(block.root, block);
    this.#bySlot.set(block.slot, [...this.blocksAt(block.slot), block]);
  }

  #forgetBefore(slot: number): void {
    for (const [old, blocks] of this.#bySlot) {
      if (old >= slot || old === 0) continue;
      this.#bySlot.delete(old);
      for (const { root } of blocks) this.#blocks.delete(root);
    }
  }
}
