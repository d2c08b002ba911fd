/** From events to the timing metrics that Charon has: when in its slot did a node know of a block. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { latestPlausibleSlot } from "../chain/plausible.ts";
import type { NodeState, TopicCount } from "../node_state.ts";

/** What is measured of a node: delays in seconds, and the depth of reorgs in slots. */
export type Timing =
  | "headDelay"
  | "reorgDepth"
  | "blockGossip"
  | "block"
  | "blockProcessingTime";

interface TimingObserver {
  observe(
    timing: Timing,
    node: NodeState,
    value: number,
    exemplar?: Record<string, string>,
  ): void;
}

/** Observes delays, which are clamped at 0: a node's clock may be ahead of ours. */
export class TimingMetrics {
  readonly #metrics: TimingObserver;
  readonly #parity: "charon" | undefined;
  #clock: SlotClock | undefined;
  #seen = new WeakMap<NodeState, Seen>();
  #early: Arrival[] = [];

  constructor(
    metrics: TimingObserver,
    parity: "charon" | undefined,
  ) {
    this.#metrics = metrics;
    this.#parity = parity;
  }

  start(clock: SlotClock): void {
    this.#clock = clock;
    const early = this.#early;
    this.#early = [];
    for (const { metric, node, slot, receivedAt, count, block } of early) {
      if (slot > latestPlausibleSlot(clock, receivedAt)) continue;
      if (this.#isPast(slot, receivedAt)) continue;
      this.#observe(metric, node, slot, receivedAt, count, block);
    }
  }

  reset(): void {
    this.#clock = undefined;
    this.#seen = new WeakMap();
    this.#early = [];
  }

  observe(node: NodeState, event: BeaconEvent, count: TopicCount): void {
    if (this.#isPast(event.slot, event.receivedAt)) return;
    switch (event.topic) {
      case "chain_reorg":
        this.#metrics.observe("reorgDepth", node, event.data.depth);
        return;
      case "block_gossip": {
        const { slot } = event.data;
        const { gossip } = this.#seenOf(node);
        const place = slot % GOSSIP_PLACES;
        // The first report of a slot counts.
        if (gossip[place]?.slot !== slot) {
          gossip[place] = { slot, receivedAt: event.receivedAt };
        }
        this.#observe("blockGossip", node, slot, event.receivedAt, count);
        return;
      }
      case "block":
        this.#observe("block", node, event.data.slot, event.receivedAt, count);
        return;
      case "head":
      case "head_v2":
        this.#onHead(node, event, count);
    }
  }

  /** Whether a node catches up, or the chain stood still: that is no delay of the event. */
  #isPast(slot: number | undefined, receivedAt: number): boolean {
    const clock = this.#clock;
    return clock !== undefined && slot !== undefined &&
      slot < clock.slotAt(receivedAt) - clock.slotsPerEpoch;
  }

  #onHead(
    node: NodeState,
    event: BeaconEvent<"head" | "head_v2">,
    count: TopicCount,
  ): void {
    const { receivedAt } = event;
    const { slot, block } = event.topic === "head"
      ? event.data
      : event.data.data;
    // The same head again, as where a payload comes for the block, is no later head.
    const seen = this.#seenOf(node);
    if (seen.head === block) return;
    seen.head = block;
    this.#observe("headDelay", node, slot, receivedAt, count, block);
    const place = slot % GOSSIP_PLACES;
    const gossip = seen.gossip[place];
    if (gossip?.slot !== slot) return;
    seen.gossip[place] = undefined;
    if (receivedAt < gossip.receivedAt) return;
    const seconds = (receivedAt - gossip.receivedAt) / 1000;
    this.#metrics.observe("blockProcessingTime", node, seconds);
  }

  #seenOf(node: NodeState): Seen {
    let seen = this.#seen.get(node);
    if (seen === undefined) {
      seen = { head: undefined, gossip: new Array(GOSSIP_PLACES) };
      this.#seen.set(node, seen);
    }
    return seen;
  }

  #observe(
    metric: Arrival["metric"],
    node: NodeState,
    slot: number,
    receivedAt: number,
    count: TopicCount,
    block?: string,
  ): void {
    const clock = this.#clock;
    if (clock === undefined) {
      if (this.#early.length === MAX_EARLY) return;
      this.#early.push({
        metric,
        node,
        slot,
        receivedAt,
        count,
        ...(block !== undefined && { block }),
      });
      return;
    }
    // A node that starts before genesis reports the genesis block as its head.
    if (receivedAt < clock.genesisTime) return;
    const delayMs = Math.max(0, receivedAt - clock.slotStart(slot));
    const isLate = delayMs >= clock.attestationDueMs(slot);
    if (isLate) count.late++;
    const isLeftOut = this.#parity === "charon" && metric === "headDelay" &&
      delayMs >= clock.slotDurationMs(slot);
    if (isLeftOut) return;
    const exemplar = isLate && block !== undefined
      ? { slot: String(slot), block }
      : undefined;
    this.#metrics.observe(metric, node, delayMs / 1000, exemplar);
  }
}

interface Seen {
  /** Root of the head whose delay was last observed. */
  head: string | undefined;
  /** The blocks of recent slots that came over gossip, each in the place of its slot. */
  gossip: ({ slot: number; receivedAt: number } | undefined)[];
}

/** Two epochs of mainnet. */
const GOSSIP_PLACES = 64;

interface Arrival {
  metric: "headDelay" | "block" | "blockGossip";
  node: NodeState;
  slot: number;
  receivedAt: number;
  count: TopicCount;
  /** Root of the block, which the exemplar of a late head names. */
  block?: string;
}

const MAX_EARLY = 1024;
