/** What one node has reported of the chain, and what of it waits. Only the actor changes it. */

import { lastStageOf } from "../../beacon/events/event_identity.ts";
import type { HeldEvents } from "./held_events.ts";
import { Branch, type KnownBlock } from "./branch.ts";
import type { ReportedHead } from "./head.ts";

/** A stretch of the chain of which events may be missing. */
export interface Gap {
  /** The last head before it; `undefined` where it begins with the listener. */
  from: ReportedHead | undefined;
  /** The branch up to that. */
  branch: readonly KnownBlock[];
  /** The first head behind it. */
  end?: KnownBlock;
}

/** A new chain gets a new one. */
export class NodeChain {
  /** Ends the requests for its reorgs. */
  readonly ended: AbortController = new AbortController();
  head: ReportedHead | undefined;
  /** The head before it. */
  before: KnownBlock | undefined;
  /** The head that the node left with its last reorg. */
  leftRoot: string | undefined;
  /** The head that was left so, and the slot of the one that took its place, where no head reported that. */
  switched: { from: KnownBlock; slot: number } | undefined;
  /** What may be missing, until the way over it is found. */
  gap: Gap | undefined;
  /** Whether the block of the next head may be missing alone: it may have come before the stream was open. */
  mayLackBlock = false;
  readonly branch: Branch = new Branch();
  /** Events that wait until earlier ones are recovered; `undefined` where none has to wait. */
  held: HeldEvents | undefined;
  /** The dependent roots that the node reported last, by epoch. */
  readonly dutyRoots: Map<number, string> = new Map();
  // See `ComparedNode`.
  comparedSlot = -1;
  behindUntil = -1;
  /** Epoch of the last finalized checkpoint that the node reported. */
  finalizedEpoch: number | undefined;
  /** How far verified its latest heads were reported that are not verified yet, by topic and root. */
  readonly #stages = new Map<string, number>();
  /** When a head was recovered that the node's own heads may still come up to. */
  recoveredAt: number | undefined;

  moveTo(head: ReportedHead): void {
    if (this.head?.root !== head.root) this.before = this.head;
    if (this.gap !== undefined) this.gap.end ??= head;
    this.head = head;
    this.branch.add(head);
  }

  /**
   * Whether a report of a head only verifies it, while the node is at a later head already: a node may
   * need longer than a slot to verify a block.
   */
  isVerified(
    topic: string,
    { slot, root }: KnownBlock,
    stage: number,
  ): boolean {
    const isLast = stage === lastStageOf(topic);
    // For almost every head.
    if (isLast && this.#stages.size === 0) return false;
    const key = `${topic} ${root}`;
    const before = this.#stages.get(key) ?? Infinity;
    this.#stages.delete(key);
    if (!isLast) this.#stages.set(key, stage);
    if (this.#stages.size > MOST_STAGES) {
      const [oldest] = this.#stages.keys();
      this.#stages.delete(oldest!);
    }
    return stage > before && this.head !== undefined && slot < this.head.slot;
  }

  /** The node reports a reorg. Its head follows, unless the head was reported already. */
  switchTo(newHead: ReportedHead, oldRoot: string): void {
    const isReported = this.branch.has(newHead.root);
    this.leftRoot = oldRoot;
    this.recoveredAt = undefined;
    this.switched = !isReported && this.head?.root === oldRoot
      ? { from: this.head, slot: newHead.slot }
      : undefined;
    this.branch.switchTo(newHead, oldRoot);
    if (!isReported) this.moveTo(newHead);
  }

  /**
   * Whether a head was under way while a later one was recovered, so that it would move the node's
   * head back.
   */
  isOvertaken({ slot, root }: KnownBlock, receivedAt: number): boolean {
    if (this.recoveredAt === undefined) return false;
    if (
      slot < this.head!.slot && receivedAt <= this.recoveredAt + UNDER_WAY_MS &&
      this.branch.has(root)
    ) return true;
    this.recoveredAt = undefined;
    return false;
  }
}

/** Of how many heads it is remembered whether they were verified: those of minutes. */
const MOST_STAGES = 64;
/** For so long an event may be under way while headers are requested. */
const UNDER_WAY_MS = 2000;
