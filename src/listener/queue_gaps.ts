/** What subscribers of events lost because they were too slow, told as gaps. */

import type { BeaconEvent } from "../beacon/beacon_event.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { NodeState } from "./node_state.ts";

/** What a {@linkcode QueueGaps} works with. */
export interface QueueGapsOptions {
  /** The nodes whose events may be lost. */
  nodes: readonly NodeState[];
  /** Where gaps are told. */
  lifecycle: Lifecycle;
  /** The slot at a Unix time in milliseconds, once that can be told. */
  slotAt: (time: number) => number | undefined;
}

/** Gathers losses for a second, so that a burst of them is told as one gap of each node. */
export class QueueGaps {
  readonly #options: QueueGapsOptions;
  readonly #losses = new Map<string, Loss>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param options Where gaps are told. */
  constructor(options: QueueGapsOptions) {
    this.#options = options;
  }

  /** A subscriber has lost an event. */
  add({ node, topic, slot, receivedAt }: BeaconEvent<string>): void {
    let loss = this.#losses.get(node);
    if (loss === undefined) {
      loss = { from: Infinity, to: -Infinity, topics: new Set(), count: 0 };
      this.#losses.set(node, loss);
    }
    // An event without a slot is of the time when it came.
    const at = slot ?? this.#options.slotAt(receivedAt) ?? 0;
    loss.from = Math.min(loss.from, at);
    loss.to = Math.max(loss.to, at);
    loss.topics.add(topic);
    loss.count++;
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  /** Tells what was gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const losses = new Map(this.#losses);
    this.#losses.clear();
    for (const node of this.#options.nodes) {
      const loss = losses.get(node.name);
      if (loss === undefined) continue;
      const { from, to, count } = loss;
      this.#options.lifecycle.gap(node, {
        kind: "queue",
        from,
        to,
        topics: [...loss.topics],
        count,
      });
    }
  }
}

interface Loss {
  from: number;
  to: number;
  topics: Set<string>;
  count: number;
}

const GATHER_MS = 1000;
