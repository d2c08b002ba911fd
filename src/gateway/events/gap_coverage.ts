/**
 * Whether a gap of one node is a gap for readers too: it is not where another node was connected all
 * the time and reported the same topics.
 */

import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { GapStatus, NodeStatus } from "../../listener/node_status.ts";

/** Since when a node has reported everything, and of which topics. */
interface Coverage {
  since: number;
  topics: readonly string[];
}

/** Follows the nodes' states. */
export class GapCoverage {
  readonly #clock: () => SlotClock | undefined;
  readonly #nodes = new Map<string, Coverage>();

  /** @param clock The slot clock, once it is known. */
  constructor(clock: () => SlotClock | undefined) {
    this.#clock = clock;
  }

  /** Takes a status; of a gap it returns the topics that no node covered. */
  take(status: NodeStatus): readonly string[] {
    switch (status.type) {
      case "connected":
        this.#nodes.set(status.node, {
          since: status.at,
          topics: status.topics,
        });
        return [];
      case "disconnected":
        this.#nodes.delete(status.node);
        return [];
      case "gap": {
        const uncovered = this.#uncovered(status);
        const own = this.#nodes.get(status.node);
        if (own !== undefined) own.since = status.at;
        return uncovered;
      }
      default:
        return [];
    }
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
