/** Metrics of who reports first, and of whether the nodes agree. Durations are in seconds. */

import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { NodeState } from "../node_state.ts";
import type { RaceRecord } from "../race/race_tracker.ts";
import type { PromClient } from "./prom_client.ts";

export interface RaceMetricsOptions {
  prom: PromClient;
  registry: Registry;
  prefix: string;
  labels: Readonly<Record<string, string>>;
  nodes: ReadonlyMap<string, NodeState>;
}

/** Registers the metrics and removes them again. */
export class RaceMetrics {
  readonly #options: RaceMetricsOptions;
  readonly #first: Counter;
  readonly #missing: Counter;
  readonly #lag: Histogram;
  readonly #agreement: Gauge;

  constructor(options: RaceMetricsOptions) {
    this.#options = options;
    const { prom, registry, prefix, labels, nodes } = options;
    const common = Object.keys(labels);
    const labelNames = ["addr", "topic", ...common];
    this.#first = new prom.Counter({
      name: `${prefix}sse_first_total`,
      help: "Blocks that the node reported before all others",
      labelNames,
      registers: [],
    });
    this.#missing = new prom.Counter({
      name: `${prefix}sse_missing_total`,
      help: "Blocks that others reported and the node did not within one slot",
      labelNames,
      registers: [],
    });
    this.#lag = new prom.Histogram({
      name: `${prefix}sse_lag_seconds`,
      help: "Seconds from the first node's report of a block to this node's",
      labelNames,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4],
      registers: [],
    });
    this.#agreement = new prom.Gauge({
      name: `${prefix}sse_head_agreement`,
      help: "Share of the connected nodes that are on the most frequent head",
      labelNames: common,
      registers: [],
      collect() {
        this.reset();
        const share = headAgreement(nodes.values());
        if (share !== undefined) this.set({ ...labels }, share);
      },
    });
    for (const metric of this.#all()) registry.registerMetric(metric);
  }

  /** Counts a record; a node alone is not compared, and a tie has no winner. */
  observe({ topic, first, lags, missing }: RaceRecord): void {
    const { labels } = this.#options;
    const arrived = Object.entries(lags);
    if (arrived.length + missing.length < 2) return;
    const isTie = arrived.filter(([, lag]) => lag === 0).length > 1;
    if (!isTie) this.#first.inc({ ...labels, addr: first, topic });
    for (const [addr, lag] of arrived) {
      this.#lag.observe({ ...labels, addr, topic }, lag / 1000);
      // A rule sees an increase from 0 only.
      this.#first.inc({ ...labels, addr, topic }, 0);
      this.#missing.inc({ ...labels, addr, topic }, 0);
    }
    for (const addr of missing) this.#missing.inc({ ...labels, addr, topic });
  }

  forget(node: string): void {
    const { labels } = this.#options;
    for (const topic of ["head", "head_v2", "block", "block_gossip"]) {
      for (const metric of [this.#first, this.#missing, this.#lag]) {
        metric.remove({ ...labels, addr: node, topic });
      }
    }
  }

  /** Takes the metrics out of the registry. */
  release(): void {
    const { registry, prefix } = this.#options;
    for (const name of NAMES) registry.removeSingleMetric(prefix + name);
  }

  #all(): (Counter | Gauge | Histogram)[] {
    return [this.#first, this.#missing, this.#lag, this.#agreement];
  }
}

const NAMES = [
  "sse_first_total",
  "sse_missing_total",
  "sse_lag_seconds",
  "sse_head_agreement",
];

/** Nodes on the most frequent head, of those that are connected and have reported one. */
function headAgreement(nodes: Iterable<NodeState>): number | undefined {
  const counts = new Map<string, number>();
  let all = 0;
  for (const { state, chain: { head } } of nodes) {
    if (state !== "connected" || head === undefined) continue;
    counts.set(head.root, (counts.get(head.root) ?? 0) + 1);
    all++;
  }
  return all === 0 ? undefined : Math.max(...counts.values()) / all;
}
