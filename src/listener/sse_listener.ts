/** The listener: many nodes in, one stream of events, reorgs and states out. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import {
  type BeaconNodeOptions,
  NodeEndpoint,
} from "../beacon/http/endpoint.ts";
import type { ChainConfig } from "../beacon/api/chain_config.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { Delivered } from "./merge/stand_ins.ts";
import type { KnownTopic } from "../beacon/events/topic.ts";
import {
  checkNames,
  checkObject,
  checkSignal,
  refuse,
} from "../values/check.ts";
import { shown } from "../values/shown.ts";
import { ListenerActor } from "./actor.ts";
import { Chain } from "./chain/chain.ts";
import { ChainChanges } from "./chain_changes.ts";
import { type ChainReorg, mergeReorgs } from "./chain/reorg.ts";
import { Broadcast } from "./broadcast/broadcast.ts";
import { DataInterest } from "./broadcast/data_interest.ts";
import { QueueGaps } from "./queue_gaps.ts";
import type { DutiesChanged } from "./chain/duties.ts";
import { NodeReporter } from "./node_reporter.ts";
import {
  type CheckedOptions,
  checkOptions,
  type SseListenerOptions,
} from "./listener_options.ts";
import { grantAccess } from "./listener_access.ts";
import type { ListenerMetrics } from "./metrics/metrics.ts";
import { EMPTY_REGISTRY, type MetricsRegistry } from "./metrics/registry.ts";
import { type RaceRecord, RaceTracker } from "./race/race_tracker.ts";
import { type CreateMetrics, loadMetrics } from "./metrics/load_metrics.ts";
import { type NodeSnapshot, NodeState } from "./node_state.ts";
import type { NodeStatus } from "./node_status.ts";
import { NodeSupervisor } from "./connection/supervisor.ts";
import type { Subscription } from "./broadcast/subscription.ts";

/** Options for {@linkcode SseListener.events}. */
export interface EventsOptions<T extends string = KnownTopic> {
  /** The topics wanted; by default whatever the nodes send. */
  topics?: readonly T[];
  /**
   * For subscribers that read `raw` only, such as relays: this subscription does not need the payload
   * parsed, so it may be unchecked and `slot` may be missing. `data` is parsed when it is read, and
   * throws if the payload is malformed; a copy by spread or `structuredClone` may lack it.
   *
   * @default {false}
   */
  raw?: boolean;
  /** Ends the subscription when aborted. */
  signal?: AbortSignal;
}

/** Options for the other subscriptions of {@linkcode SseListener}. */
export interface SubscriptionOptions {
  /** Ends the subscription when aborted. */
  signal?: AbortSignal;
}

/**
 * Listens to beacon nodes until it is closed. No failure of a node ends it: each node is reconnected
 * on its own, for ever, with jittered exponential backoff.
 *
 * Every subscription is a bounded queue of its own (1024 entries). A subscriber that does not keep
 * up loses the oldest events, which are counted; it never loses how far back a reorg reaches.
 *
 * @example Reorgs for a scheduler
 * ```ts
 * import { SseListener } from "@org/beacon-sse";
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * await using listener = await SseListener.start({ nodes: [node.url] });
 * const reorgs = listener.reorgs();
 * await listener.ready;
 * await node.produceBlock();
 * await node.reorg({ depth: 1 });
 * for await (const reorg of reorgs) {
 *   assertEquals(reorg.depth, 1);
 *   break;
 * }
 * ```
 */
export class SseListener implements AsyncDisposable {
  /**
   * Starts a listener. Resolves as soon as the options are found valid and prom-client is loaded, where
   * there are metrics; waits for no node.
   *
   * @param options The nodes, and what to listen to.
   * @throws {TypeError} If an option is of the wrong kind; the message names it and its value.
   * @throws {RangeError} If a number is out of its range; the message names it and its value.
   * @throws {Error} If there are metrics and prom-client cannot be loaded.
   */
  static async start(options: SseListenerOptions): Promise<SseListener> {
    const checked = checkOptions(options);
    return new SseListener(
      checked,
      checked.registry === false ? undefined : await loadMetrics(),
    );
  }

  /** Where the metrics are registered; an empty one where there are none. */
  readonly registry: MetricsRegistry;
  /**
   * Resolves when the slot clock is known and a node is connected; rejects if the listener is
   * closed before.
   */
  readonly ready: Promise<void>;
  /** Resolves when the listener has ended; rejects with the error that ended it, if one did. */
  readonly finished: Promise<void>;

  readonly #broadcasts: ReturnType<typeof createBroadcasts>;
  readonly #options: CheckedOptions;
  readonly #nodes = new Map<string, NodeState>();
  readonly #supervised = new Map<string, Supervised>();
  readonly #metrics: ListenerMetrics | undefined;
  readonly #race: RaceTracker;
  readonly #actor: ListenerActor;
  readonly #changes: ChainChanges;
  readonly #queueGaps: QueueGaps;
  readonly #chain: Chain;
  readonly #reporter: NodeReporter;
  readonly #interest = new DataInterest();
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;

  private constructor(
    options: CheckedOptions,
    createMetrics: CreateMetrics | undefined,
  ) {
    const { prefix, labels, topics, config, parity } = options;
    const { now, log } = options;
    // Called as a function, since a browser's fetch must not be called as a method of an object.
    const fetch: typeof globalThis.fetch = options.fetch ??
      ((input, init) => globalThis.fetch(input, init));
    this.#options = options;
    const nodes = this.#nodes;
    const broadcasts = createBroadcasts(
      options.maxQueueBytes,
      (event) => this.#queueGaps.add(event),
    );
    this.#broadcasts = broadcasts;
    this.#metrics = createMetrics?.({
      registry: options.registry || undefined,
      prefix,
      labels,
      nodes,
      parity,
      lost: () =>
        Object.fromEntries(
          Object.entries(broadcasts).map(([name, { lost }]) => [name, lost]),
        ),
    });
    this.registry = this.#metrics?.registry ?? EMPTY_REGISTRY;
    this.#race = new RaceTracker({
      nodes,
      clock: () => this.clock,
      onRecord: (record) => {
        this.#metrics?.race.observe(record);
        broadcasts.race.post(record);
      },
    });
    const { events, reorgs, duties, status } = broadcasts;
    const reporter = new NodeReporter({ status, now, log });
    this.#reporter = reporter;
    this.#chain = new Chain({ nodes, config, reporter });
    this.#queueGaps = new QueueGaps({
      nodes,
      reporter,
      slotAt: (time) => this.clock?.slotAt(time),
    });
    const chain = this.#chain;
    const changes = new ChainChanges({
      chain,
      reorgs,
      duties,
      parity,
      fetch,
      onBranch: (node, blocks) => this.#actor.recoverBlocks(node, blocks),
    });
    this.#changes = changes;
    this.#actor = new ListenerActor({
      chain,
      nodes,
      topics,
      events,
      changes,
      reporter,
      metrics: this.#metrics,
      race: this.#race,
      parity,
      now,
      maxQueueBytes: options.maxQueueBytes,
    });
    this.#chain.follow(this.#actor);
    grantAccess(this, {
      topics,
      nodes: () => nodes.values(),
      openRaces: () => this.#race.open(),
      addMetrics: (metrics) => this.#metrics?.addMetrics(metrics),
      fetch,
      now,
    });
    this.#signal = options.signal === undefined
      ? this.#ended.signal
      : AbortSignal.any([options.signal, this.#ended.signal]);
    this.ready = this.#awaitReady();
    const { endpoints } = options;
    for (const endpoint of endpoints) {
      nodes.set(endpoint.name, new NodeState(endpoint, topics, now()));
    }
    for (const node of nodes.values()) {
      this.#supervise(node, startWithinMs(endpoints.length));
    }
    this.finished = this.#finish();
    // A user may leave these two unhandled.
    this.ready.catch(() => {});
    this.finished.catch(() => {});
  }

  /** The nodes as they are now. */
  get nodes(): NodeSnapshot[] {
    return Array.from(this.#nodes.values(), (node) => node.snapshot());
  }

  /** The slot clock, once genesis and timing are known. */
  get clock(): SlotClock | undefined {
    return this.#chain.clock;
  }

  /** Genesis and timing of the chain that is followed, once they are known. */
  get config(): ChainConfig | undefined {
    return this.#chain.config;
  }

  /**
   * Subscribes to events, as they arrive and each once, whichever node is first.
   *
   * @param options Which topics, and for how long.
   * @throws {TypeError} If a topic is none of the listener's, or an option is unknown.
   */
  events<const T extends string = KnownTopic>(
    options: EventsOptions<T> = {},
  ): Subscription<BeaconEvent<Delivered<T>>> {
    checkObject("subscribe", "options", options);
    checkNames("subscribe", "options", options, EVENTS_NAMES);
    const { topics, raw = false, signal } = options;
    checkSignal("subscribe", signal);
    if (typeof raw !== "boolean") refuse("subscribe", "raw", "a boolean", raw);
    if (topics !== undefined && !Array.isArray(topics)) {
      refuse("subscribe", "topics", "an array", topics);
    }
    for (const topic of topics ?? []) {
      if (!this.#options.topics.includes(topic)) {
        const rule = `among ${this.#options.topics.join(", ")}`;
        refuse("subscribe", "topics", rule, topic);
      }
    }
    const wanted = new Set<string>(topics);
    // A `head` takes the place of a `head_v2` where no `head_v2` reports the block.
    const isWanted = (event: BeaconEvent<string>) =>
      wanted.has(event.topic) ||
      (wanted.has("head_v2") && this.#actor.isStandIn(event));
    const subscription = this.#broadcasts.events.subscribe({
      signal,
      filter: topics && isWanted,
      onClose: this.#interest.announce(raw ? [] : topics && [...wanted]),
    });
    return subscription as Subscription<unknown> as Subscription<
      BeaconEvent<Delivered<T>>
    >;
  }

  /** Subscribes to reorgs, each once, whichever node reports it first. */
  reorgs(options: SubscriptionOptions = {}): Subscription<ChainReorg> {
    return subscribeTo(this.#broadcasts.reorgs, options);
  }

  /** Subscribes to changes of duties, each once, whichever node reports it first. */
  duties(options: SubscriptionOptions = {}): Subscription<DutiesChanged> {
    return subscribeTo(this.#broadcasts.duties, options);
  }

  /** Subscribes to changes of the nodes' state. */
  status(options: SubscriptionOptions = {}): Subscription<NodeStatus> {
    return subscribeTo(this.#broadcasts.status, options);
  }

  /**
   * Adds a node, which is connected like the others. Resolves as soon as the node is found valid;
   * waits for no connection.
   *
   * @param node The node's base URL, or with name and headers.
   * @throws {TypeError} If the node is not usable, or another one has its name.
   * @throws {Error} If the listener is closed.
   */
  // deno-lint-ignore require-await -- a bad node rejects, as any other failure of an async method
  async addNode(node: string | URL | BeaconNodeOptions): Promise<void> {
    const endpoint = new NodeEndpoint(node);
    const { name } = endpoint;
    if (this.#nodes.has(name)) {
      refuse("add node", "its name", "one that no other node has", name);
    }
    if (this.#signal.aborted) {
      throw new Error(`Cannot add node ${shown(name)}: the listener is closed`);
    }
    const state = new NodeState(
      endpoint,
      this.#options.topics,
      this.#options.now(),
    );
    this.#nodes.set(name, state);
    this.#supervise(state, 0);
  }

  /**
   * Removes a node: ends its connection, waits until it is gone, and forgets its metrics. The events of
   * the other nodes go on. A listener may be left without nodes until the next
   * {@linkcode SseListener.addNode}.
   *
   * @param name Name of the node, as in {@linkcode SseListener.nodes}.
   * @throws {TypeError} If no node has that name.
   */
  async removeNode(name: string): Promise<void> {
    const node = this.#nodes.get(name);
    const supervised = this.#supervised.get(name);
    if (node === undefined || supervised === undefined) {
      const names = [...this.#nodes.keys()].map((name) => shown(name));
      const rule = `one of ${names.join(", ") || "none"}`;
      refuse("remove node", "name", rule, name);
    }
    supervised.removed.abort();
    await supervised.ended.catch(() => {});
    // Of two calls at the same time, the second finds it gone.
    if (this.#nodes.get(name) !== node) return;
    this.#nodes.delete(name);
    this.#supervised.delete(name);
    this.#actor.forget(node);
    this.#chain.review(name);
    this.#metrics?.forget(node);
    this.#race.forget(name);
  }

  /**
   * Subscribes to comparisons of the nodes: one record for each block and topic, as soon as all nodes
   * have reported it, or one slot after the first report. Only like topics are compared, since clients
   * report at different moments of a block's way. With one node there is a record too, of that node.
   *
   * @param options For how long.
   */
  race(options: SubscriptionOptions = {}): Subscription<RaceRecord> {
    return subscribeTo(this.#broadcasts.race, options);
  }

  /** Ends all connections and subscriptions, and waits until they are gone. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.finished;
  }

  /** The same as {@linkcode SseListener.close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #supervise(node: NodeState, startWithinMs: number): void {
    const { fetch, now, random, maxEventBytes, idleTimeoutMs } = this.#options;
    const removed = new AbortController();
    const ended = new NodeSupervisor(node, {
      chain: this.#chain,
      actor: this.#actor,
      reporter: this.#reporter,
      signal: AbortSignal.any([this.#signal, removed.signal]),
      fetch,
      now,
      random,
      maxEventBytes,
      idleTimeoutMs,
      // Two nodes' reports of the same event are compared by payload.
      needsData: (topic) => this.#nodes.size > 1 || this.#interest.wants(topic),
      startWithinMs,
    }).run();
    this.#supervised.set(node.name, { ended, removed });
    ended.catch((error) => this.#fail(node, error));
  }

  /** A node that can never be connected ends the listener if no other node is left. */
  #fail(node: NodeState, error: Error): void {
    const supervised = this.#supervised.get(node.name);
    if (supervised !== undefined) supervised.error = error;
    const all = [...this.#supervised.values()];
    if (all.every(({ error }) => error !== undefined)) this.#ended.abort(error);
  }

  async #finish(): Promise<void> {
    await aborted(this.#signal);
    const all = [...this.#supervised.values()];
    this.#ended.abort();
    await Promise.allSettled(all.map(({ ended }) => ended));
    await this.#changes.close();
    this.#queueGaps.flush();
    this.#race.reset();
    for (const broadcast of Object.values(this.#broadcasts)) broadcast.close();
    this.#metrics?.release();
    const [first] = all;
    if (first !== undefined && all.every(({ error }) => error !== undefined)) {
      throw first.error;
    }
  }

  async #awaitReady(): Promise<void> {
    const signal = this.#signal;
    for await (const _change of this.#broadcasts.status.subscribe({ signal })) {
      if (
        this.clock !== undefined &&
        this.nodes.some(({ state }) => state === "connected")
      ) return;
    }
    throw new Error("Cannot become ready: the listener is closed", {
      cause: signal.reason,
    });
  }
}

function createBroadcasts(
  maxBytes: number,
  onLost: (event: BeaconEvent<string>) => void,
) {
  return {
    events: new Broadcast<BeaconEvent<string>>({
      maxBytes,
      sizeOf: ({ raw }) => 2 * raw.length,
      onLost,
    }),
    reorgs: new Broadcast<ChainReorg>({ maxBytes, merge: mergeReorgs }),
    duties: new Broadcast<DutiesChanged>({ maxBytes }),
    status: new Broadcast<NodeStatus>({ maxBytes }),
    race: new Broadcast<RaceRecord>({ maxBytes }),
  };
}

function subscribeTo<T>(
  broadcast: Broadcast<T>,
  options: SubscriptionOptions,
): Subscription<T> {
  checkObject("subscribe", "options", options);
  checkNames("subscribe", "options", options, { signal: true });
  return broadcast.subscribe({ signal: options.signal });
}

const EVENTS_NAMES: Record<keyof EventsOptions, true> = {
  topics: true,
  raw: true,
  signal: true,
};

interface Supervised {
  /** Settles when nothing of the node runs any more; rejects if it can never be connected. */
  ended: Promise<void>;
  removed: AbortController;
  error?: Error;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true })
  );
}

/** Few nodes are connected at once, many one after another: each connection costs memory and CPU. */
function startWithinMs(nodes: number): number {
  return nodes <= AT_ONCE ? 0 : Math.min(nodes * 5, 5000);
}

const AT_ONCE = 16;
