/**
 * The listener's one owner of what events mean. Connections write what they receive into its sinks;
 * it counts, measures, tells old from new and hands on. Everything it does is synchronous, so that
 * no event waits for a subscriber and none overtakes another one.
 */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type {
  BeaconEventBatch,
  BeaconEventReader,
  MalformedEvent,
} from "../beacon/events/beacon_event_reader.ts";
import type { ChainConfig } from "../beacon/api/chain_config.ts";
import { latestPlausibleSlot } from "../beacon/plausible_slot.ts";
import { publicError } from "../beacon/http/public_error.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import { toHeadEvent } from "../beacon/events/stand_in.ts";
import type { ServerSentEvent } from "../sse/mod.ts";
import type { Broadcast, PostOptions } from "./broadcast/broadcast.ts";
import { Chain } from "./chain/chain.ts";
import { type ChainReorg, mergeReorgs, toChainReorg } from "./chain/reorg.ts";
import { type DutiesChanged, DutiesTracker } from "./chain/duties.ts";
import { HEAD_TOPICS, isHeadReport, readHead } from "./chain/head.ts";
import type { NodeReporter } from "./node_reporter.ts";
import { mergeRecovered } from "./recovery/merge_recovered.ts";
import type { ListenerMetrics } from "./metrics/metrics.ts";
import { count, type NodeState } from "./node_state.ts";
import { NodeMerge } from "./merge/node_merge.ts";
import { QueueGaps } from "./broadcast/queue_gaps.ts";
import { RecentSet } from "./merge/recent_set.ts";
import { TimingMetrics } from "./metrics/timing_metrics.ts";

/** What a {@linkcode ListenerActor} works with. */
export interface ListenerActorOptions {
  /** The nodes by name, as they are now. */
  nodes: ReadonlyMap<string, NodeState>;
  /** The topics that the user wants. */
  topics: readonly string[];
  /** Where events go. */
  events: Broadcast<BeaconEvent<string>>;
  /** Where reorgs go. */
  reorgs: Broadcast<ChainReorg>;
  /** Where changes of duties go. */
  duties: Broadcast<DutiesChanged>;
  /** Where changes of the nodes' connections go. */
  reporter: NodeReporter;
  /** Where delays are observed. */
  metrics: ListenerMetrics;
  /** Charon's rules where they differ from ours. */
  parity: "charon" | undefined;
}

/** Owns the state that events make. */
export class ListenerActor {
  readonly #options: ListenerActorOptions;
  readonly #timing: TimingMetrics;
  readonly #merge: NodeMerge;
  readonly #recentReorgs = new RecentSet(1024);
  readonly #duties = new DutiesTracker();
  readonly #queueGaps: QueueGaps;
  readonly #postEvent: PostOptions<BeaconEvent<string>>;
  readonly #chain = new Chain();
  /** What cannot be understood before the clock is known. */
  #early: { node: NodeState; event: BeaconEvent<string> }[] = [];
  /** For `parity: "charon"`: the epoch last told, 0 at the start as there. */
  #lastReorgEpoch = 0;

  /** @param options Nodes, outlets and clocks. */
  constructor(options: ListenerActorOptions) {
    const { nodes, metrics, parity, reporter } = options;
    this.#options = options;
    this.#timing = new TimingMetrics(metrics, parity);
    this.#queueGaps = new QueueGaps({
      nodes,
      reporter,
      slotAt: (time) => this.clock?.slotAt(time),
    });
    this.#postEvent = { onLost: (event) => this.#queueGaps.add(event) };
    this.#merge = new NodeMerge(nodes, options.topics);
  }

  /** The slot clock, once genesis and timing are known. */
  get clock(): SlotClock | undefined {
    return this.#chain.clock;
  }

  /**
   * Resolves with the slot clock, whenever it is known.
   *
   * @throws The signal's reason, when it aborts.
   */
  awaitClock(signal: AbortSignal): Promise<SlotClock> {
    return this.#chain.awaitClock(signal);
  }

  /**
   * A node tells which chain it is on. The first to tell wins.
   *
   * @throws {WrongChainError} If it is on another chain than the first.
   */
  compare(genesisValidatorsRoot: string, node: NodeState): void {
    this.#chain.compare(genesisValidatorsRoot, node.name);
  }

  /**
   * Genesis and timing are known. The first to tell wins.
   *
   * @throws {WrongChainError} If the node is on another chain than the first.
   */
  configure(config: ChainConfig, node?: NodeState): void {
    const { nodes, reporter } = this.#options;
    const known = this.clock;
    const differences = this.#chain.learn(config, node?.name);
    const { slotDurationMs } = config;
    for (const each of node === undefined ? nodes.values() : [node]) {
      each.slotDurationMs = slotDurationMs;
    }
    if (known === undefined) {
      this.#timing.start(this.clock!);
      if (node !== undefined) reporter.clockKnown(node);
      this.#review();
    } else if (node !== undefined && differences.length > 0) {
      const message = `The node tells of another timing, which is not used: ${
        differences.join(", ")
      }`;
      reporter.warn(node, "timing", message);
    }
  }

  /** Forgets a node that was removed. */
  forget(node: NodeState): void {
    this.#merge.forget(node);
    this.#duties.forget(node.name);
  }

  /** Tells what is left to tell. */
  close(): void {
    this.#queueGaps.flush();
  }

  /** With a clock it can be told what of the past is to be believed. */
  #review(): void {
    for (const node of this.#options.nodes.values()) {
      const { lastHead } = node;
      if (lastHead === undefined || this.#isPlausible(lastHead)) continue;
      node.lastHead = node.headSlot = undefined;
    }
    const early = this.#early;
    this.#early = [];
    for (const { node, event } of early) {
      if (this.#isPlausible(event)) this.#onChainEvent(node, event);
    }
  }

  #isPlausible({ slot, receivedAt }: BeaconEvent<string>): boolean {
    return slot === undefined || this.clock === undefined ||
      slot <= latestPlausibleSlot(this.clock, receivedAt);
  }

  /** A connection's way in. It is ever ready, so nothing here holds a node's stream up. */
  sink(
    node: NodeState,
    reader: BeaconEventReader,
    onEvents: (valid: number, events: readonly ServerSentEvent[]) => void,
  ): WritableStream<ServerSentEvent[]> {
    return new WritableStream({
      write: (events) =>
        onEvents(this.#receive(node, reader.read(events)), events),
    });
  }

  /**
   * From now on the node's events wait, so that those before them can be recovered first. What comes
   * by the thousand and has no order goes on.
   *
   * @param onFirst Called when something does wait.
   */
  hold(node: NodeState, onFirst: () => void): void {
    node.held ??= { events: [], onFirst };
  }

  /** The node's events have waited long enough. */
  release(node: NodeState): void {
    const held = node.held?.events ?? [];
    node.held = undefined;
    for (const event of held) this.#onEvent(node, event);
  }

  /** Delivers events that a node would have sent, among its own that have waited for them. */
  recover(node: NodeState, events: readonly BeaconEvent<string>[]): void {
    const held = node.held?.events ?? [];
    node.held = undefined;
    for (const event of mergeRecovered(held, events)) {
      if (event.recovered) this.#onRecovered(node, event);
      else this.#onEvent(node, event);
    }
  }

  #onRecovered(node: NodeState, event: BeaconEvent<string>): void {
    if (this.#merge.isLag(node, event)) return;
    // Whether the user wants it or not, a reorg counts for `reorgs()`.
    const isWanted = this.#isAskedFor(node, event.topic) ||
      event.topic === "chain_reorg";
    if (node.told.addRecovered(event, isWanted)) this.#deliver(node, event);
  }

  #isAskedFor(node: NodeState, topic: string): boolean {
    return node.topics.includes(topic) ||
      (topic === "head" && node.topics.includes("head_v2"));
  }

  /** Returns how many of the events were valid, and of topics that the node is asked for. */
  #receive(node: NodeState, batch: BeaconEventBatch): number {
    let valid = 0;
    const latest = this.#latestPlausible(batch);
    for (const event of batch) {
      const error = "error" in event
        ? event.error
        : this.#implausible(event, latest);
      if (error !== undefined) {
        this.#malformed(node, event, error);
        continue;
      }
      if (node.topics.includes(event.topic)) valid++;
      this.#count(node, event as BeaconEvent<string>);
    }
    return valid;
  }

  /** The latest slot to believe. All events of a batch arrived at once. */
  #latestPlausible([first]: BeaconEventBatch): number {
    return first === undefined || this.clock === undefined
      ? Infinity
      : latestPlausibleSlot(this.clock, first.receivedAt);
  }

  #implausible(
    { topic, slot }: BeaconEvent<string>,
    latest: number,
  ): Error | undefined {
    if (slot === undefined || slot <= latest) return undefined;
    const current = latest - this.clock!.slotsPerEpoch;
    return new RangeError(
      `Cannot use ${topic} event: slot must be at most one epoch ahead of the clock (${current}), got ${slot}`,
    );
  }

  #malformed(
    node: NodeState,
    { topic }: BeaconEvent<string> | MalformedEvent,
    error: Error,
  ): void {
    node.counts.of(topic, node.topics).malformed++;
    if (HEAD_TOPICS.has(topic)) node.branch.restart(undefined);
    const shown = publicError(error, node.endpoint);
    this.#options.reporter.warn(node, "malformed", shown.message, shown);
  }

  #count(node: NodeState, event: BeaconEvent<string>): void {
    node.lastEventAt = event.receivedAt;
    const count = node.counts.of(event.topic, node.topics);
    count.events++;
    this.#timing.observe(node, event as BeaconEvent, count);
    const { held } = node;
    if (held === undefined || UNORDERED.has(event.topic)) {
      this.#onEvent(node, event);
    } else if (held.events.push(event) === 1) held.onFirst();
    // More would wait than may: order is kept, and the recovery comes too late.
    else if (held.events.length > MAX_HELD) this.release(node);
  }

  #onEvent(node: NodeState, event: BeaconEvent<string>): void {
    const isStandIn = event.topic === "head_v2" &&
      node.missingTopics.includes("head");
    if (!isStandIn) this.#onOwn(node, event);
    else {
      if (this.#options.topics.includes("head_v2")) this.#onOwn(node, event);
      this.#onOwn(node, toHeadEvent(event as BeaconEvent<"head_v2">));
    }
  }

  #onOwn(node: NodeState, event: BeaconEvent<string>): void {
    if (node.told.addLive(event)) {
      count(node.suppressed, "duplicate");
      return;
    }
    this.#deliver(node, event);
  }

  #deliver(node: NodeState, event: BeaconEvent<string>): void {
    // Not its data: of an event that nobody wants parsed, that would be parsed here.
    const isHead = isHeadReport(event);
    if (isHead) {
      node.lastHead = event;
      node.headSlot = event.slot;
      node.branch.add(readHead(event));
    }
    const isReorg = event.topic === "chain_reorg";
    // Of a recovered one it is known what is in between.
    if (isReorg && !event.recovered) {
      const { data } = event as BeaconEvent<"chain_reorg">;
      node.branch.cut(data.new_head_block);
    }
    if (isHead || isReorg) this.#onChainEvent(node, event);
    const reason = this.#options.nodes.size > 1
      ? this.#merge.reasonAgainst(node, event, this.clock)
      : undefined;
    if (reason === undefined) {
      this.#options.events.post(event, this.#postEvent);
    } else count(node.suppressed, reason);
  }

  /** Heads and reorgs mean more than they say, to whom the clock is known. */
  #onChainEvent(node: NodeState, event: BeaconEvent<string>): void {
    const { clock } = this;
    if (clock === undefined) {
      this.#keepEarly(node, event);
    } else if (isHeadReport(event)) {
      const head = readHead(event);
      const epoch = clock.epochOf(head.slot);
      const changes = this.#duties.onHead(node.name, epoch, head);
      for (const change of changes) this.#options.duties.post(change);
    } else {
      this.#onReorg(event as BeaconEvent<"chain_reorg">, clock);
    }
  }

  #onReorg(event: BeaconEvent<"chain_reorg">, clock: SlotClock): void {
    const reorg = toChainReorg(event, clock.slotsPerEpoch);
    if (this.#options.parity === "charon") {
      if (reorg.epoch === this.#lastReorgEpoch) return;
      this.#lastReorgEpoch = reorg.epoch;
    } else {
      const { slot, depth, oldHeadBlock, newHeadBlock } = reorg;
      if (
        !this.#recentReorgs.add(
          `${slot} ${depth} ${oldHeadBlock} ${newHeadBlock}`,
        )
      ) return;
    }
    this.#options.reorgs.post(reorg, { merge: mergeReorgs });
  }

  /** Bounded like every queue. Heads give way; of two reorgs, the one that reaches further back stays. */
  #keepEarly(node: NodeState, event: BeaconEvent<string>): void {
    const early = this.#early;
    if (early.length < MAX_EARLY) {
      early.push({ node, event });
      return;
    }
    if (event.topic !== "chain_reorg") return;
    const place = early.findLastIndex(({ event }) =>
      event.topic !== "chain_reorg"
    );
    if (place !== -1) {
      early.splice(place, 1);
      early.push({ node, event });
    } else if (ancestorSlot(event) < ancestorSlot(early.at(-1)!.event)) {
      early[early.length - 1] = { node, event };
    }
  }
}

const MAX_EARLY = 1024;
const MAX_HELD = 1024;
/** They come by the thousand in a slot, in any order, and say nothing of how the chain went. */
const UNORDERED = new Set([
  "attestation",
  "single_attestation",
  "contribution_and_proof",
  "data_column_sidecar",
  "payload_attestation_message",
]);

function ancestorSlot(event: BeaconEvent<string>): number {
  const { slot, depth } = (event as BeaconEvent<"chain_reorg">).data;
  return slot - depth;
}
