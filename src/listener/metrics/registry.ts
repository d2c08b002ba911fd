/** What a listener has of metrics whether they are loaded or not. */

/**
 * What a listener needs of a registry of metrics, and what users may do with the listener's: a
 * `Registry` of `npm:prom-client` is one.
 */
export interface MetricsRegistry {
  /** Value for the `content-type` header of an answer that holds the metrics. */
  readonly contentType: string;
  /** All metrics in the text format of Prometheus. */
  metrics(): Promise<string>;
  /** All metrics as plain objects. */
  getMetricsAsJSON(): Promise<readonly object[]>;
  /** Takes a metric of `npm:prom-client`. */
  registerMetric(metric: never): void;
  /** The metrics that it has. */
  getMetricsAsArray(): readonly { readonly name: string }[];
  /** Forgets a metric. */
  removeSingleMetric(name: string): void;
}

export const EMPTY_REGISTRY: MetricsRegistry = {
  contentType: "text/plain; version=0.0.4; charset=utf-8",
  metrics: () => Promise.resolve(""),
  getMetricsAsJSON: () => Promise.resolve([]),
  registerMetric() {},
  getMetricsAsArray: () => [],
  removeSingleMetric() {},
};

/** The names of labels that the listener itself gives. */
export const OWN_LABELS: readonly string[] = [
  "addr",
  "kind",
  "le",
  "queue",
  "reason",
  "topic",
];

export type PromClient = Pick<
  typeof import("prom-client"),
  "Counter" | "Gauge" | "Histogram" | "Registry"
>;
