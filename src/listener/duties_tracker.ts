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
  /** Epoch of the head. */
  epoch: number;
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
  readonly #byNode: Map<number, string>[];

  /** @param nodes How many nodes there are. */
  constructor(nodes: number) {
    this.#byNode = Array.from({ length: nodes }, () => new Map());
  }

  /** Takes a head of a node; returns what it changes. */
  onHead(index: number, node: string, roots: DutyRoots): DutiesChanged[] {
    const { slot, epoch, ofEpoch, ofNextEpoch } = roots;
    const changes: DutiesChanged[] = [];
    for (
      const [dutyEpoch, root] of [[epoch, ofEpoch], [
        epoch + 1,
        ofNextEpoch,
      ]] as const
    ) {
      const own = this.#byNode[index]!;
      if (root === undefined || own.get(dutyEpoch) === root) continue;
      remember(own, dutyEpoch, root);
      const previousRoot = this.#told.get(dutyEpoch);
      if (previousRoot === root) continue;
      remember(this.#told, dutyEpoch, root);
      if (previousRoot === undefined) continue;
      changes.push({
        epoch: dutyEpoch,
        dependentRoot: root,
        previousRoot,
        slot,
        node,
      });
    }
    return changes;
  }
}

const EPOCHS_REMEMBERED = 8;

/** Keeps the latest epochs; a node that jumps around cannot make the map grow. */
function remember(
  roots: Map<number, string>,
  epoch: number,
  root: string,
): void {
  roots.set(epoch, root);
  if (roots.size > EPOCHS_REMEMBERED) roots.delete(Math.min(...roots.keys()));
}
