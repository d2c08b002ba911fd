/** What all nodes report together: each event once, and a chain that does not go back. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { EventIdentity } from "../../beacon/events/event_identity.ts";
import { isKnownTopic } from "../../beacon/events/topic.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { HEAD_TOPICS, isHeadReport } from "../chain/head.ts";
import type { NodeState } from "../node_state.ts";
import { type HeadPlace, MergedHead } from "./merged_head.ts";
import { type Novelty, OnceFilter, type Report } from "./once_filter.ts";

/** What an event of one node is to the subscribers of all nodes. */
export type Verdict =
  | Novelty
  /** It is a head older than the merged one, or a checkpoint older than the finalized one. */
  | "behind"
  /** It is more than an epoch behind the merged head, which another node is at. */
  | "past";

/** Decides which events of the nodes are news. */
export class NodeMerge {
  readonly #nodes: Iterable<NodeState>;
  readonly #once: OnceFilter;
  readonly #head = new MergedHead();
  #finalizedEpoch = -1;

  /**
   * @param nodes The nodes; the list may change.
   * @param topics The topics that are requested from them.
   */
  constructor(nodes: Iterable<NodeState>, topics: Iterable<string>) {
    this.#nodes = nodes;
    this.#once = new OnceFilter(topics);
  }

  /** A node is gone for good. */
  forget(node: NodeState): void {
    this.#once.forget(node);
  }

  /** Compares an event with what was delivered; remembers it as delivered where it is new. */
  judge(
    node: NodeState,
    event: BeaconEvent<string>,
    identity: EventIdentity,
    clock: SlotClock | undefined,
  ): Verdict {
    const { topic, receivedAt } = event;
    const report: Report = {
      node,
      topic,
      identity,
      receivedAt,
      recurs: HEAD_TOPICS.has(topic) || !isKnownTopic(topic),
    };
    const isFinality = topic === "finalized_checkpoint";
    // A checkpoint is as old as the head of the node that reports it.
    const slot = isFinality ? node.headSlot : event.slot;
    let place: HeadPlace = "leading";
    if (slot !== undefined && clock !== undefined) {
      // Clocks may be apart by MAXIMUM_GOSSIP_CLOCK_DISPARITY.
      const current = clock.slotAt(receivedAt + CLOCK_DISPARITY_MS);
      if (isHeadReport(event)) place = this.#placeOf(node, slot, current);
      // A recovery goes back two epochs, which may take it a while.
      const epochs = event.recovered ? 3 : 1;
      if (this.#isPast(node, slot, current, epochs * clock.slotsPerEpoch)) {
        return "past";
      }
    }
    if (isFinality) {
      const { epoch } = (event as BeaconEvent<typeof topic>).data;
      if (epoch < this.#finalizedEpoch) return "behind";
      this.#finalizedEpoch = epoch;
    }
    if (place === "leading") return this.#once.add(report);
    if (place === "caught up") return this.#once.addLate(report);
    return this.#once.has(topic, identity) ? "duplicate" : "behind";
  }

  /**
   * Compares a reorg that a recovery found with those delivered. Another node may have reported it
   * at an earlier block of the new branch, or may do so later.
   *
   * @param identity Its identity.
   * @param others Its identity for each block of the new branch that it may be reported at.
   */
  judgeRecoveredReorg(
    node: NodeState,
    event: BeaconEvent<"chain_reorg">,
    identity: EventIdentity,
    others: readonly EventIdentity[],
  ): Verdict {
    const { topic, receivedAt } = event;
    // Not on the node's account: its own report of the same reorg is a duplicate.
    const add = (identity: EventIdentity) =>
      this.#once.addLate({
        node: RECOVERY,
        topic,
        identity,
        receivedAt,
        recurs: true,
      });
    const isNew = (identity: EventIdentity) => !this.#once.has(topic, identity);
    const isKnown = ![identity, ...others].every(isNew);
    const novelty = add(identity);
    // One that was delivered at another block is still to be delivered when it is verified there.
    others.filter(isNew).forEach(add);
    if (novelty === "again") return novelty;
    return isKnown || this.#isLag(node, event) ? "duplicate" : "new";
  }

  /** Whether a node's branch is a piece shorter than it was, and another node still has all of it. */
  #isLag(node: NodeState, { data }: BeaconEvent<"chain_reorg">): boolean {
    return data.depth === 0 &&
      this.#others(node).some(({ chain }) =>
        chain.branch.has(data.old_head_block)
      );
  }

  #placeOf(node: NodeState, slot: number, current: number): HeadPlace {
    const isHeld = (merged: number) =>
      this.#others(node).some(({ headSlot }) =>
        headSlot !== undefined && headSlot >= merged && headSlot <= current
      );
    return this.#head.place(node.chain, slot, current, isHeld);
  }

  /** Whether an event is so many slots behind the merged head, which another node is at. */
  #isPast(
    node: NodeState,
    slot: number,
    current: number,
    most: number,
  ): boolean {
    // For almost every event.
    if (slot >= current - most) return false;
    return this.#others(node).some(({ headSlot, syncing }) => {
      const synced = syncing?.isSyncing === false ? syncing.headSlot : -1;
      const theirs = Math.max(headSlot ?? -1, synced);
      return theirs <= current && theirs >= this.#head.slot - most &&
        slot < Math.max(theirs, this.#head.slot) - most;
    });
  }

  /** The other nodes that are connected now. */
  #others(node: NodeState): NodeState[] {
    return [...this.#nodes].filter((other) =>
      other !== node && other.state === "connected"
    );
  }
}

const CLOCK_DISPARITY_MS = 500;
const RECOVERY = {};
