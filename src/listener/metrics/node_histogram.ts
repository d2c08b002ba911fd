/**
 * A histogram with a series a node, counted in plain numbers and turned into samples when it is
 * scraped. prom-client's own costs a hash of the labels with every observation.
 */

import type { NodeState } from "../node_state.ts";

/** Options for {@linkcode NodeHistogram}. */
export interface NodeHistogramOptions {
  /** Name of the metric. */
  name: string;
  /** What it tells. */
  help: string;
  /** Upper bounds of the buckets, ascending. */
  buckets: readonly number[];
}

/** One sample in the form that prom-client's registry prints. */
export interface HistogramSample {
  /** Name of the sample. */
  metricName: string;
  /** Its labels. */
  labels: Record<string, string | number>;
  /** Its value. */
  value: number;
}

/** Has what prom-client's registry asks of a metric: a name, and `get()`. */
export class NodeHistogram {
  /** Name of the metric. */
  readonly name: string;
  /** What it tells. */
  readonly help: string;
  /** Kind of the metric. */
  readonly type = "histogram";
  /** How series of several processes are put together. */
  readonly aggregator = "sum";
  readonly #buckets: readonly number[];
  /** By name of the node. */
  readonly #series = new Map<string, Series>();

  /** @param options Name and buckets. */
  constructor(options: NodeHistogramOptions) {
    this.name = options.name;
    this.help = options.help;
    this.#buckets = options.buckets;
  }

  /** Counts a value. */
  observe(node: NodeState, value: number): void {
    let series = this.#series.get(node.name);
    if (series === undefined) {
      const counts = new Array(this.#buckets.length + 1).fill(0);
      series = { addr: node.name, counts, sum: 0 };
      this.#series.set(node.name, series);
    }
    let bucket = 0;
    while (bucket < this.#buckets.length && value > this.#buckets[bucket]!) {
      bucket++;
    }
    series.counts[bucket]!++;
    series.sum += value;
  }

  /** Forgets a node. */
  forget(node: string): void {
    this.#series.delete(node);
  }

  /** Forgets all that was counted. */
  reset(): void {
    this.#series.clear();
  }

  /** What the registry prints. */
  get(): Promise<{
    name: string;
    help: string;
    type: string;
    aggregator: string;
    values: HistogramSample[];
  }> {
    const { name, help, type, aggregator } = this;
    const values = [...this.#series.values()].flatMap((series) =>
      this.#samples(series)
    );
    return Promise.resolve({ name, help, type, aggregator, values });
  }

  #samples({ addr, counts, sum }: Series): HistogramSample[] {
    const samples: HistogramSample[] = [];
    let count = 0;
    for (const [bucket, amount] of counts.entries()) {
      count += amount;
      const le = this.#buckets[bucket] ?? "+Inf";
      samples.push({
        metricName: `${this.name}_bucket`,
        labels: { le, addr },
        value: count,
      });
    }
    samples.push({
      metricName: `${this.name}_sum`,
      labels: { addr },
      value: sum,
    });
    samples.push({
      metricName: `${this.name}_count`,
      labels: { addr },
      value: count,
    });
    return samples;
  }
}

interface Series {
  addr: string;
  /** How many values fell into each bucket; the last one has those above all bounds. */
  counts: number[];
  sum: number;
}
