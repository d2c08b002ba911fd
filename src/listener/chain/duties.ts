/** The validators' duties of an epoch have changed: they must be requested again. */
export interface DutiesChanged {
  /** The epoch whose attester duties have changed. */
  epoch: number;
  /** The root that they depend on now: the last block before the epoch ahead of `epoch`. */
  dependentRoot: string;
  /** The root that they depended on before. */
  previousRoot: string;
  /** Slot of the head that showed it. */
  slot: number;
  /** Name of the node. */
  node: string;
}

export interface DutyRoots {
  slot: number;
  /** `previous_duty_dependent_root`, or `current_epoch_dependent_root` of `head_v2`. */
  ofEpoch?: string;
  /** `current_duty_dependent_root`, or `next_epoch_dependent_root` of `head_v2`. */
  ofNextEpoch?: string;
}

interface DutyHead {
  node: string;
  /** The roots that the node reported before, by epoch; the tracker updates them. */
  own: Map<number, string>;
  epoch: number;
  head: DutyRoots;
  /**
   * A block before the epoch that was the node's head, where the new head is on another branch. The
   * next epoch's duties depended on it until now.
   */
  left?: string | undefined;
}

/**
 * Compares each head's dependent roots with those known before. A change is reported once: when a
 * node reports another root than it did before, or is the first to report another root than the
 * other nodes. Nodes that go on disagreeing do not report the change again and again.
 */
export class DutiesTracker {
  readonly #last = new Map<number, string>();
  /** The block on which an epoch's duties depended until a reorg in the first slots before it. */
  readonly #left = new Map<number, string>();

  onHead({ node, own, epoch, head, left }: DutyHead): readonly DutiesChanged[] {
    const { slot, ofEpoch, ofNextEpoch } = head;
    if (
      left === undefined && own.get(epoch) === ofEpoch &&
      own.get(epoch + 1) === ofNextEpoch
    ) return NO_CHANGES;
    if (
      left !== undefined && isKnown(ofNextEpoch) && left !== ofNextEpoch &&
      this.#left.get(epoch + 1) !== left
    ) {
      remember(this.#left, epoch + 1, left);
      if ((this.#last.get(epoch + 1) ?? ofNextEpoch) === ofNextEpoch) {
        own.delete(epoch + 1);
        this.#last.set(epoch + 1, left);
      }
    }
    const changes: DutiesChanged[] = [];
    for (const dutyEpoch of [epoch, epoch + 1]) {
      const dependentRoot = dutyEpoch === epoch ? ofEpoch : ofNextEpoch;
      if (!isKnown(dependentRoot)) continue;
      if (own.get(dutyEpoch) === dependentRoot) continue;
      remember(own, dutyEpoch, dependentRoot);
      const previousRoot = this.#last.get(dutyEpoch);
      if (previousRoot === dependentRoot) continue;
      remember(this.#last, dutyEpoch, dependentRoot);
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
}

/** Some clients report zeros where the root is that of the genesis block. */
function isKnown(root: string | undefined): root is string {
  return root !== undefined && root !== ZERO_ROOT;
}

const ZERO_ROOT = `0x${"0".repeat(64)}`;
const EPOCHS_REMEMBERED = 8;
/** For almost every head; not a new array for each of them. */
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
