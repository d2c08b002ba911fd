/** Reports what happens to the nodes' connections: to their state, to `status()` and to the log. */

import type { NodeSyncing } from "../beacon/api/syncing.ts";
import type { Broadcast } from "./broadcast/broadcast.ts";
import type { WrongChainError } from "./chain/chain_errors.ts";
import type { LogFunction } from "./log.ts";
import { count, type NodeState } from "./node_state.ts";
import {
  type DisconnectReason,
  type GapStatus,
  type NodeStatus,
  withErrorsInJson,
} from "./node_status.ts";
import type { TopicRequest } from "./connection/topic_negotiation.ts";

export interface NodeReporterOptions {
  status: Broadcast<NodeStatus>;
  now: () => number;
  log: LogFunction;
}

export interface Disconnect {
  reason: DisconnectReason;
  error: Error;
  retryInMs: number;
}

/** Writes the state of each node's connection, and reports every change of it. */
export class NodeReporter {
  readonly #options: NodeReporterOptions;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  clockKnown(node: string): void {
    const { now, status } = this.#options;
    status.post({ type: "clock", node, at: now() });
  }

  /** The listener follows another chain, after a report of the node. */
  chainChanged(node: string, previousRoot: string, root: string): void {
    const { now, status, log } = this.#options;
    status.post({ type: "chain", node, at: now(), previousRoot, root });
    log({
      level: "warn",
      message:
        `The chain has changed: genesis_validators_root ${root} instead of ${previousRoot}; all that was known of the old chain is dropped`,
      node,
    });
  }

  /** The node answered the request for its sync state, with another answer than the specified one where `undefined`. */
  synced(node: NodeState, syncing: NodeSyncing | undefined): void {
    const before = node.syncing ?? HEALTHY;
    node.syncing = syncing;
    if (syncing === undefined) return;
    const { isSyncing, isOptimistic, elOffline } = syncing;
    if (
      isSyncing === before.isSyncing && elOffline === before.elOffline &&
      isOptimistic === before.isOptimistic
    ) return;
    const { now, status, log } = this.#options;
    status.post({ type: "health", node: node.name, at: now(), ...syncing });
    const troubles = [
      isSyncing && "is syncing",
      isOptimistic && "follows a head that is not verified yet",
      elOffline && "has no connection to its execution client",
    ].filter(Boolean);
    const message = `The node ${troubles.join(", ") || "is in sync"}`;
    const level = troubles.length > 0 ? "warn" : "info";
    log({ level, message, node: node.name });
  }

  connected(node: NodeState, oversized: () => number): void {
    const { now, status, log } = this.#options;
    node.state = "connected";
    node.away = undefined;
    node.oversizedNow = oversized;
    status.post({
      type: "connected",
      node: node.name,
      at: now(),
      topics: node.topics,
    });
    log({
      level: "info",
      message: `Listening for ${node.topics.join(", ")}`,
      node: node.name,
    });
  }

  disconnected(
    node: NodeState,
    { reason, error, retryInMs }: Disconnect,
  ): void {
    const { now, status } = this.#options;
    this.#detach(node);
    node.state = reason === "chain" ? "wrong_chain" : "disconnected";
    node.lastError = error;
    count(node.reconnects, reason);
    status.post(withErrorsInJson({
      type: "disconnected",
      node: node.name,
      at: now(),
      reason,
      error,
      retryInMs,
    }));
    const next = `${error.message}; next attempt in ${
      (retryInMs / 1000).toFixed(1)
    } s`;
    const kind = "disconnect";
    if (node.away === undefined) {
      node.away = { since: now(), attempts: 0 };
      node.warnedAt.delete(kind);
      this.warn(node, kind, next, error, AWAY_INTERVAL_MS);
      return;
    }
    const { since } = node.away;
    const attempts = ++node.away.attempts;
    const awayFor = `${Math.round((now() - since) / 60_000)} min`;
    const message = `Away for ${awayFor}, ${attempts} attempts: ${next}`;
    this.warn(node, kind, message, error, AWAY_INTERVAL_MS);
  }

  /** Warns of events over the byte cap, if there were any since the last call. */
  oversized(node: NodeState): void {
    const { oversized } = node;
    if (oversized === node.oversizedReported) return;
    node.oversizedReported = oversized;
    this.warn(node, "oversize", "Skipped an event that is over maxEventBytes");
  }

  closed(node: NodeState): void {
    this.#detach(node);
    node.state = "closed";
  }

  topicsChanged(
    node: NodeState,
    { topics, form }: TopicRequest,
    missing: readonly string[],
  ): void {
    const { now, status, log } = this.#options;
    const isOther = node.topicForm !== form ||
      (node.topics !== topics && node.topics.join() !== topics.join());
    // The same array from now on, which is quick to compare.
    node.topics = topics;
    if (!isOther) return;
    node.topicForm = form;
    node.missingTopics = missing;
    status.post({
      type: "topics",
      node: node.name,
      at: now(),
      topics,
      missing,
      form,
    });
    log({
      level: missing.length > 0 ? "warn" : "info",
      message: missing.length > 0
        ? `The node does not take ${missing.join(", ")}; requesting ${
          topics.join(", ")
        }`
        : `Requesting ${topics.join(", ")}`,
      node: node.name,
    });
  }

  wrongChain(
    node: NodeState,
    { expectedRoot, actualRoot }: WrongChainError,
  ): void {
    const { now, status } = this.#options;
    status.post({
      type: "wrong_chain",
      node: node.name,
      at: now(),
      expectedRoot,
      actualRoot,
    });
  }

  /** The node sends nothing, though it reports that it is in sync. */
  stale(node: NodeState): void {
    const { now, status, log } = this.#options;
    const change: NodeStatus = { type: "stale", node: node.name, at: now() };
    if (node.lastEventAt !== undefined) change.lastEventAt = node.lastEventAt;
    status.post(change);
    log({
      level: "warn",
      message:
        "No event for two epochs, though the node reports that it is in sync",
      node: node.name,
    });
  }

  gap(node: NodeState, gap: Omit<GapStatus, "type" | "at" | "node">): void {
    const { now, status } = this.#options;
    count(node.gaps, gap.kind);
    status.post({ type: "gap", node: node.name, at: now(), ...gap });
    const reason = gap.reason === undefined ? "" : `: ${gap.reason}`;
    this.warn(
      node,
      `gap ${gap.kind}`,
      `Events of slots ${gap.from} to ${gap.to} may be missing (${gap.kind}), of ${
        gap.topics.join(", ")
      }${reason}`,
    );
  }

  /** A necessary answer of the node cannot be used; it is requested again. */
  failed(node: NodeState, kind: string, error: Error): void {
    node.lastError = error;
    this.warn(node, kind, error.message, error);
  }

  /**
   * Logs a warning, unless one of its kind was logged for the node a short time ago: a broken node must
   * not flood the log.
   *
   * @param kind Kinds must be few.
   * @param intervalMs The shortest time between two of the kind, in milliseconds.
   */
  warn(
    node: NodeState,
    kind: string,
    message: string,
    error?: Error,
    intervalMs: number = WARN_INTERVAL_MS,
  ): void {
    const now = this.#options.now();
    const last = node.warnedAt.get(kind);
    if (last !== undefined && now >= last && now - last < intervalMs) return;
    node.warnedAt.set(kind, now);
    this.#options.log({
      level: "warn",
      message,
      node: node.name,
      ...(error === undefined ? {} : { error }),
    });
  }

  #detach(node: NodeState): void {
    node.oversizedBefore = node.oversized;
    node.oversizedNow = () => 0;
  }
}

/** What a node is taken for until it reports something else. */
const HEALTHY = { isSyncing: false, isOptimistic: false, elOffline: false };
const WARN_INTERVAL_MS = 10_000;
const AWAY_INTERVAL_MS = 60_000;
