/** Reports what happens to the nodes' connections: to their state, to `status()` and to the log. */

import type { NodeSyncing } from "../beacon/api/syncing.ts";
import type { Broadcast } from "./broadcast/broadcast.ts";
import type { WrongChainError } from "./chain/chain_errors.ts";
import type { LogEntry, LogFunction } from "./log.ts";
import { count, type NodeState } from "./node_state.ts";
import {
  type DisconnectReason,
  type NodeStatus,
  withErrorsInJson,
} from "./node_status.ts";

interface NodeReporterOptions {
  status: Broadcast<NodeStatus>;
  now: () => number;
  log: LogFunction;
}

interface Disconnect {
  reason: DisconnectReason;
  error: Error;
  retryInMs: number;
}

export class NodeReporter {
  readonly #options: NodeReporterOptions;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  clockKnown(node: string): void {
    this.#post("clock", node, {});
  }

  chainChanged(node: string, previousRoot: string, root: string): void {
    this.#post("chain", node, { previousRoot, root });
    const message =
      `The chain has changed: genesis_validators_root ${root} instead of ${previousRoot}; all that was known of the old chain is dropped`;
    this.#options.log({ level: "warn", message, node });
  }

  /** @param syncing `undefined` where the node answered with something else. */
  synced(node: NodeState, syncing: NodeSyncing | undefined): void {
    const before = node.syncing ?? HEALTHY;
    node.syncing = syncing;
    if (syncing === undefined) return;
    const { isSyncing, isOptimistic, elOffline } = syncing;
    if (
      isSyncing === before.isSyncing && elOffline === before.elOffline &&
      isOptimistic === before.isOptimistic
    ) return;
    this.#post("health", node.name, syncing);
    const troubles = [
      isSyncing && "is syncing",
      isOptimistic && "follows a head that is not verified yet",
      elOffline && "has no connection to its execution client",
    ].filter(Boolean);
    const message = `The node ${troubles.join(", ") || "is in sync"}`;
    this.#log(troubles.length > 0 ? "warn" : "info", node, message);
  }

  connected(node: NodeState): void {
    const { name, topics } = node;
    node.state = "connected";
    node.away = undefined;
    this.#post("connected", name, { topics });
    this.#log("info", node, `Listening for ${topics.join(", ")}`);
  }

  disconnected(
    node: NodeState,
    { reason, error, retryInMs }: Disconnect,
  ): void {
    const { now } = this.#options;
    node.state = reason === "chain" ? "wrong_chain" : "disconnected";
    node.lastError = error;
    count(node.reconnects, reason);
    this.#post("disconnected", node.name, { reason, error, retryInMs });
    let message = `${error.message}; next attempt in ${
      (retryInMs / 1000).toFixed(1)
    } s`;
    if (node.away === undefined) {
      node.away = { since: now(), attempts: 0 };
      node.warnedAt.delete("disconnect");
    } else {
      const minutes = Math.round((now() - node.away.since) / 60_000);
      const attempts = ++node.away.attempts;
      message = `Away for ${minutes} min, ${attempts} attempts: ${message}`;
    }
    this.warn(node, "disconnect", message, error, AWAY_INTERVAL_MS);
  }

  oversized(node: NodeState): void {
    const { oversized } = node;
    if (oversized === node.oversizedReported) return;
    node.oversizedReported = oversized;
    this.warn(node, "oversize", "Skipped an event that is over maxEventBytes");
  }

  closed(node: NodeState): void {
    node.state = "closed";
  }

  topicsChanged(
    node: NodeState,
    { topics, form }: Pick<Change<"topics">, "topics" | "form">,
    missing: readonly string[],
  ): void {
    const isOther = node.topicForm !== form ||
      (node.topics !== topics && node.topics.join() !== topics.join());
    // The same array from now on, which is quick to compare.
    node.topics = topics;
    if (!isOther) return;
    node.topicForm = form;
    node.missingTopics = missing;
    this.#post("topics", node.name, { topics, missing, form });
    const list = topics.join(", ");
    if (missing.length === 0) {
      this.#log("info", node, `Requesting ${list}`);
    } else {
      const refused = missing.join(", ");
      const message = `The node does not take ${refused}; requesting ${list}`;
      this.#log("warn", node, message);
    }
  }

  wrongChain(
    node: NodeState,
    { expectedRoot, actualRoot }: WrongChainError,
  ): void {
    this.#post("wrong_chain", node.name, { expectedRoot, actualRoot });
  }

  stale(node: NodeState): void {
    const { name, lastEventAt } = node;
    this.#post("stale", name, lastEventAt === undefined ? {} : { lastEventAt });
    const message =
      "No event for two epochs, though the node reports that it is in sync";
    this.#log("warn", node, message);
  }

  gap(node: NodeState, gap: Change<"gap">): void {
    const { kind, from, to, topics, reason } = gap;
    count(node.gaps, kind);
    this.#post("gap", node.name, gap);
    const message =
      `Events of slots ${from} to ${to} may be missing (${kind}), of ${
        topics.join(", ")
      }${reason === undefined ? "" : `: ${reason}`}`;
    this.warn(node, `gap ${kind}`, message);
  }

  /** A necessary answer of the node cannot be used; it is requested again. */
  failed(node: NodeState, kind: string, error: Error): void {
    node.lastError = error;
    this.warn(node, kind, error.message, error);
  }

  /**
   * Logs a warning, unless one of its kind was logged for the node a short time ago: a broken node
   * must not flood the log. Kinds must be few.
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
    this.#log("warn", node, message, error);
  }

  #post<T extends NodeStatus["type"]>(
    type: T,
    node: string,
    change: Change<T>,
  ): void {
    const { now, status } = this.#options;
    const at = now();
    status.post(withErrorsInJson({ type, node, at, ...change } as NodeStatus));
  }

  #log(
    level: LogEntry["level"],
    { name: node }: NodeState,
    message: string,
    error?: Error,
  ): void {
    this.#options.log({ level, message, node, ...(error && { error }) });
  }
}

/** What a change of a type has besides its node and time. */
type Change<T extends NodeStatus["type"]> = Omit<
  Extract<NodeStatus, { type: T }>,
  "type" | "node" | "at"
>;

/** What is assumed of a node until it reports something else. */
const HEALTHY = { isSyncing: false, isOptimistic: false, elOffline: false };
const WARN_INTERVAL_MS = 10_000;
const AWAY_INTERVAL_MS = 60_000;
