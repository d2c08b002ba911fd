/** Metrics of which node reports first. Durations are in seconds. */

import type { Counter, Histogram, Registry } from "prom-client";
import type { RaceRecord } from "../race/race_tracker.ts";
import type { PromClient } from "./registry.ts";

interface RaceMetricsOptions {
  prom: PromClient;
  registry: Registry;
  prefix: string;
  labels: Readonly<Record<string, string>>;
}

export class RaceMetrics {
  readonly #options: RaceMetricsOptions;
  readonly #first: Counter;
  readonly #missing: Counter;
  readonly #lag: Histogram;

  constructor(options: RaceMetricsOptions) {
    this.#options = options;
    const { prom, registry, prefix, labels } = options;
    const common = {
      labelNames: ["addr", "topic", ...Object.keys(labels)],
      registers: [registry],
    };
    this.#first = new prom.Counter({
      ...common,
      name: prefix + FIRST,
      help: "Blocks that the node reported before all others",
    });
    this.#missing = new prom.Counter({
      ...common,
      name: prefix + MISSING,
      help: "Blocks that others reported and the node did not within one slot",
    });
    this.#lag = new prom.Histogram({
      ...common,
      name: prefix + LAG,
      help: "Seconds from the first node's report of a block to this node's",
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4],
    });
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

  release(): void {
    const { registry, prefix } = this.#options;
    for (const name of [FIRST, MISSING, LAG]) {
      registry.removeSingleMetric(prefix + name);
    }
  }
}

const FIRST = "sse_first_total";
const MISSING = "sse_missing_total";
const LAG = "sse_lag_seconds";
