/** The listener: many nodes in, one stream of events, reorgs and states out. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { Delivered } from "../beacon/events/stand_in.ts";
import type { KnownTopic } from "../beacon/events/topic.ts";
import { checkObject, checkSignal, refuse } from "../values/check.ts";
import { shown } from "../values/shown.ts";
import { ListenerActor } from "./actor.ts";
import { type ChainReorg, mergeReorgs } from "./chain/reorg.ts";
import { Broadcast } from "./broadcast/broadcast.ts";
import { DataInterest } from "./broadcast/data_interest.ts";
import type { DutiesChanged } from "./chain/duties.ts";
import { NodeReporter } from "./node_reporter.ts";
import {
  type CheckedOptions,
  checkOptions,
  type SseListenerOptions,
} from "./listener_options.ts";
import { ListenerMetrics } from "./metrics/metrics.ts";
import type { MetricsRegistry } from "./metrics/metrics_registry.ts";
import { type NodeSnapshot, NodeState } from "./node_state.ts";
import type { NodeStatus } from "./node_status.ts";
import { NodeSupervisor } from "./connection/supervisor.ts";
import type { Subscription } from "./broadcast/subscription.ts";

/** Options for {@linkcode SseListener.events}. */
export interface EventsOptions<T extends string = KnownTopic> {
  /** The topics wanted; by default whatever the nodes send. */
  topics?: readonly T[];
  /**
   * For who passes events on and looks at `raw` only: the payload is not parsed on this
   * subscription's account, hence not checked, and `slot` may be missing. `data` is parsed when it
   * is asked for, and throws where the payload is malformed; a copy by spread or `structuredClone`
   * may lack it.
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
   * Starts a listener. Resolves as soon as the options are found valid; waits for no node.
   *
   * @param options The nodes, and what to listen to.
   * @throws {TypeError} If an option is of the wrong kind; the message names it and its value.
   * @throws {RangeError} If a number is out of its range; the message names it and its value.
   */
  // deno-lint-ignore require-await -- bad options reject, as any other failure of an async method
  static async start(options: SseListenerOptions): Promise<SseListener> {
    return new SseListener(checkOptions(options));
  }

  /** Where the metrics are registered. */
  readonly registry: MetricsRegistry;
  /**
   * Resolves when the slot clock is known and a node is connected; rejects if the listener is
   * closed before.
   */
  readonly ready: Promise<void>;
  /** Resolves when the listener has ended; rejects with the error that ended it, if one did. */
  readonly finished: Promise<void>;

  readonly #events = new Broadcast<BeaconEvent<string>>();
  readonly #reorgs = new Broadcast<ChainReorg>({ merge: mergeReorgs });
  readonly #duties = new Broadcast<DutiesChanged>();
  readonly #status = new Broadcast<NodeStatus>();
  readonly #topics: readonly string[];
  readonly #nodes: ReadonlyMap<string, NodeState>;
  readonly #metrics: ListenerMetrics;
  readonly #actor: ListenerActor;
  readonly #reporter: NodeReporter;
  readonly #interest = new DataInterest();
  readonly #ended = new AbortController();

  private constructor(options: CheckedOptions) {
    const { registry, prefix, topics, config, parity, now, log } = options;
    this.registry = registry;
    this.#topics = topics;
    this.#nodes = new Map(
      options.endpoints.map((endpoint, index) => [
        endpoint.name,
        new NodeState(index, endpoint, topics),
      ]),
    );
    this.#metrics = new ListenerMetrics(registry, prefix, {
      nodes: this.#nodes,
      lost: () => ({
        events: this.#events.lost,
        reorgs: this.#reorgs.lost,
        duties: this.#duties.lost,
        status: this.#status.lost,
      }),
    });
    this.#reporter = new NodeReporter({ status: this.#status, now, log });
    this.#actor = new ListenerActor({
      nodes: this.#nodes,
      topics,
      events: this.#events,
      reorgs: this.#reorgs,
      duties: this.#duties,
      reporter: this.#reporter,
      metrics: this.#metrics,
      parity,
    });
    const signal = options.signal === undefined
      ? this.#ended.signal
      : AbortSignal.any([options.signal, this.#ended.signal]);
    this.ready = this.#awaitReady(signal);
    if (config !== undefined) this.#actor.configure(config);
    this.finished = this.#run(options, signal);
    // Nobody has to handle these two; a rejection of them is no unhandled one.
    this.ready.catch(() => {});
    this.finished.catch(() => {});
  }

  /** The nodes as they are now. */
  get nodes(): NodeSnapshot[] {
    return Array.from(this.#nodes.values(), (node) => node.snapshot());
  }

  /** The slot clock, once genesis and timing are known. */
  get clock(): SlotClock | undefined {
    return this.#actor.clock;
  }

  /**
   * Subscribes to events, as they arrive and each once, whichever node is first.
   *
   * @param options Which topics, and for how long.
   * @throws {TypeError} If a topic is wanted that the listener does not ask its nodes for.
   */
  events<const T extends string = KnownTopic>(
    options: EventsOptions<T> = {},
  ): Subscription<BeaconEvent<Delivered<T>>> {
    checkObject("subscribe", "options", options);
    const { topics, raw = false, signal } = options;
    checkSignal("subscribe", signal);
    if (typeof raw !== "boolean") refuse("subscribe", "raw", "a boolean", raw);
    if (topics !== undefined && !Array.isArray(topics)) {
      refuse("subscribe", "topics", "an array", topics);
    }
    for (const topic of topics ?? []) {
      if (!this.#topics.includes(topic)) {
        throw new TypeError(
          `Cannot subscribe: topics must be among ${
            this.#topics.join(", ")
          }, got ${shown(topic)}`,
        );
      }
    }
    const wanted = new Set<string>(topics);
    if (wanted.has("head_v2")) wanted.add("head");
    const subscription = this.#events.subscribe({
      signal,
      filter: topics && ((event) => wanted.has(event.topic)),
      onClose: this.#interest.announce(raw ? [] : topics && [...wanted]),
    });
    return subscription as Subscription<unknown> as Subscription<
      BeaconEvent<Delivered<T>>
    >;
  }

  /** Subscribes to reorgs, each once, whichever node tells of it first. */
  reorgs(options: SubscriptionOptions = {}): Subscription<ChainReorg> {
    return this.#reorgs.subscribe(options);
  }

  /** Subscribes to changes of duties, each once, whichever node tells of it first. */
  duties(options: SubscriptionOptions = {}): Subscription<DutiesChanged> {
    return this.#duties.subscribe(options);
  }

  /** Subscribes to changes of the nodes' state. */
  status(options: SubscriptionOptions = {}): Subscription<NodeStatus> {
    return this.#status.subscribe(options);
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

  async #run(options: CheckedOptions, signal: AbortSignal): Promise<void> {
    const { config, fetch, now, random } = options;
    const nodes = [...this.#nodes.values()];
    const mustAgree = nodes.length > 1 ||
      config?.genesisValidatorsRoot !== undefined;
    const running = nodes.map((node) =>
      new NodeSupervisor(node, {
        actor: this.#actor,
        reporter: this.#reporter,
        signal,
        fetch,
        now,
        random,
        maxEventBytes: options.maxEventBytes,
        idleTimeoutMs: options.idleTimeoutMs,
        // Two nodes' reports of the same event are compared by payload.
        needsData: (topic) => nodes.length > 1 || this.#interest.wants(topic),
        startWithinMs: startWithinMs(nodes.length),
        asksForConfig: config === undefined || mustAgree,
        mustAgree,
      }).run()
    );
    try {
      await Promise.all(running);
    } finally {
      this.#ended.abort();
      await Promise.allSettled(running);
      this.#actor.close();
      this.#events.close();
      this.#reorgs.close();
      this.#duties.close();
      this.#status.close();
      this.#metrics.release();
    }
  }

  async #awaitReady(signal: AbortSignal): Promise<void> {
    const changes = this.#status.subscribe({ signal });
    for await (const _change of changes) {
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

/** Few nodes are connected at once; many one after another, so that neither they nor this process chokes. */
function startWithinMs(nodes: number): number {
  return nodes <= AT_ONCE ? 0 : Math.min(nodes * 5, 5000);
}

const AT_ONCE = 16;
