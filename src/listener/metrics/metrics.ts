/**
 * The listener's Prometheus metrics: Charon's six under Charon's names, and its own. Counters and
 * gauges are read from plain fields when scraped, and the histograms count in plain fields too.
 */

import { Counter, Gauge, type Metric, type Registry } from "prom-client";
import { NodeHistogram } from "./node_histogram.ts";
import type { NodeState } from "../node_state.ts";

/** What {@linkcode ListenerMetrics} reads when it is scraped. */
export interface MetricsSource {
  /** The nodes by name, as they are now. */
  nodes: ReadonlyMap<string, NodeState>;
  /** How many values each kind of queue has lost to slow subscribers. */
  lost: () => Record<string, number>;
}

/** Registers the metrics and observes delays. All durations are in seconds. */
export class ListenerMetrics {
  /** Slot start to head update. */
  readonly headDelay: NodeHistogram;
  /** Depth of reorgs in slots. */
  readonly reorgDepth: NodeHistogram;
  /** Slot start to block seen on gossip. */
  readonly blockGossip: NodeHistogram;
  /** Slot start to block imported. */
  readonly block: NodeHistogram;
  /** Block seen on gossip to head update. */
  readonly blockProcessingTime: NodeHistogram;
  readonly #registry: Registry;
  readonly #names: string[];

  /**
   * @param registry Where the metrics are registered.
   * @param prefix What their names begin with.
   * @param source What is read when scraped.
   * @throws {TypeError} If the registry has a metric of such a name from another source; then none is
   * registered.
   */
  constructor(registry: Registry, prefix: string, source: MetricsSource) {
    const { nodes, lost } = source;
    const metrics = new Map<string, Metric>();

    function histogram(
      name: string,
      help: string,
      buckets: number[],
    ): NodeHistogram {
      const metric = new NodeHistogram({ name: prefix + name, help, buckets });
      // The registry asks no more of a metric than this one has; its type asks for a class of its own.
      metrics.set(prefix + name, metric as unknown as Metric);
      return metric;
    }

    function gauge(
      name: string,
      help: string,
      read: (node: NodeState) => number | undefined,
    ): void {
      const metric = new Gauge({
        name: prefix + name,
        help,
        labelNames: ["addr"],
        registers: [],
        collect() {
          this.reset();
          for (const node of nodes.values()) {
            const value = read(node);
            if (value !== undefined) this.set({ addr: node.name }, value);
          }
        },
      });
      metrics.set(prefix + name, metric);
    }

    function counter<L extends string>(
      name: string,
      help: string,
      labelNames: L[],
      read: (add: (labels: Record<L, string>, value: number) => void) => void,
    ): void {
      const metric = new Counter({
        name: prefix + name,
        help,
        labelNames,
        registers: [],
        collect() {
          this.reset();
          read((labels, value) => this.inc(labels, value));
        },
      });
      metrics.set(prefix + name, metric);
    }

    function counterOf<L extends string>(
      name: string,
      help: string,
      label: L,
      counts: (node: NodeState) => Iterable<[string, number]>,
    ): void {
      counter<"addr" | L>(name, help, ["addr", label], (add) => {
        for (const node of nodes.values()) {
          for (const [value, amount] of counts(node)) {
            add(
              { addr: node.name, [label]: value } as Record<"addr" | L, string>,
              amount,
            );
          }
        }
      });
    }

    gauge(
      "sse_head_slot",
      "Slot of the last head of the node",
      (node) => node.headSlot,
    );
    this.headDelay = histogram(
      "sse_head_delay",
      "Seconds from the start of the slot to the head update; past 4 attestations miss the head",
      [2, 4, 6, 8, 10, 12],
    );
    this.reorgDepth = histogram(
      "sse_chain_reorg_depth",
      "Depth of the node's chain reorgs, in slots",
      [1, 2, 4, 6, 8, 16],
    );
    this.blockGossip = histogram(
      "sse_block_gossip",
      "Seconds from the start of the slot to the block's arrival over gossip",
      BLOCK_BUCKETS,
    );
    this.block = histogram(
      "sse_block",
      "Seconds from the start of the slot to the block's import into fork choice",
      BLOCK_BUCKETS,
    );
    this.blockProcessingTime = histogram(
      "sse_block_processing_time",
      "Seconds from the block's arrival over gossip to the head update",
      [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 4],
    );

    gauge(
      "sse_connected",
      "Whether the event stream of the node is open",
      (node) => node.state === "connected" ? 1 : 0,
    );
    gauge(
      "sse_last_event_timestamp_seconds",
      "Unix time of the node's last event",
      (node) =>
        node.lastEventAt === undefined ? undefined : node.lastEventAt / 1000,
    );
    counterOf(
      "sse_reconnects_total",
      "Connections to the node that ended or could not be made",
      "reason",
      (node) => node.reconnects,
    );
    counterOf(
      "sse_events_total",
      "Valid events of the node",
      "topic",
      (node) => node.counts.get("events"),
    );
    counterOf(
      "sse_malformed_total",
      "Events of the node whose payload was not what the topic says",
      "topic",
      (node) => node.counts.get("malformed"),
    );
    counterOf(
      "sse_suppressed_total",
      "Valid events of the node that were not delivered: told before, or a head behind the others",
      "reason",
      (node) => node.suppressed,
    );
    counterOf(
      "sse_gaps_total",
      "Times that events of the node may be missing",
      "kind",
      (node) => node.gaps,
    );
    const topicActive = new Gauge({
      name: `${prefix}sse_topic_active`,
      help:
        "Whether the node is asked for the topic; 0 where it refuses one that is wanted",
      labelNames: ["addr", "topic"],
      registers: [],
      collect() {
        this.reset();
        for (const { name: addr, topics, missingTopics } of nodes.values()) {
          for (const topic of topics) this.set({ addr, topic }, 1);
          for (const topic of missingTopics) this.set({ addr, topic }, 0);
        }
      },
    });
    metrics.set(`${prefix}sse_topic_active`, topicActive);
    counterOf(
      "sse_late_total",
      "Heads and blocks that came after attestations were due",
      "topic",
      (node) => node.counts.get("late"),
    );
    counter("sse_oversize_total", "Events of the node above the byte cap", [
      "addr",
    ], (add) => {
      for (const node of nodes.values()) {
        add({ addr: node.name }, node.oversized);
      }
    });
    counter("sse_bytes_total", "Bytes received on the node's event stream", [
      "addr",
    ], (add) => {
      for (const node of nodes.values()) add({ addr: node.name }, node.bytes);
    });
    counter(
      "sse_dropped_total",
      "Values that slow subscribers lost; of reorgs: that were merged into another one",
      ["queue"],
      (add) => {
        for (const [queue, amount] of Object.entries(lost())) {
          add({ queue }, amount);
        }
      },
    );
    this.#registry = registry;
    this.#names = [...metrics.keys()];
    register(registry, prefix, metrics);
  }

  /** Forgets a node that was removed. */
  forget(node: string): void {
    this.headDelay.forget(node);
    this.reorgDepth.forget(node);
    this.blockGossip.forget(node);
    this.block.forget(node);
    this.blockProcessingTime.forget(node);
  }

  /**
   * Lets a later listener register the same names in this registry; until then they stay readable.
   */
  release(): void {
    const names = released.get(this.#registry) ?? new Set();
    for (const name of this.#names) names.add(name);
    released.set(this.#registry, names);
  }
}

const BLOCK_BUCKETS = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8, 10, 12];

/** Names of metrics whose listener has ended, which a later one may take over in the same registry. */
const released = new WeakMap<Registry, Set<string>>();

function register(
  registry: Registry,
  prefix: string,
  metrics: ReadonlyMap<string, Metric>,
): void {
  const free = released.get(registry);
  for (const { name } of registry.getMetricsAsArray()) {
    if (!metrics.has(name) || free?.has(name)) continue;
    throw new TypeError(
      `Cannot start listener: prefix must be another one for each listener of a registry, got "${prefix}", and the registry has ${name}`,
    );
  }
  for (const [name, metric] of metrics) {
    if (free?.delete(name)) registry.removeSingleMetric(name);
    registry.registerMetric(metric);
  }
}
