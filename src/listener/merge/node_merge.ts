/** What all nodes report together: each event once, and a chain that does not go back. */

import {
  type BeaconEvent,
  parseEventData,
} from "../../beacon/events/beacon_event.ts";
import { type EventMark, markOf } from "../../beacon/events/event_identity.ts";
import { isKnownTopic } from "../../beacon/events/topic.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { HEAD_TOPICS, isHeadReport } from "../chain/head.ts";
import type { NodeState } from "../node_state.ts";
import { type HeadPlace, MergedHead } from "./merged_head.ts";
import { type Novelty, OnceFilter, type Report } from "./once_filter.ts";
import { RecentTexts } from "./recent_texts.ts";

/** What an event of one node is to the subscribers of all nodes. */
export type Verdict =
  | Novelty
  /** It is a head older than the merged one, or a checkpoint older than the finalized one. */
  | "behind"
  /** It is more than an epoch behind the merged head, which another node is at. */
  | "past";

/** Decides which events of the nodes are to be delivered. */
export class NodeMerge {
  readonly #nodes: ReadonlyMap<string, NodeState>;
  readonly #once: OnceFilter;
  readonly #head = new MergedHead();
  /** The node of the last head that was delivered. */
  #lastHeadOf: NodeState | undefined;
  #finalizedEpoch = -1;
  /** What the only node has sent of topics that come in floods, until there is another node. */
  #texts: Map<string, RecentTexts> | undefined = new Map();

  /**
   * @param nodes The nodes; the list may change.
   * @param topics The topics that are requested from them.
   */
  constructor(nodes: ReadonlyMap<string, NodeState>, topics: Iterable<string>) {
    this.#nodes = nodes;
    this.#once = new OnceFilter(topics);
    this.#once.grows = false;
  }

  /** A node is gone for good. */
  forget(node: NodeState): void {
    this.#once.forget(node);
    if (this.#lastHeadOf === node) this.#lastHeadOf = undefined;
  }

  /**
   * Compares an event with what was delivered; remembers it as delivered where it is new.
   *
   * @param isOfBefore Whether it verifies a head that is not the node's head any more.
   * @param now When it is compared: later than it was received where it waited for a recovery.
   */
  judge(
    node: NodeState,
    event: BeaconEvent<string>,
    clock: SlotClock | undefined,
    isOfBefore: boolean,
    now: number,
  ): Verdict {
    const { topic, receivedAt } = event;
    if (this.#texts !== undefined) {
      if (this.#nodes.size > 1) this.#compareByMembers(this.#texts, receivedAt);
      else if (FLOODS.has(topic) && event.raw.length <= MOST_UNITS) {
        return this.#judgeText(event);
      }
    }
    const isFinality = topic === "finalized_checkpoint";
    // A checkpoint is as old as the head of the node that reports it.
    const slot = isFinality ? node.headSlot : event.slot;
    let place: HeadPlace = "leading";
    if (slot !== undefined && clock !== undefined) {
      // Clocks may be apart by MAXIMUM_GOSSIP_CLOCK_DISPARITY.
      const current = clock.slotAt(now + CLOCK_DISPARITY_MS);
      const isHead = isHeadReport(event) && !isOfBefore;
      // A recovery goes back two epochs, which may take it a while.
      const epochs = event.recovered ? 3 : 1;
      if (this.#isPast(node, slot, current, epochs * clock.slotsPerEpoch)) {
        if (isHead) this.#head.fallBehind(node.chain, slot);
        return "past";
      }
      if (isHead) {
        place = this.#placeOf(node, slot, current, clock.slotsPerEpoch);
      } else if (isHeadReport(event)) {
        // It verifies what was delivered; the head does not come back.
        const isOfUse = this.#lastHeadOf === node &&
          this.#once.has(topic, markOf(event));
        place = isOfUse ? "caught up" : "behind";
      }
    }
    if (isFinality) {
      const { epoch } = (event as BeaconEvent<typeof topic>).data;
      if (epoch < this.#finalizedEpoch) return "behind";
      this.#finalizedEpoch = epoch;
    }
    const report: Report = {
      node,
      topic,
      mark: markOf(event),
      receivedAt,
      recurs: HEAD_TOPICS.has(topic) || !isKnownTopic(topic),
    };
    if (place === "behind") {
      return this.#once.has(topic, report.mark) ? "duplicate" : "behind";
    }
    const novelty = place === "leading"
      ? this.#once.add(report)
      : this.#once.addLate(report);
    if (isHeadReport(event) && novelty !== "duplicate") this.#lastHeadOf = node;
    return novelty;
  }

  /** Whether an event was delivered already. */
  isKnown(event: BeaconEvent<string>): boolean {
    return this.#once.has(event.topic, markOf(event));
  }

  /** A node writes the same event in the same way. */
  #judgeText({ topic, raw }: BeaconEvent<string>): Verdict {
    let texts = this.#texts!.get(topic);
    if (texts === undefined) {
      texts = new RecentTexts();
      this.#texts!.set(topic, texts);
    }
    return texts.add(raw) ? "new" : "duplicate";
  }

  /** Another node has come, which may write the events that were delivered in another way. */
  #compareByMembers(
    all: ReadonlyMap<string, RecentTexts>,
    receivedAt: number,
  ): void {
    this.#texts = undefined;
    this.#once.grows = true;
    const sent = { node: "", receivedAt, recurs: false };
    for (const [topic, texts] of all) {
      for (const raw of texts) {
        const data = dataOf(topic, raw);
        if (data === undefined) continue;
        const mark = markOf({ ...sent, topic, raw, data });
        this.#once.add({ ...sent, node: SENT, topic, mark });
      }
    }
  }

  /**
   * Compares a reorg that a recovery found with those delivered. Another node may have reported it
   * at an earlier block of the new branch, or may do so later.
   *
   * @param mark Its identity.
   * @param others Its identity for each block of the new branch that it may be reported at.
   */
  judgeRecoveredReorg(
    node: NodeState,
    event: BeaconEvent<"chain_reorg">,
    mark: EventMark,
    others: readonly EventMark[],
  ): Verdict {
    const { topic, receivedAt } = event;
    // Not on the node's account: its own report of the same reorg is a duplicate.
    const add = (mark: EventMark) =>
      this.#once.addLate({
        node: RECOVERY,
        topic,
        mark,
        receivedAt,
        recurs: true,
      });
    const isNew = (mark: EventMark) => !this.#once.has(topic, mark);
    const isKnown = ![mark, ...others].every(isNew);
    const novelty = add(mark);
    // One that was delivered at another block is still to be delivered when it is verified there.
    others.filter(isNew).forEach(add);
    if (novelty === "again") return novelty;
    return isKnown || this.#isLag(node, event) ? "duplicate" : "new";
  }

  /** Whether a node's branch is a piece shorter than it was, and another node still has all of it. */
  #isLag(node: NodeState, { data }: BeaconEvent<"chain_reorg">): boolean {
    return data.depth === 0 &&
      this.#isOther(node, ({ chain }) => chain.branch.has(data.old_head_block));
  }

  #placeOf(
    node: NodeState,
    slot: number,
    current: number,
    far: number,
  ): HeadPlace {
    const isHeld = (merged: number) =>
      this.#isOther(
        node,
        ({ headSlot }) =>
          headSlot !== undefined && headSlot >= merged && headSlot <= current,
      );
    return this.#head.place(node.chain, slot, current, far, isHeld);
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
    return this.#isOther(node, ({ headSlot, syncing }) => {
      const synced = syncing?.isSyncing === false ? syncing.headSlot : -1;
      const theirs = Math.max(headSlot ?? -1, synced);
      return theirs <= current && theirs >= this.#head.slot - most &&
        slot < Math.max(theirs, this.#head.slot) - most;
    });
  }

  /** Whether it is true of one of the other nodes that are connected now. */
  #isOther(node: NodeState, is: (other: NodeState) => boolean): boolean {
    if (this.#nodes.size === 1) return false;
    for (const other of this.#nodes.values()) {
      if (other !== node && other.state === "connected" && is(other)) {
        return true;
      }
    }
    return false;
  }
}

/** The data of an event, which may be malformed where no subscriber wanted it parsed. */
function dataOf(topic: string, raw: string): unknown {
  try {
    return parseEventData(topic, raw);
  } catch {
    return undefined;
  }
}

/** They come by the thousand in a slot. */
const FLOODS: ReadonlySet<string> = new Set([
  "attestation",
  "single_attestation",
  "contribution_and_proof",
  "data_column_sidecar",
]);

/** Longer texts of them are rare. */
const MOST_UNITS = 2048;

const CLOCK_DISPARITY_MS = 500;
const RECOVERY = {};
const SENT = {};
