/** All that the listener knows of one node. */

import type { NodeEndpoint } from "../beacon/http/endpoint.ts";
import { isKnownTopic } from "../beacon/events/topic.ts";
import type { NodeSyncing } from "../beacon/api/syncing.ts";
import type { TopicForm } from "../beacon/http/event_stream.ts";
import {
  type DisconnectReason,
  type GapStatus,
  withErrorsInJson,
} from "./node_status.ts";
import type { ChainReport } from "./chain/chain.ts";
import { NodeChain } from "./chain/node_chain.ts";

/** What the connection to a node is doing. */
export type ConnectionState =
  /** The first connection is being made. */
  | "connecting"
  /** Its stream is open. */
  | "connected"
  /** Its stream has ended; the next attempt follows. */
  | "disconnected"
  /** It is on another chain; its chain is requested again from time to time. */
  | "wrong_chain"
  /** The listener has ended. */
  | "closed";

/** A node at a moment, as `SseListener.nodes` shows it. */
export interface NodeSnapshot {
  /** Name of the node. */
  name: string;
  /** Whether its stream is open. */
  state: ConnectionState;
  /** The topics that are requested from it: those that the user wants, less those that it refuses. */
  topics: readonly string[];
  /** The topics that the user wants and that are not requested, as the node refuses them. */
  missingTopics: readonly string[];
  /** Form of the request: one `topics` key with commas, or a `topics` key for each. */
  topicForm: "joined" | "repeated";
  /** When its last event arrived, Unix time in milliseconds. */
  lastEventAt: number | undefined;
  /** Slot of the last head that it reported. */
  headSlot: number | undefined;
  /** How often a connection ended or could not be made. */
  reconnects: number;
  /** The last reason for that, or why its genesis or spec cannot be used. */
  lastError: Error | undefined;
  /** What it last reported of its sync state. */
  syncing: NodeSyncing | undefined;
}

/** State and counters of one node. Counting is plain fields; metrics read them when scraped. */
export class NodeState {
  readonly endpoint: NodeEndpoint;
  readonly addedAt: number;
  topics: readonly string[];
  missingTopics: readonly string[] = [];
  topicForm: TopicForm = "joined";
  state: ConnectionState = "connecting";
  syncing: NodeSyncing | undefined;
  lastEventAt: number | undefined;
  readonly silence: StreamSilence = {
    lastEventAt: undefined,
    ms: 0,
    isReported: false,
  };
  reported: ChainReport = {};
  /** Length of a slot as the node reports it, or as configured, in milliseconds. */
  slotDurationMs: number | undefined;
  chain: NodeChain = new NodeChain();
  lastError: Error | undefined;
  /** Since when its stream is gone, and how many attempts failed since; `undefined` before and while it is open. */
  away: { since: number; attempts: number } | undefined;
  /** When a warning was logged last, by kind. */
  readonly warnedAt: Map<string, number> = new Map();
  bytes = 0;
  /** Events that exceeded the cap, on streams that have ended. */
  oversizedBefore = 0;
  /** The same on each open stream. */
  readonly oversizedNow: Set<() => number> = new Set();
  /** How many of them were logged. */
  oversizedReported = 0;
  readonly reconnects = new Map<DisconnectReason, number>();
  readonly counts: TopicCounts = new TopicCounts();
  /** Valid events that were not delivered, by reason. */
  readonly suppressed: Map<SuppressReason, number> = new Map();
  readonly gaps: Map<GapStatus["kind"], number> = new Map();

  /** @param addedAt Unix time in milliseconds. */
  constructor(
    endpoint: NodeEndpoint,
    topics: readonly string[],
    addedAt: number,
  ) {
    this.endpoint = endpoint;
    this.topics = topics;
    this.addedAt = addedAt;
  }

  get name(): string {
    return this.endpoint.name;
  }

  get headSlot(): number | undefined {
    return this.chain.head?.slot;
  }

  /** Whether its stream is open, and nothing before what it reports is missing. */
  get isComplete(): boolean {
    return this.state === "connected" && this.chain.gap === undefined;
  }

  /** The slot of its last head before which nothing is missing. */
  get completeSlot(): number | undefined {
    const { gap, head } = this.chain;
    return gap === undefined ? head?.slot : gap.from?.slot;
  }

  forgetChain(): void {
    this.chain.ended.abort();
    this.chain = new NodeChain();
  }

  get oversized(): number {
    let sum = this.oversizedBefore;
    for (const count of this.oversizedNow) sum += count();
    return sum;
  }

  snapshot(): NodeSnapshot {
    let reconnects = 0;
    for (const count of this.reconnects.values()) reconnects += count;
    const { name, state, topics, missingTopics, topicForm, lastEventAt } = this;
    const { headSlot, lastError, syncing } = this;
    return withErrorsInJson({
      name,
      state,
      topics,
      missingTopics,
      topicForm,
      lastEventAt,
      headSlot,
      reconnects,
      lastError,
      syncing,
    });
  }
}

/** Time without an event on open streams. */
interface StreamSilence {
  lastEventAt: number | undefined;
  ms: number;
  isReported: boolean;
}

type SuppressReason =
  /** It was delivered already: reported by another node, or recovered. */
  | "duplicate"
  /** A head older than the merged head. */
  | "behind";

export function count<K>(counters: Map<K, number>, key: K): void {
  counters.set(key, (counters.get(key) ?? 0) + 1);
}

export interface TopicCount {
  events: number;
  malformed: number;
  /** Events that came after attestations were due. */
  late: number;
}

/** The label of a topic. A node may send any name; one that is neither known nor requested is `other`. */
export function topicLabel(
  topic: string,
  requested: readonly string[],
): string {
  return isKnownTopic(topic) || requested.includes(topic) ? topic : "other";
}

/** Plain fields, since every event is counted. */
export class TopicCounts {
  readonly #counts = new Map<string, TopicCount>();

  of(topic: string, requested: readonly string[]): TopicCount {
    const known = this.#counts.get(topic);
    if (known !== undefined) return known;
    const label = topicLabel(topic, requested);
    let count = this.#counts.get(label);
    if (count === undefined) {
      count = { events: 0, malformed: 0, late: 0 };
      this.#counts.set(label, count);
    }
    return count;
  }

  *get(name: keyof TopicCount): Generator<[topic: string, count: number]> {
    for (const [topic, count] of this.#counts) {
      if (count[name] > 0) yield [topic, count[name]];
    }
  }
}
