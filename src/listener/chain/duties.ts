/** Duties that are no longer what they were, told by the dependent roots of heads. */

/** The validators' duties of an epoch have changed: they must be asked for again. */
export interface DutiesChanged {
  /** The epoch whose attester duties have changed. */
  epoch: number;
  /** The root that they depend on now: the last block before the epoch ahead of `epoch`. */
  dependentRoot: string;
  /** The root that they depended on before. */
  previousRoot: string;
  /** Slot of the head that told of it. */
  slot: number;
  /** Name of the node. */
  node: string;
}

/** What a head says of duties. */
export interface DutyRoots {
  /** Slot of the head. */
  slot: number;
  /** `previous_duty_dependent_root`, or `current_epoch_dependent_root` of `head_v2`. */
  ofEpoch?: string;
  /** `current_duty_dependent_root`, or `next_epoch_dependent_root` of `head_v2`. */
  ofNextEpoch?: string;
}

/**
 * Compares each head's dependent roots with those told before. A change is told once: when a node
 * changes its own mind, or first speaks of an epoch otherwise than the others. Nodes that go on
 * disagreeing say nothing new, so their heads do not tell the change again and again.
 */
export class DutiesTracker {
  /** The root told last, by epoch. */
  readonly #told = new Map<number, string>();
  /** Each node's own, by epoch. */
  readonly #byNode = new Map<string, Map<number, string>>();

  /** Takes a head, of that epoch, of a node; returns what it changes. */
  onHead(
    node: string,
    epoch: number,
    { slot, ofEpoch, ofNextEpoch }: DutyRoots,
  ): readonly DutiesChanged[] {
    const own = this.#rootsOf(node);
    if (own.get(epoch) === ofEpoch && own.get(epoch + 1) === ofNextEpoch) {
      return NO_CHANGES;
    }
    const changes: DutiesChanged[] = [];
    for (const dutyEpoch of [epoch, epoch + 1]) {
      const dependentRoot = dutyEpoch === epoch ? ofEpoch : ofNextEpoch;
      if (dependentRoot === undefined) continue;
      const previousRoot = this.#change(own, dutyEpoch, dependentRoot);
      if (previousRoot === undefined) continue;
      changes.push({
        epoch: dutyEpoch,
        dependentRoot,
        previousRoot,
        slot,
        node,
      });
    }
    return changes;
  }

  /** Forgets the roots of a node. */
  forget(node: string): void {
    this.#byNode.delete(node);
  }

  #rootsOf(node: string): Map<number, string> {
    let own = this.#byNode.get(node);
    if (own === undefined) this.#byNode.set(node, own = new Map());
    return own;
  }

  /** Returns the root told before, if this one is news and another one was told. */
  #change(
    own: Map<number, string>,
    epoch: number,
    root: string,
  ): string | undefined {
    if (own.get(epoch) === root) return undefined;
    remember(own, epoch, root);
    const previousRoot = this.#told.get(epoch);
    if (previousRoot === root) return undefined;
    remember(this.#told, epoch, root);
    return previousRoot;
  }
}

const EPOCHS_REMEMBERED = 8;
/** What almost every head says; not a new array for each of them. */
const NO_CHANGES: readonly DutiesChanged[] = [];

/** Keeps the latest epochs; a node that jumps around cannot make the map grow. */
function remember(
  roots: Map<number, string>,
  epoch: number,
  root: string,
): void {
  roots.set(epoch, root);
  if (roots.size > EPOCHS_REMEMBERED) roots.delete(Math.min(...roots.keys()));
}
