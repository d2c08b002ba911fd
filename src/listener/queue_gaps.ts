/** Reports what slow subscribers of events lost, as gaps. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { NodeReporter } from "./node_reporter.ts";
import { type NodeState, topicLabel } from "./node_state.ts";

interface QueueGapsOptions {
  nodes: ReadonlyMap<string, NodeState>;
  reporter: NodeReporter;
  slotAt: (time: number) => number | undefined;
}

/** Gathers losses for a second, so that a burst of them is one gap of each node. */
export class QueueGaps {
  readonly #options: QueueGapsOptions;
  readonly #losses = new Map<NodeState, Loss>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: QueueGapsOptions) {
    this.#options = options;
  }

  add({ node: name, topic, slot, receivedAt }: BeaconEvent<string>): void {
    const node = this.#options.nodes.get(name);
    // It was removed meanwhile.
    if (node === undefined) return;
    let loss = this.#losses.get(node);
    if (loss === undefined) {
      loss = { from: Infinity, to: -Infinity, topics: new Set(), count: 0 };
      this.#losses.set(node, loss);
    }
    // An event without a slot is of the time when it came.
    const at = slot ?? this.#options.slotAt(receivedAt) ?? 0;
    loss.from = Math.min(loss.from, at);
    loss.to = Math.max(loss.to, at);
    loss.topics.add(topicLabel(topic, node.topics));
    loss.count++;
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [node, { from, to, topics, count }] of this.#losses) {
      this.#options.reporter.gap(node, {
        kind: "queue",
        from,
        to,
        topics: [...topics],
        count,
      });
    }
    this.#losses.clear();
  }
}

interface Loss {
  from: number;
  to: number;
  topics: Set<string>;
  count: number;
}

const GATHER_MS = 1000;
