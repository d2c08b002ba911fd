/** What happens to the nodes' connections: kept in their state, told to subscribers and to the log. */

import type { NodeSyncing } from "../beacon/api/syncing.ts";
import type { Broadcast } from "./broadcast/broadcast.ts";
import type { WrongChainError } from "./connection/wrong_chain_error.ts";
import type { Log } from "./log.ts";
import { count, type NodeState } from "./node_state.ts";
import type { DisconnectReason, GapStatus, NodeStatus } from "./node_status.ts";
import { RateLimit } from "./connection/rate_limit.ts";
import type { TopicRequest } from "./connection/topic_negotiation.ts";

/** What a {@linkcode Lifecycle} works with. */
export interface LifecycleOptions {
  /** Where changes go. */
  status: Broadcast<NodeStatus>;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** Where state changes and warnings go. */
  log: Log;
}

/** How a connection ended. */
export interface Disconnect {
  /** Why, in a word. */
  reason: DisconnectReason;
  /** Why, with the causes. */
  error: Error;
  /** When it is tried again, in milliseconds. */
  retryInMs: number;
}

/** Owns the state of the nodes' connections. */
export class Lifecycle {
  readonly #options: LifecycleOptions;
  readonly #warnings: RateLimit;

  /** @param options Outlets and clock. */
  constructor(options: LifecycleOptions) {
    this.#options = options;
    this.#warnings = new RateLimit(options.now);
  }

  /** Genesis and timing are known. */
  clockKnown(node: NodeState | undefined): void {
    const status: NodeStatus = { type: "clock", at: this.#options.now() };
    if (node !== undefined) status.node = node.name;
    this.#options.status.post(status);
  }

  /** The node answered the probe. */
  probed(node: NodeState, syncing: NodeSyncing | undefined): void {
    node.syncing = syncing;
  }

  /** The node's stream is open. */
  connected(node: NodeState, oversized: () => number): void {
    const { now, status, log } = this.#options;
    node.state = "connected";
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

  /** The node's stream ended, or could not be opened. */
  disconnected(
    node: NodeState,
    { reason, error, retryInMs }: Disconnect,
  ): void {
    const { now, status } = this.#options;
    const changed = node.state !== "disconnected" &&
      node.state !== "wrong_chain";
    this.#detach(node);
    node.state = reason === "chain" ? "wrong_chain" : "disconnected";
    node.lastError = error;
    count(node.reconnects, reason);
    status.post({
      type: "disconnected",
      node: node.name,
      at: now(),
      reason,
      error,
      retryInMs,
    });
    const message = `${error.message}; next attempt in ${
      (retryInMs / 1000).toFixed(1)
    } s`;
    this.warn(node, "disconnect", message, error, changed);
  }

  /** Tells of events over the byte cap, if there were any since the last time. */
  oversized(node: NodeState): void {
    const { oversized } = node;
    if (oversized === node.oversizedTold) return;
    node.oversizedTold = oversized;
    this.warn(node, "oversize", "Skipped an event that is over maxEventBytes");
  }

  /** The listener ends. */
  closed(node: NodeState): void {
    this.#detach(node);
    node.state = "closed";
  }

  /** What the node is asked for has changed. */
  topicsChanged(
    node: NodeState,
    { topics, form }: TopicRequest,
    missing: readonly string[],
  ): void {
    const { now, status, log } = this.#options;
    if (node.topics.join() === topics.join() && node.topicForm === form) return;
    node.topics = topics;
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
        ? `The node does not take ${missing.join(", ")}; asking for ${
          topics.join(", ")
        }`
        : `Asking for ${topics.join(", ")}`,
      node: node.name,
    });
  }

  /** The node is on another chain. */
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

  /** The node sends nothing, though it says that it is in sync. */
  stale(node: NodeState): void {
    const { now, status, log } = this.#options;
    const change: NodeStatus = { type: "stale", node: node.name, at: now() };
    if (node.lastEventAt !== undefined) change.lastEventAt = node.lastEventAt;
    status.post(change);
    log({
      level: "warn",
      message:
        "No event for two epochs, though the node says that it is in sync",
      node: node.name,
    });
  }

  /** Events are missing. */
  gap(node: NodeState, gap: Omit<GapStatus, "type" | "at" | "node">): void {
    const { now, status } = this.#options;
    count(node.gaps, gap.kind);
    status.post({ type: "gap", node: node.name, at: now(), ...gap });
    const reason = gap.reason === undefined ? "" : `: ${gap.reason}`;
    this.warn(
      node,
      `gap ${gap.kind}`,
      `Events of slots ${gap.from} to ${gap.to} may be missing (${gap.kind})${reason}`,
    );
  }

  /** Something that the node must tell cannot be used; it is asked again. */
  failed(node: NodeState, kind: string, error: Error): void {
    node.lastError = error;
    this.warn(node, kind, error.message, error);
  }

  /** Something is wrong; said once in a while of each kind and node. */
  warn(
    node: NodeState,
    kind: string,
    message: string,
    error?: Error,
    always = false,
  ): void {
    // Asked in any case, so that what is said always also counts as said.
    const allowed = this.#warnings.allows(`${kind} ${node.index}`);
    if (!allowed && !always) return;
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
