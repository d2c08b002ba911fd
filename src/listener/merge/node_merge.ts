/** What several nodes say together: each event once, and heads that do not go back. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { identify } from "../../beacon/events/event_identity.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { isKnownTopic } from "../../beacon/events/topic.ts";
import { standInFor } from "../../beacon/events/stand_in.ts";
import { HEAD_TOPICS, type HeadReport, isHeadReport } from "../chain/head.ts";
import { type HeadPlace, MergedHead } from "./merged_head.ts";
import type { NodeState, SuppressReason } from "../node_state.ts";
import { OnceFilter } from "./once_filter.ts";

/** Decides what of the nodes' events is news to who listens to all of them. */
export class NodeMerge {
  readonly #nodes: ReadonlyMap<string, NodeState>;
  readonly #once: OnceFilter;
  readonly #head = new MergedHead();

  /**
   * @param nodes The nodes.
   * @param topics The topics that the user wants.
   */
  constructor(
    nodes: ReadonlyMap<string, NodeState>,
    topics: readonly string[],
  ) {
    this.#nodes = nodes;
    const standIns = topics.map(standInFor).filter((topic) =>
      topic !== undefined
    );
    this.#once = new OnceFilter(nodes, [...topics, ...standIns]);
  }

  /** Why not to deliver an event to those who listen to all nodes together. */
  reasonAgainst(
    node: NodeState,
    event: BeaconEvent<string>,
    clock: SlotClock | undefined,
  ): SuppressReason | undefined {
    const { topic, receivedAt } = event;
    const once = this.#once;
    const { key, stage } = identify(event);
    const identity = topic === "head_v2" ? `${key}/${stage}` : key;
    const place = isHeadReport(event)
      ? this.#placeOf(node, event, clock)
      : "news";
    if (place !== "news" && once.repeats(node.name, topic, identity)) {
      return "duplicate";
    }
    if (place === "behind") return "behind";
    const recurs = !isKnownTopic(topic) || HEAD_TOPICS.has(topic);
    return once.accepts(node.name, topic, identity, receivedAt, recurs)
      ? undefined
      : "duplicate";
  }

  /** Forgets a node that was removed. */
  forget({ name }: NodeState): void {
    this.#once.forget(name);
    this.#head.forget(name);
  }

  /** Whether a node's chain is a piece shorter than it was, and another node still has all of it. */
  isLag(node: NodeState, event: BeaconEvent<string>): boolean {
    if (event.topic !== "chain_reorg") return false;
    const { depth, old_head_block } =
      (event as BeaconEvent<"chain_reorg">).data;
    return depth === 0 &&
      this.#others(node).some(({ branch }) =>
        branch.blocks.some(({ root }) => root === old_head_block)
      );
  }

  #placeOf(
    node: NodeState,
    { slot, receivedAt }: HeadReport,
    clock: SlotClock | undefined,
  ): HeadPlace {
    if (clock === undefined) return "news";
    const current = clock.slotAt(receivedAt + CLOCK_DISPARITY_MS);
    const isHeld = (merged: number) =>
      this.#others(node).some(({ headSlot }) =>
        headSlot !== undefined && headSlot >= merged && headSlot <= current
      );
    return this.#head.place(node.name, slot!, current, isHeld);
  }

  /** The other nodes that are listened to now. */
  #others(node: NodeState): NodeState[] {
    return [...this.#nodes.values()].filter((other) =>
      other !== node && other.state === "connected"
    );
  }
}

/** `MAXIMUM_GOSSIP_CLOCK_DISPARITY`: so far apart clocks may be. */
const CLOCK_DISPARITY_MS = 500;
