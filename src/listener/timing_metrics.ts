/** From events to the timing metrics that Charon has: when in its slot did a node know of a block. */

import type { BeaconEvent } from "../beacon/beacon_event.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { ListenerMetrics } from "./metrics.ts";
import { count, type NodeState } from "./node_state.ts";

/** Observes delays, which are clamped at 0: a node's clock may be ahead of ours. */
export class TimingMetrics {
  readonly #metrics: ListenerMetrics;
  readonly #parity: "charon" | undefined;
  #clock: SlotClock | undefined;
  /** What arrived before the clock was known. */
  #early: {
    node: NodeState;
    topic: string;
    slot: number;
    receivedAt: number;
  }[] = [];

  /**
   * @param metrics Where delays are observed.
   * @param parity With `"charon"`, heads later than a slot are not observed.
   */
  constructor(metrics: ListenerMetrics, parity: "charon" | undefined) {
    this.#metrics = metrics;
    this.#parity = parity;
  }

  /** The clock is known: what arrived before is measured now. */
  start(clock: SlotClock): void {
    this.#clock = clock;
    for (const { node, topic, slot, receivedAt } of this.#early) {
      this.#observeDelay(clock, node, topic, slot, receivedAt);
    }
    this.#early = [];
  }

  /** Takes an event of a node. */
  observe(node: NodeState, event: BeaconEvent): void {
    const { topic, receivedAt } = event;
    switch (event.topic) {
      case "chain_reorg":
        this.#metrics.reorgDepth.observe(node, event.data.depth);
        return;
      case "block_gossip":
        this.#rememberGossip(node, event.data.slot, receivedAt);
        this.#observe(node, topic, event.data.slot, receivedAt);
        return;
      case "block":
        this.#observe(node, topic, event.data.slot, receivedAt);
        return;
      case "head":
        this.#onHead(node, event.data.slot, receivedAt);
        return;
      case "head_v2":
        this.#onHead(node, event.data.data.slot, receivedAt);
    }
  }

  #onHead(node: NodeState, slot: number, receivedAt: number): void {
    this.#observe(node, "head", slot, receivedAt);
    const gossipAt = node.gossipTimes.get(slot);
    if (gossipAt === undefined) return;
    node.gossipTimes.delete(slot);
    if (receivedAt > gossipAt) {
      this.#metrics.blockProcessingTime.observe(
        node,
        (receivedAt - gossipAt) / 1000,
      );
    }
  }

  /** Bounded on insertion: a node whose heads never match must not make this grow. */
  #rememberGossip(node: NodeState, slot: number, receivedAt: number): void {
    const times = node.gossipTimes;
    if (!times.has(slot)) times.set(slot, receivedAt);
    if (times.size > MAX_GOSSIP_TIMES) times.delete(times.keys().next().value!);
  }

  #observe(
    node: NodeState,
    topic: string,
    slot: number,
    receivedAt: number,
  ): void {
    if (this.#clock !== undefined) {
      this.#observeDelay(this.#clock, node, topic, slot, receivedAt);
    } else if (this.#early.length < MAX_EARLY) {
      this.#early.push({ node, topic, slot, receivedAt });
    }
  }

  #observeDelay(
    clock: SlotClock,
    node: NodeState,
    topic: string,
    slot: number,
    receivedAt: number,
  ): void {
    const delayMs = Math.max(0, receivedAt - clock.slotStart(slot));
    if (delayMs >= clock.attestationDueMs(slot)) count(node.late, topic);
    switch (topic) {
      case "head":
        if (
          this.#parity === "charon" && delayMs >= clock.slotDurationMs(slot)
        ) return;
        this.#metrics.headDelay.observe(node, delayMs / 1000);
        break;
      case "block":
        this.#metrics.block.observe(node, delayMs / 1000);
        break;
      case "block_gossip":
        this.#metrics.blockGossip.observe(node, delayMs / 1000);
        break;
    }
  }
}

const MAX_GOSSIP_TIMES = 64;
const MAX_EARLY = 1024;
