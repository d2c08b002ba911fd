/** The listener's options, and the check of what a user gave. */

import type { Registry } from "prom-client";
import {
  type ChainConfig,
  createSlotClock,
} from "../beacon/api/chain_config.ts";
import {
  type BeaconNodeOptions,
  NodeEndpoint,
} from "../beacon/http/endpoint.ts";
import { isTopicName } from "../beacon/events/topic.ts";
import {
  checkFunction,
  checkInteger,
  checkNames,
  checkObject,
  checkSignal,
  refuse,
} from "../values/check.ts";
import { DEFAULT_MAX_BYTES } from "./broadcast/broadcast.ts";
import { type Log, toLogFunction } from "./log.ts";
import { type MetricsRegistry, OWN_LABELS } from "./metrics/registry.ts";

/** Options for `SseListener.start()`. */
export interface SseListenerOptions {
  /** The beacon nodes, by base URL or with name and headers. */
  nodes: readonly (string | URL | BeaconNodeOptions)[];
  /**
   * The topics to listen to.
   *
   * @default {["head", "chain_reorg", "block", "block_gossip"]}
   */
  topics?: readonly string[];
  /** Ends the listener when aborted. */
  signal?: AbortSignal;
  /**
   * Where the metrics are registered until the listener ends. Several listeners need a `prefix` each
   * to share one. With `false` there are no metrics, and prom-client is not loaded: it does not run in
   * browsers.
   *
   * @default A fresh one.
   */
  registry?: MetricsRegistry | false;
  /**
   * What the names of the metrics begin with.
   *
   * @default {"app_beacon_node_"}
   */
  prefix?: string;
  /**
   * Labels that all series have, such as `{ cluster_name: "a" }`. With `cluster_name`, `cluster_hash`
   * and `cluster_peer` there is the series `app_peer_name` too, which Obol's dashboards read.
   */
  labels?: Readonly<Record<string, string>>;
  /** Genesis and timing of the chain, if known: they are not requested from the nodes then. */
  config?: ChainConfig;
  /** `"charon"`: late heads are not observed, and a reorg counts if its epoch is not the last one's. */
  parity?: "charon";
  /**
   * The most bytes of one event; a larger one is dropped and counted.
   *
   * @default {4194304}
   */
  maxEventBytes?: number;
  /**
   * The most bytes that wait for one slow subscriber; beyond them the oldest values are dropped.
   *
   * @default {67108864}
   */
  maxQueueBytes?: number;
  /**
   * How long a stream may be silent, in milliseconds; at most 2147483647, which is 24 days.
   *
   * @default Five slots; 60 seconds until the slot's length is known.
   */
  idleTimeoutMs?: number;
  /**
   * Takes state changes and rate-limited warnings: `console`, a logger with the same methods, or a
   * function that takes entries. Silent by default.
   */
  log?: Log;
  /** The `fetch` to use. */
  fetch?: typeof fetch;
  /** Wall clock, Unix time in milliseconds. */
  now?: () => number;
  /** Uniform in [0, 1), for the jitter of reconnects. */
  random?: () => number;
}

export type CheckedOptions = ReturnType<typeof checkOptions>;

/**
 * @throws {TypeError} If an option is of the wrong kind; the message names it and its value.
 * @throws {RangeError} If a number is out of its range; the message names it and its value.
 */
export function checkOptions(options: SseListenerOptions) {
  checkRuntime();
  checkObject(ACTION, "options", options);
  checkNames(ACTION, "options", options, NAMES);
  const {
    signal,
    registry,
    prefix = "app_beacon_node_",
    parity,
    config,
  } = options;
  checkSignal(ACTION, signal);
  if (
    registry !== undefined && registry !== false &&
    REGISTRY_METHODS.some((name) => typeof registry?.[name] !== "function")
  ) refuse(ACTION, "registry", "a Registry", registry);
  if (
    typeof prefix !== "string" || !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(prefix)
  ) {
    refuse(ACTION, "prefix", "the beginning of a metric name", prefix);
  }
  if (parity !== undefined && parity !== "charon") {
    refuse(ACTION, "parity", `"charon"`, parity);
  }
  if (config !== undefined) {
    checkNames(ACTION, "config", config, CONFIG_NAMES);
    createSlotClock(config);
  }
  const { maxEventBytes, idleTimeoutMs, log, fetch, now, random } = options;
  const { maxQueueBytes = DEFAULT_MAX_BYTES } = options;
  checkInteger(ACTION, "maxQueueBytes", maxQueueBytes, 1);
  if (maxEventBytes !== undefined) {
    checkInteger(ACTION, "maxEventBytes", maxEventBytes, 1);
  }
  if (idleTimeoutMs !== undefined) {
    checkInteger(ACTION, "idleTimeoutMs", idleTimeoutMs, 1, MOST_TIMER_MS);
  }
  for (const [name, value] of Object.entries({ fetch, now, random })) {
    checkFunction(ACTION, name, value);
  }
  return {
    endpoints: checkNodes(options.nodes),
    topics: checkTopics(
      options.topics === undefined ? DEFAULT_TOPICS : options.topics,
    ),
    signal,
    registry: registry as Registry | false | undefined,
    prefix,
    labels: checkLabels(options.labels),
    config,
    parity,
    maxEventBytes,
    maxQueueBytes,
    idleTimeoutMs,
    log: toLogFunction(ACTION, log),
    fetch,
    now: now ?? Date.now,
    random: random ?? Math.random,
  };
}

/** Without these, an error would come from deep inside. */
function checkRuntime(): void {
  const lacks = [
    typeof Promise.withResolvers !== "function" && "Promise.withResolvers",
    typeof AbortSignal.any !== "function" && "AbortSignal.any",
  ].filter(Boolean);
  if (lacks.length === 0) return;
  throw new Error(
    `Cannot ${ACTION}: the runtime must be Deno 2, Node 22, Bun 1.2, a browser of 2024, or later; this one lacks ${
      lacks.join(" and ")
    }`,
  );
}

const ACTION = "start listener";
const NAMES: Record<keyof SseListenerOptions, true> = {
  nodes: true,
  topics: true,
  signal: true,
  registry: true,
  prefix: true,
  labels: true,
  config: true,
  parity: true,
  maxEventBytes: true,
  maxQueueBytes: true,
  idleTimeoutMs: true,
  log: true,
  fetch: true,
  now: true,
  random: true,
};
const CONFIG_NAMES: Record<keyof ChainConfig, true> = {
  genesisTime: true,
  slotDurationMs: true,
  slotsPerEpoch: true,
  attestationDueBps: true,
  attestationDueBpsGloas: true,
  gloasForkEpoch: true,
  genesisValidatorsRoot: true,
};
const MOST_TIMER_MS = 2 ** 31 - 1;
const REGISTRY_METHODS = [
  "metrics",
  "getMetricsAsJSON",
  "registerMetric",
  "getMetricsAsArray",
  "removeSingleMetric",
] as const;

const DEFAULT_TOPICS = ["head", "chain_reorg", "block", "block_gossip"];

function checkLabels(
  labels: SseListenerOptions["labels"] = {},
): Readonly<Record<string, string>> {
  checkObject(ACTION, "labels", labels);
  for (const [name, value] of Object.entries(labels)) {
    if (
      !/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || OWN_LABELS.includes(name)
    ) {
      refuse(
        ACTION,
        "labels",
        `names of labels other than ${OWN_LABELS.join(", ")}`,
        name,
      );
    }
    if (typeof value !== "string") {
      refuse(ACTION, `labels.${name}`, "a string", value);
    }
  }
  return { ...labels };
}

/** The topics, each once: some nodes refuse a list that names one twice. */
function checkTopics(topics: readonly string[]): string[] {
  if (!Array.isArray(topics) || topics.length === 0) {
    refuse(ACTION, "topics", "a non-empty array", topics);
  }
  for (const topic of topics) {
    if (typeof topic !== "string" || !isTopicName(topic)) {
      refuse(ACTION, "topics", "topic names", topic);
    }
  }
  return [...new Set(topics)];
}

function checkNodes(nodes: SseListenerOptions["nodes"]): NodeEndpoint[] {
  if (!Array.isArray(nodes) || nodes.length === 0) {
    refuse(ACTION, "nodes", "a non-empty array", nodes);
  }
  const names = new Set<string>();
  return nodes.map((node) => {
    const endpoint = new NodeEndpoint(node);
    if (names.has(endpoint.name)) {
      throw new TypeError(
        `Cannot start listener: nodes must have different names, got "${endpoint.name}" twice`,
      );
    }
    names.add(endpoint.name);
    return endpoint;
  });
}
