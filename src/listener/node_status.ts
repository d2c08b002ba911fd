/** The states and changes that `SseListener.status()` yields, as a union. */

import type { NodeSyncing } from "../beacon/api/syncing.ts";

/** Why a connection ended or did not come about. Also the label `reason` of a metric. */
export type DisconnectReason =
  /** No connection, or it broke: refused, DNS, TLS, reset. */
  | "network"
  /** No HTTP answer to the probe in time. */
  | "unreachable"
  /** A status other than 200. */
  | "status"
  /** Not an event stream. */
  | "content_type"
  /** The node ended the stream. */
  | "eof"
  /** No byte in time. */
  | "idle"
  /** Bytes, but no complete event or comment in time. */
  | "stalled"
  /** This machine slept, so that the connection may be dead. */
  | "slept"
  /** The node does not take the list of topics, or takes a longer one now. */
  | "topics"
  /** The node is on another chain. */
  | "chain"
  /** The listener follows another chain; the node is connected again at once. */
  | "chain_changed";

/** What each kind of {@linkcode NodeStatus} has. */
export interface StatusOf<Type extends string> {
  /** Discriminates the union. */
  type: Type;
  /** Name of the node. */
  node: string;
  /** When, Unix time in milliseconds. */
  at: number;
}

/** The stream of a node is open. */
export interface ConnectedStatus extends StatusOf<"connected"> {
  /** The topics that were requested. */
  topics: readonly string[];
}

/** The stream of a node ended, or could not be opened. Another attempt follows. */
export interface DisconnectedStatus extends StatusOf<"disconnected"> {
  /** Why, in a word. */
  reason: DisconnectReason;
  /** Why, with the causes. */
  error: Error;
  /** Time from `at` until the next attempt, in milliseconds. */
  retryInMs: number;
}

/** Genesis and timing of the chain are known from a node. Not yielded where they were given as `config`. */
export interface ClockStatus extends StatusOf<"clock"> {}

/** The request to a node has changed: its topics, or its form. */
export interface TopicsStatus extends StatusOf<"topics"> {
  /** The topics that are requested now. */
  topics: readonly string[];
  /** The topics that the user wants and that are not requested, as the node refuses them. */
  missing: readonly string[];
  /** Form of the request: one `topics` key with commas, or a `topics` key for each. */
  form: "joined" | "repeated";
}

/** Events are missing and cannot be recovered. */
export interface GapStatus extends StatusOf<"gap"> {
  /**
   * How they were lost: while the node was not connected (`"reconnect"`), by the node, which reports it
   * (`"dropped"`), or because a subscriber of `events()` was too slow (`"queue"`).
   */
  kind: "reconnect" | "dropped" | "queue";
  /** First slot from which something may be missing. */
  from: number;
  /** Last slot from which something may be missing. */
  to: number;
  /** The topics that may be concerned. */
  topics: readonly string[];
  /** How many events were lost, where that is known. */
  count?: number;
  /** Why they could not be recovered, where that was tried. */
  reason?: string;
}

/** A node reports that it is in sync and keeps its stream open, but sends no event. */
export interface StaleStatus extends StatusOf<"stale"> {
  /** When its last event arrived, Unix time in milliseconds; absent if none ever did. */
  lastEventAt?: number;
}

/**
 * The health that a node reports has changed. A node counts as healthy until it reports something else.
 */
export interface HealthStatus extends StatusOf<"health">, NodeSyncing {}

/** A node is on another chain. Nothing of it is used; its chain is requested again from time to time. */
export interface WrongChainStatus extends StatusOf<"wrong_chain"> {
  /** `genesis_validators_root` of the chain that is listened to. */
  expectedRoot: string;
  /** The node's. */
  actualRoot: string;
}

/**
 * The listener follows another chain: a testnet has begun again under the same URLs. The clock, heads,
 * duties and all that was known of events is forgotten. Root and previous root are equal where only the
 * genesis time or the length of slots or epochs has changed.
 */
export interface ChainStatus extends StatusOf<"chain"> {
  /** `genesis_validators_root` of the chain that was followed before. */
  previousRoot: string;
  /** `genesis_validators_root` of the chain that is followed now. */
  root: string;
}

/** What `SseListener.status()` yields. Kinds may be added. */
export type NodeStatus =
  | ConnectedStatus
  | DisconnectedStatus
  | ClockStatus
  | ChainStatus
  | TopicsStatus
  | GapStatus
  | HealthStatus
  | StaleStatus
  | WrongChainStatus;

/** Lets `JSON.stringify` write the errors among an object's members, of which it would write `{}`. */
export function withErrorsInJson<T extends object>(value: T): T {
  return Object.defineProperty(value, "toJSON", {
    value: () =>
      Object.fromEntries(
        Object.entries(value).map(([key, member]) => [
          key,
          member instanceof Error ? errorToJson(member) : member,
        ]),
      ),
  });
}

function errorToJson(error: Error): Record<string, unknown> {
  const { name, message, cause } = error;
  return {
    ...error,
    name,
    message,
    ...(cause instanceof Error ? { cause: errorToJson(cause) } : {}),
  };
}
