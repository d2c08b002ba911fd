/**
 * The listener's Prometheus metrics: Charon's six under Charon's names, and its own. All durations are
 * in seconds. On the way of an event only plain fields are written; prom-client's metrics are filled
 * when they are scraped.
 */

import type { Counter, Gauge, Histogram, Metric, Registry } from "prom-client";
import { count, type NodeState } from "../node_state.ts";
import type { PromClient } from "./registry.ts";
import { RaceMetrics } from "./race_metrics.ts";
import { type Timing, TimingMetrics } from "./timing_metrics.ts";

export interface ListenerMetricsOptions {
  prom: PromClient;
  registry: Registry;
  prefix: string;
  labels: Readonly<Record<string, string>>;
  nodes: ReadonlyMap<string, NodeState>;
  parity: "charon" | undefined;
  /** How many values each kind of queue has lost to slow subscribers. */
  lost: () => Record<string, number>;
}

/** A metric without a node: its name, what it is, and what it is when it is scraped. */
export type ExtraMetric = readonly [
  name: string,
  help: string,
  read: () => number,
];

export class ListenerMetrics {
  readonly registry: Registry;
  readonly timing: TimingMetrics;
  readonly race: RaceMetrics;
  readonly #options: ListenerMetricsOptions;
  readonly #metrics = new Map<string, Metric>();
  readonly #histograms = new Map<Timing, Histogram>();
  readonly #series = new Map<NodeState, Record<Timing, Series>>();
  // What was observed since the last scrape; of full size at once, so that nothing grows until then.
  readonly #values = new Float64Array(MOST_PENDING);
  readonly #valueSeries = new Array<Series>(MOST_PENDING);
  #pending = 0;

  /** @throws {TypeError} If the registry has a metric of such a name; then none is registered. */
  constructor(options: ListenerMetricsOptions) {
    this.#options = options;
    const { prom, registry, prefix, labels } = options;
    this.registry = registry;
    for (const [name, [help, read, label]] of Object.entries(NODE_METRICS)) {
      this.#add(name, help, ["addr", ...label ? [label] : []], (add) => {
        for (const node of options.nodes.values()) {
          const { name: addr } = node;
          const amounts = read(node);
          if (typeof amounts === "number") add({ addr }, amounts);
          else if (label !== undefined) {
            for (const [value, amount] of amounts ?? []) {
              add({ addr, [label]: value }, amount);
            }
          }
        }
      });
    }
    for (const [key, [name, help, buckets]] of Object.entries(HISTOGRAMS)) {
      const histogram = new prom.Histogram({
        name: prefix + name,
        help,
        buckets: [...buckets],
        labelNames: ["addr", ...Object.keys(labels)],
        enableExemplars: true,
        registers: [],
        collect: () => this.#flush(),
      });
      this.#histograms.set(key as Timing, histogram);
      this.#metrics.set(prefix + name, histogram);
    }
    this.#add(
      "sse_dropped_total",
      "Values that slow subscribers lost; of reorgs: that were merged into another one",
      ["queue"],
      (add) => {
        for (const [queue, amount] of Object.entries(options.lost())) {
          add({ queue }, amount);
        }
      },
    );
    this.#add(
      "sse_head_agreement",
      "Share of the connected nodes that are on the most frequent head",
      [],
      (add) => {
        const share = headAgreement(options.nodes.values());
        if (share !== undefined) add({}, share);
      },
    );
    this.#addPeerName();
    for (const { name } of registry.getMetricsAsArray()) {
      if (!this.#metrics.has(name)) continue;
      throw new TypeError(
        `Cannot start listener: prefix must be another one for each listener of a registry, got "${prefix}", and the registry has ${name}`,
      );
    }
    for (const metric of this.#metrics.values()) {
      registry.registerMetric(metric);
    }
    this.timing = new TimingMetrics(this, options.parity);
    this.race = new RaceMetrics(options);
  }

  /** Adds metrics that are no node's; one that is there already stays. */
  addMetrics(metrics: readonly ExtraMetric[]): void {
    for (const [name, help, read] of metrics) {
      if (this.#metrics.has(this.#options.prefix + name)) continue;
      const metric = this.#add(name, help, [], (add) => add({}, read()));
      this.registry.registerMetric(metric);
    }
  }

  /** Observes a value of a node, unless the node was removed. */
  observe(
    name: Timing,
    node: NodeState,
    value: number,
    exemplar?: Record<string, string>,
  ): void {
    const series = this.#series.get(node) ?? this.#addSeries(node);
    if (series === undefined) return;
    if (exemplar !== undefined) {
      // At once: an exemplar has the time at which it is observed.
      const { histogram, labels } = series[name];
      histogram.observe({ labels, value, exemplarLabels: exemplar });
      return;
    }
    this.#valueSeries[this.#pending] = series[name];
    this.#values[this.#pending++] = value;
    if (this.#pending === MOST_PENDING) this.#flush();
  }

  /** Removes the series of a node. Those that are read from the nodes' state go with the node. */
  forget(node: NodeState): void {
    this.#flush();
    const series = this.#series.get(node);
    this.#series.delete(node);
    for (const { histogram, labels } of Object.values(series ?? {})) {
      histogram.remove(labels);
    }
    this.race.forget(node.name);
  }

  #addSeries(node: NodeState): Record<Timing, Series> | undefined {
    const { labels, nodes } = this.#options;
    if (nodes.get(node.name) !== node) return undefined;
    const series = {} as Record<Timing, Series>;
    for (const [name, histogram] of this.#histograms) {
      series[name] = { histogram, labels: { ...labels, addr: node.name } };
    }
    // A rule sees an increase from 0 only: without it, the first reorg would raise no alert.
    series.reorgDepth.histogram.zero(series.reorgDepth.labels);
    this.#series.set(node, series);
    return series;
  }

  #flush(): void {
    for (let index = 0; index < this.#pending; index++) {
      const { histogram, labels } = this.#valueSeries[index]!;
      histogram.observe({ labels, value: this.#values[index]! });
    }
    this.#pending = 0;
  }

  release(): void {
    for (const name of this.#metrics.keys()) {
      this.registry.removeSingleMetric(name);
    }
    this.race.release();
  }

  /** The series from which Obol's dashboards take the names of clusters and peers. */
  #addPeerName(): void {
    const { registry } = this;
    const { labels } = this.#options;
    if (PEER_LABELS.some((name) => labels[name] === undefined)) return;
    // It has no prefix, so listeners that share a registry share it.
    const name = "app_peer_name";
    if (registry.getMetricsAsArray().some((has) => has.name === name)) return;
    const gauge = new this.#options.prom.Gauge({
      name,
      help: "Always 1; its labels name the cluster and the peer",
      labelNames: Object.keys(labels),
      registers: [],
    });
    gauge.set({ ...labels }, 1);
    this.#metrics.set(name, gauge);
  }

  #add(
    name: string,
    help: string,
    labelNames: string[],
    read: (
      add: (labels: Record<string, string>, amount: number) => void,
    ) => void,
  ): Metric {
    const { prom, prefix, labels } = this.#options;
    function collect(this: Counter | Gauge): void {
      this.reset();
      read((own, amount) => this.inc({ ...labels, ...own }, amount));
    }
    const configuration = {
      name: prefix + name,
      help,
      labelNames: [...labelNames, ...Object.keys(labels)],
      registers: [],
      collect,
    };
    const Kind = name.endsWith("_total") ? prom.Counter : prom.Gauge;
    const metric = new Kind(configuration);
    this.#metrics.set(prefix + name, metric);
    return metric;
  }
}

interface Series {
  histogram: Histogram;
  labels: Record<string, string>;
}

/** How many observations wait for a scrape. */
const MOST_PENDING = 16_384;

const PEER_LABELS = ["cluster_name", "cluster_hash", "cluster_peer"];

/** All of them are shown from the start: a rule sees an increase from 0 only. */
const GAP_KINDS = ["reconnect", "dropped", "queue"] as const;

const BLOCK_BUCKETS = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8, 10, 12];

/** Charon's histograms: name, help, buckets. */
const HISTOGRAMS = {
  headDelay: [
    "sse_head_delay",
    "Seconds from the start of the slot to the head update; past 4 attestations miss the head",
    [2, 4, 6, 8, 10, 12],
  ],
  reorgDepth: [
    "sse_chain_reorg_depth",
    "Depth of the node's chain reorgs, in slots",
    [1, 2, 4, 6, 8, 16],
  ],
  blockGossip: [
    "sse_block_gossip",
    "Seconds from the start of the slot to the block's arrival over gossip",
    BLOCK_BUCKETS,
  ],
  block: [
    "sse_block",
    "Seconds from the start of the slot to the block's import into fork choice",
    BLOCK_BUCKETS,
  ],
  blockProcessingTime: [
    "sse_block_processing_time",
    "Seconds from the block's arrival over gossip to the head update",
    [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 4],
  ],
} as const satisfies Record<Timing, [string, string, readonly number[]]>;

type Amounts = Iterable<readonly [labelValue: string, amount: number]>;

/** What is read of each node: one amount, or one for each value of a label besides `addr`. */
const NODE_METRICS: Readonly<
  Record<
    string,
    readonly [
      help: string,
      read: (node: NodeState) => number | undefined | Amounts,
      label?: string,
    ]
  >
> = {
  sse_head_slot: ["Slot of the last head of the node", (node) => node.headSlot],
  sse_connected: [
    "Whether the event stream of the node is open",
    ({ state }) => Number(state === "connected"),
  ],
  sse_node_syncing: [
    "Whether the node reports that it is catching up",
    ({ syncing }) => syncing && Number(syncing.isSyncing),
  ],
  sse_node_optimistic: [
    "Whether the node reports that its head is not verified yet",
    ({ syncing }) => syncing && Number(syncing.isOptimistic),
  ],
  sse_node_el_offline: [
    "Whether the node reports that its execution client does not answer",
    ({ syncing }) => syncing && Number(syncing.elOffline),
  ],
  sse_last_event_timestamp_seconds: [
    "Unix time of the node's last event",
    ({ lastEventAt }) => lastEventAt && lastEventAt / 1000,
  ],
  sse_reconnects_total: [
    "Connections to the node that ended or could not be made",
    (node) => node.reconnects,
    "reason",
  ],
  sse_events_total: [
    "Valid events of the node",
    (node) => node.counts.get("events"),
    "topic",
  ],
  sse_malformed_total: [
    "Events of the node whose payload was not what its topic requires",
    (node) => node.counts.get("malformed"),
    "topic",
  ],
  sse_suppressed_total: [
    "Valid events of the node that were not delivered: repeats, or behind the other nodes",
    (node) => node.suppressed,
    "reason",
  ],
  sse_gaps_total: [
    "Times that events of the node may be missing",
    ({ gaps }) => GAP_KINDS.map((kind) => [kind, gaps.get(kind) ?? 0]),
    "kind",
  ],
  sse_topic_active: [
    "Whether the topic is requested from the node; 0 where the node refuses one that is wanted",
    ({ topics, missingTopics }) => [
      ...topics.map((topic) => [topic, 1] as const),
      ...missingTopics.map((topic) => [topic, 0] as const),
    ],
    "topic",
  ],
  sse_late_total: [
    "Heads and blocks that came after attestations were due",
    (node) => node.counts.get("late"),
    "topic",
  ],
  sse_oversize_total: [
    "Events of the node above the byte cap",
    (node) => node.oversized,
  ],
  sse_bytes_total: [
    "Bytes received on the node's event stream",
    (node) => node.bytes,
  ],
};

/** Nodes on the most frequent head, of those that are connected and have reported one. */
function headAgreement(nodes: Iterable<NodeState>): number | undefined {
  const counts = new Map<string, number>();
  let all = 0;
  for (const { state, chain: { head } } of nodes) {
    if (state !== "connected" || head === undefined) continue;
    count(counts, head.root);
    all++;
  }
  return all === 0 ? undefined : Math.max(...counts.values()) / all;
}
