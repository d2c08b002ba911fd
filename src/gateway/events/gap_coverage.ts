/**
 * Whether a gap of one node is a gap for readers too: it is not where another node was connected all
 * the time and reported the same topics.
 */

import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { GapStatus, NodeStatus } from "../../listener/node_status.ts";
import type { Gap } from "./frame.ts";

const GOSSIP = "block_gossip";

/** Since when a node has reported everything, and of which topics. */
interface Coverage {
  since: number;
  topics: readonly string[];
}

/** Follows the nodes' states. */
export class GapCoverage {
  readonly #clock: () => SlotClock | undefined;
  readonly #lastEventAt: (node: string) => number | undefined;
  readonly #nodes = new Map<string, Coverage>();
  /** Since when no node has reported gossip, after one has. */
  #goneAt: number | undefined;

  /**
   * @param clock The slot clock, once it is known.
   * @param lastEventAt When a node's last event arrived.
   */
  constructor(
    clock: () => SlotClock | undefined,
    lastEventAt: (node: string) => number | undefined,
  ) {
    this.#clock = clock;
    this.#lastEventAt = lastEventAt;
  }

  /** Takes a status; returns the gap that no node covered, if it ends with it. */
  take(status: NodeStatus): Gap | undefined {
    switch (status.type) {
      case "connected":
        this.#nodes.set(status.node, {
          since: status.at,
          topics: status.topics,
        });
        return this.#gossipGap(status.at);
      case "disconnected": {
        const hadGossip = this.#isCovered(GOSSIP);
        this.#nodes.delete(status.node);
        if (hadGossip && !this.#isCovered(GOSSIP)) {
          // It may have been silent for long before that was noticed.
          this.#goneAt = this.#lastEventAt(status.node) ?? status.at;
        }
        return undefined;
      }
      case "gap": {
        const topics = this.#uncovered(status);
        const own = this.#nodes.get(status.node);
        if (own !== undefined) own.since = status.at;
        if (topics.length === 0) return undefined;
        const { from, to, reason = status.kind } = status;
        return { from, to, topics, reason };
      }
      default:
        return undefined;
    }
  }

  /** The slot in which a node's connection began, or its last gap ended. */
  since(node: string): number | undefined {
    const coverage = this.#nodes.get(node);
    return coverage && this.#clock()?.slotAt(coverage.since);
  }

  /** The listener counts no lost gossip as a gap, because it does no harm there. */
  #gossipGap(at: number): Gap | undefined {
    if (this.#goneAt === undefined || !this.#isCovered(GOSSIP)) {
      return undefined;
    }
    const slotAt = (time: number) =>
      Math.max(0, this.#clock()?.slotAt(time) ?? 0);
    const [from, to] = [slotAt(this.#goneAt), slotAt(at)];
    this.#goneAt = undefined;
    return { from, to, topics: [GOSSIP], reason: "reconnect" };
  }

  #isCovered(topic: string): boolean {
    return this.#nodes.values().some(({ topics }) => topics.includes(topic));
  }

  #uncovered({ node, from, at, topics }: GapStatus): readonly string[] {
    const begin = this.#clock()?.slotStart(from) ?? at;
    const others = [...this.#nodes].filter(([name, { since }]) =>
      name !== node && since <= begin
    );
    return topics.filter((topic) =>
      !others.some(([, coverage]) => coverage.topics.includes(topic))
    );
  }
}
