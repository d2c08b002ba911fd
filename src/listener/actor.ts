/**
 * The listener's one owner of what events mean. Connections write what they receive into its sinks.
 * An event goes one way: it is checked, counted and measured, it may wait for a recovery, it is
 * compared with what was delivered, the node's chain follows it, and it is posted. All of it is
 * synchronous, so that no event waits for a subscriber and none overtakes another one.
 */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type {
  BeaconEventBatch,
  BeaconEventReader,
  MalformedEvent,
} from "../beacon/events/beacon_event_reader.ts";
import { markOf, stageOf } from "../beacon/events/event_identity.ts";
import { toHeadEvent } from "../beacon/events/stand_in.ts";
import { publicError } from "../beacon/http/public_error.ts";
import { latestPlausibleSlot, type SlotClock } from "../beacon/slot_clock.ts";
import type { ServerSentEvent } from "../sse/mod.ts";
import type { Broadcast, PostOptions } from "./broadcast/broadcast.ts";
import { QueueGaps } from "./broadcast/queue_gaps.ts";
import type { Chain } from "./chain/chain.ts";
import { type DutiesChanged, DutiesTracker } from "./chain/duties.ts";
import type { KnownBlock } from "./chain/branch.ts";
import {
  HEAD_TOPICS,
  isHeadReport,
  type ReportedHead,
  reportedHead,
} from "./chain/head.ts";
import { type ChainReorg, mergeReorgs, toChainReorg } from "./chain/reorg.ts";
import { NodeMerge, type Verdict } from "./merge/node_merge.ts";
import type { ListenerMetrics } from "./metrics/metrics.ts";
import { TimingMetrics } from "./metrics/timing_metrics.ts";
import type { NodeReporter } from "./node_reporter.ts";
import { count, type NodeState } from "./node_state.ts";
import type { RaceTracker } from "./race/race_tracker.ts";
import type { Recovered } from "./recovery/recovered_events.ts";
import { mergeRecovered } from "./recovery/merge_recovered.ts";
import { findReorgBranch } from "./recovery/reorg_ancestor.ts";

/** What a {@linkcode ListenerActor} works with. */
export interface ListenerActorOptions {
  /** Has the slot clock. */
  chain: Pick<Chain, "clock" | "awaitClock">;
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
  /** Where delays are observed, if anywhere. */
  metrics: Pick<ListenerMetrics, "observe"> | undefined;
  /** Compares when the nodes report. */
  race: Pick<RaceTracker, "report" | "reset">;
  /** Charon's rules where they differ from ours. */
  parity: "charon" | undefined;
  /** The `fetch` that requests headers. */
  fetch: typeof fetch;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** The most bytes of a node's events that wait for a recovery. */
  maxQueueBytes: number;
}

/** Owns the state that events make. */
export class ListenerActor {
  /** When the listener began to follow the chain, Unix time in milliseconds. */
  startedAt: number;
  readonly #options: ListenerActorOptions;
  readonly #topics: ReadonlySet<string>;
  readonly #timing: TimingMetrics;
  readonly #queueGaps: QueueGaps;
  readonly #postEvent: PostOptions<BeaconEvent<string>>;
  readonly #ended = new AbortController();
  #merge: NodeMerge;
  #duties = new DutiesTracker();
  /** Heads and reorgs that mean nothing before the clock is known. */
  #early: EarlyEvent[] = [];
  /** Reorgs whose common ancestor is being requested. */
  readonly #unresolved = new Set<Promise<void>>();
  /** For `parity: "charon"`: the epoch reported last, 0 at the start as there. */
  #lastReorgEpoch = 0;
  /** The latest blocks that a `head_v2` has reported. */
  #reportedByV2: string[] = [];
  /** The `head` events that stand in for a `head_v2`. */
  readonly #standIns = new WeakSet<BeaconEvent<string>>();

  /** @param options Nodes, outlets and clocks. */
  constructor(options: ListenerActorOptions) {
    const { nodes, topics, metrics, parity, reporter, now } = options;
    this.#options = options;
    this.#topics = new Set(topics);
    this.startedAt = now();
    this.#timing = new TimingMetrics(metrics, parity);
    this.#queueGaps = new QueueGaps({
      nodes,
      reporter,
      slotAt: (time) => this.clock?.slotAt(time),
    });
    this.#postEvent = { onLost: (event) => this.#queueGaps.add(event) };
    this.#merge = this.#newMerge();
  }

  /** The slot clock, once genesis and timing are known. */
  get clock(): SlotClock | undefined {
    return this.#options.chain.clock;
  }

  /**
   * Resolves with the slot clock, whenever it is known.
   *
   * @throws The signal's reason, when it aborts.
   */
  awaitClock(signal: AbortSignal): Promise<SlotClock> {
    return this.#options.chain.awaitClock(signal);
  }

  /** The clock is known, or has been corrected. */
  start(clock: SlotClock): void {
    this.#timing.start(clock);
    this.#review();
  }

  /** Forgets a node that was removed. */
  forget(node: NodeState): void {
    this.#merge.forget(node);
    this.#early = this.#early.filter((early) => early.node !== node);
  }

  /** Forgets all that was reported: from now on events are of another chain. */
  reset(): void {
    for (const node of this.#options.nodes.values()) node.forgetChain();
    this.#merge = this.#newMerge();
    this.#duties = new DutiesTracker();
    this.#early = [];
    this.#lastReorgEpoch = 0;
    this.#reportedByV2 = [];
    this.#timing.reset();
    this.#options.race.reset();
    this.startedAt = this.#options.now();
  }

  /** Posts what is left to post. */
  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#unresolved);
    this.#queueGaps.flush();
  }

  #newMerge(): NodeMerge {
    const { nodes, topics } = this.#options;
    return new NodeMerge(nodes, new Set([...topics, ...HEAD_TOPICS]));
  }

  /** The clock shows which of the past events are plausible. */
  #review(): void {
    for (const { chain } of this.#options.nodes.values()) {
      const latest = this.#latestPlausible(this.#options.now());
      if (chain.head !== undefined && chain.head.slot > latest) {
        chain.head = undefined;
        chain.branch.restart(undefined);
      }
    }
    const early = this.#early;
    this.#early = [];
    for (const { node, event, isNew, left } of early) {
      const latest = this.#latestPlausible(event.receivedAt);
      if (this.#implausible(event, latest) === undefined) {
        this.#onChainEvent(node, event, isNew, left);
      }
    }
  }

  /** The latest slot to believe of an event that arrived at this time. */
  #latestPlausible(receivedAt: number): number {
    return this.clock === undefined
      ? Infinity
      : latestPlausibleSlot(this.clock, receivedAt);
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
    }, {
      // Nothing waits here; but with room for one only, the pipe waits for room after each chunk.
      highWaterMark: 4,
    });
  }

  /** Returns how many of the events were valid, and of topics that are requested from the node. */
  #receive(node: NodeState, batch: BeaconEventBatch): number {
    let valid = 0;
    // All events of a batch arrived at once.
    const latest = this.#latestPlausible(batch[0]?.receivedAt ?? 0);
    for (const event of batch) {
      const error = "error" in event
        ? event.error
        : this.#implausible(event, latest);
      if (error !== undefined) {
        this.#malformed(node, event, error);
        continue;
      }
      if (node.topics.includes(event.topic)) valid++;
      this.#accept(node, event as BeaconEvent<string>);
    }
    return valid;
  }

  #implausible(
    event: BeaconEvent<string>,
    latest: number,
  ): Error | undefined {
    const { topic, slot } = event;
    // For almost every event.
    if (!(slot! > latest) && !CHECKED_FURTHER.has(topic)) return undefined;
    const { slotsPerEpoch = ASSUMED_SLOTS_PER_EPOCH } = this.clock ?? {};
    if (slot !== undefined && slot > latest) {
      return new RangeError(
        `Cannot use ${topic} event: slot must be at most one epoch ahead of the clock (${
          latest - slotsPerEpoch
        }), got ${slot}`,
      );
    }
    if (topic === "chain_reorg") {
      const { depth } = (event as BeaconEvent<typeof topic>).data;
      const beyond = this.#options.parity === "charon" ? 0 : slotsPerEpoch;
      if (depth > slot! + beyond) {
        return new RangeError(
          `Cannot use chain_reorg event: depth must be at most ${beyond} beyond slot ${slot}, got ${depth}`,
        );
      }
    } else if (topic === "finalized_checkpoint") {
      const { epoch } = (event as BeaconEvent<typeof topic>).data;
      if (epoch * slotsPerEpoch > latest) {
        return new RangeError(
          `Cannot use finalized_checkpoint event: epoch must not be ahead of the clock, got ${epoch}`,
        );
      }
    }
    return undefined;
  }

  #malformed(
    node: NodeState,
    { topic }: BeaconEvent<string> | MalformedEvent,
    error: Error,
  ): void {
    node.counts.of(topic, node.topics).malformed++;
    if (HEAD_TOPICS.has(topic)) node.chain.branch.restart(undefined);
    const shown = publicError(error, node.endpoint);
    this.#options.reporter.warn(node, "malformed", shown.message, shown);
  }

  #accept(node: NodeState, event: BeaconEvent<string>): void {
    node.lastEventAt = event.receivedAt;
    const count = node.counts.of(event.topic, node.topics);
    count.events++;
    this.#timing.observe(node, event as BeaconEvent, count);
    this.#options.race.report(node, event);
    const { held } = node.chain;
    if (held === undefined || UNORDERED.has(event.topic)) {
      this.#process(node, event);
      return;
    }
    held.events.push(event);
    held.size += 2 * event.raw.length;
    if (held.events.length === 1) held.onFirst();
    // The order is kept, and the recovery comes too late.
    if (
      held.events.length > MAX_HELD || held.size > this.#options.maxQueueBytes
    ) {
      this.release(node);
    }
  }

  /**
   * From now on the node's events wait, so that those before them can be recovered first. Topics that
   * have no order do not wait.
   *
   * @param onFirst Called when an event waits.
   */
  hold({ chain }: NodeState, onFirst: () => void): void {
    chain.held ??= { events: [], size: 0, onFirst };
  }

  /** The node's events have waited long enough. */
  release(node: NodeState): void {
    for (const event of this.#endHold(node)) this.#process(node, event);
  }

  /** Delivers what a node would have sent, among its own events that have waited for it. */
  recover(node: NodeState, recovered: Recovered): void {
    const { events, head, ancestor, blocks } = recovered;
    const { chain } = node;
    const before = chain.head;
    const held = this.#endHold(node);
    if (head !== undefined) {
      if (ancestor === undefined) chain.branch.restart(undefined);
      chain.branch.join([
        ...(ancestor === undefined
          ? []
          : [...chain.branch.upTo(ancestor.root).slice(0, -1), ancestor]),
        ...blocks,
      ]);
    }
    for (const event of mergeRecovered(held, events)) {
      if (event.recovered && event.topic === "chain_reorg") {
        this.#onRecoveredReorg(
          node,
          event as BeaconEvent<"chain_reorg">,
          recovered,
        );
      } else this.#process(node, event);
    }
    if (
      head !== undefined && head.root !== before?.root && chain.head === before
    ) {
      const { slot, root, stateRoot: state } = head;
      chain.moveTo({ slot, root, state });
    }
  }

  #endHold({ chain }: NodeState) {
    const held = chain.held?.events ?? [];
    chain.held = undefined;
    return held;
  }

  /** One event of a node, in its order. */
  #process(node: NodeState, event: BeaconEvent<string>): void {
    const { chain } = node;
    const head = isHeadReport(event) ? reportedHead(event) : undefined;
    if (
      head !== undefined && !event.recovered &&
      chain.isOvertaken(head, event.receivedAt)
    ) {
      count(node.suppressed, "duplicate");
      return;
    }
    const newHead = head ?? newHeadOf(event);
    const isOfBefore = newHead !== undefined && !event.recovered &&
      chain.isVerified(event.topic, newHead, stageOf(event as BeaconEvent));
    const verdict = this.#merge.judge(node, event, this.clock, isOfBefore);
    const isNew = verdict === "new";
    if (isOfBefore) {
      // The node's head stays.
    } else if (head !== undefined) {
      chain.moveTo(head);
      if (event.recovered) chain.recoveredAt = event.receivedAt;
      if (verdict !== "past") this.#onChainEvent(node, event, isNew);
    } else if (newHead !== undefined) {
      const { data } = event as BeaconEvent<"chain_reorg">;
      chain.switchTo(newHead, data.old_head_block);
      if (verdict !== "past") this.#onChainEvent(node, event, isNew);
    } else if (event.topic === "finalized_checkpoint") {
      chain.finalizedEpoch =
        (event as BeaconEvent<typeof event.topic>).data.epoch;
    }
    this.#post(node, event, verdict);
    if (event.topic === "head_v2") {
      if (verdict === "new" || verdict === "again") this.#remember(head!.root);
      if (node.missingTopics.includes("head") && this.#topics.has("head")) {
        const standIn = toHeadEvent(event as BeaconEvent<"head_v2">);
        this.#post(
          node,
          standIn,
          this.#merge.judge(node, standIn, this.clock, isOfBefore),
        );
      }
    }
  }

  #onRecoveredReorg(
    node: NodeState,
    event: BeaconEvent<"chain_reorg">,
    { ancestor, isLowerBound, blocks }: Recovered,
  ): void {
    // Another node may have reported it at any block of the new branch.
    const { data } = event;
    const verdict = this.#merge.judgeRecoveredReorg(
      node,
      event,
      markOf(event),
      blocks.map(({ slot, root: new_head_block }) =>
        markOf({ ...event, data: { ...data, slot, new_head_block } })
      ),
    );
    if (verdict === "new" && this.clock !== undefined) {
      this.#onReorg(
        node,
        event,
        this.clock,
        isLowerBound ? undefined : ancestor?.slot,
      );
    }
    this.#post(node, event, verdict);
  }

  #post(node: NodeState, event: BeaconEvent<string>, verdict: Verdict): void {
    const isStandIn = this.#standsIn(node, event);
    if (!isStandIn && !this.#isWanted(event)) return;
    if (verdict === "new" || verdict === "again") {
      if (isStandIn) this.#standIns.add(event);
      this.#options.events.post(event, this.#postEvent);
    } else {
      count(node.suppressed, verdict === "past" ? "behind" : verdict);
    }
  }

  /** What a node sends without a request is delivered, but for what was requested for the listener itself. */
  #isWanted({ topic, recovered }: BeaconEvent<string>): boolean {
    return this.#topics.has(topic) || !(recovered || HEAD_TOPICS.has(topic));
  }

  /** Whether a `head` is delivered in place of a `head_v2`. */
  #standsIn(node: NodeState, event: BeaconEvent<string>): boolean {
    return event.topic === "head" && this.#topics.has("head_v2") &&
      (event.recovered || node.missingTopics.includes("head_v2")) &&
      !this.#reportedByV2.includes((event as BeaconEvent<"head">).data.block);
  }

  /** Whether a delivered `head` stands in for a `head_v2`. */
  isStandIn(event: BeaconEvent<string>): boolean {
    return this.#standIns.has(event);
  }

  #remember(root: string): void {
    if (this.#reportedByV2.push(root) > MOST_REPORTED) {
      this.#reportedByV2.shift();
    }
  }

  /** Heads and reorgs change duties and the chain, once the clock is known. */
  #onChainEvent(
    node: NodeState,
    event: BeaconEvent<string>,
    isNew: boolean,
    left = node.chain.before,
  ): void {
    const { clock } = this;
    const { head } = node.chain;
    if (clock === undefined) {
      this.#keepEarly({ node, event, isNew, left });
    } else if (isHeadReport(event)) {
      this.#onHead(node, reportedHead(event), left, clock);
    } else {
      const reorg = event as BeaconEvent<"chain_reorg">;
      if (isNew || this.#options.parity === "charon") {
        this.#onReorg(node, reorg, clock);
      }
      const { new_head_block, old_head_block } = reorg.data;
      if (head?.root === new_head_block && left?.root === old_head_block) {
        this.#onHead(node, head, left, clock);
      }
    }
  }

  #onHead(
    node: NodeState,
    head: ReportedHead,
    before: KnownBlock | undefined,
    clock: SlotClock,
  ): void {
    const { chain } = node;
    const epoch = clock.epochOf(head.slot);
    // Where a reorg came without its head, the next head shows what the duties depend on.
    const { switched } = chain;
    const last =
      switched !== undefined && clock.epochOf(switched.slot) === epoch
        ? switched.from
        : before;
    // The block before the epoch on which the next epoch's duties depended, if it was left.
    const isLeft = last !== undefined &&
      clock.epochOf(last.slot) < epoch &&
      (chain.leftRoot === last.root ||
        chain.branch.isBelow(head.ofNextEpoch, last.slot));
    const changes = this.#duties.onHead({
      node: node.name,
      own: chain.dutyRoots,
      epoch,
      head,
      left: isLeft ? last.root : undefined,
    });
    for (const change of changes) this.#options.duties.post(change);
  }

  #onReorg(
    node: NodeState,
    event: BeaconEvent<"chain_reorg">,
    clock: SlotClock,
    ancestorSlot?: number,
  ): void {
    const { parity, fetch } = this.#options;
    const { slotsPerEpoch } = clock;
    if (parity === "charon") {
      const reorg = toChainReorg(event, slotsPerEpoch);
      if (reorg.epoch === this.#lastReorgEpoch) return;
      this.#lastReorgEpoch = reorg.epoch;
      this.#postReorg(reorg);
    } else if (event.recovered || this.#unresolved.size === MOST_UNRESOLVED) {
      this.#postReorg(toChainReorg(event, slotsPerEpoch, ancestorSlot));
    } else {
      const { chain } = node;
      const finding = findReorgBranch(node, event, clock, {
        fetch,
        signal: this.#ended.signal,
      });
      // One after the other, as they came.
      const resolving = Promise.all([finding, ...this.#unresolved]).then((
        [found],
      ) => {
        this.#unresolved.delete(resolving);
        // Another chain is followed meanwhile.
        if (node.chain !== chain) return;
        if (
          found !== undefined && chain.branch.has(event.data.new_head_block)
        ) {
          chain.branch.join(found.blocks);
        }
        this.#postReorg(
          toChainReorg(event, slotsPerEpoch, found?.ancestor.slot),
        );
      });
      this.#unresolved.add(resolving);
    }
  }

  #postReorg(reorg: ChainReorg): void {
    this.#options.reorgs.post(reorg, { merge: mergeReorgs });
  }

  /** Bounded like every queue. Heads give way; of two reorgs, the one that reaches further back stays. */
  #keepEarly(incoming: EarlyEvent): void {
    const early = this.#early;
    if (incoming.event.raw.length > MAX_EARLY_SIZE) return;
    if (early.length < MAX_EARLY) {
      early.push(incoming);
      return;
    }
    if (incoming.event.topic !== "chain_reorg") return;
    const place = early.findLastIndex(({ event }) =>
      event.topic !== "chain_reorg"
    );
    if (place !== -1) {
      early.splice(place, 1);
      early.push(incoming);
    } else if (reachOf(incoming.event) < reachOf(early.at(-1)!.event)) {
      early[early.length - 1] = incoming;
    }
  }
}

/** A head or reorg from before the clock was known. */
interface EarlyEvent {
  node: NodeState;
  event: BeaconEvent<string>;
  /** Whether nobody had reported it before. */
  isNew: boolean;
  /** The node's head before it. */
  left: KnownBlock | undefined;
}

const MAX_EARLY = 1024;
/** Of one event, in UTF-16 code units: a head or reorg is far smaller. */
const MAX_EARLY_SIZE = 32 * 1024;
const MAX_HELD = 1024;
const MOST_UNRESOLVED = 8;
const MOST_REPORTED = 64;
/** As on mainnet, as long as the node's spec is not known. */
const ASSUMED_SLOTS_PER_EPOCH = 32;
/** Topics with more members than a slot that may be implausible. */
const CHECKED_FURTHER: ReadonlySet<string> = new Set([
  "chain_reorg",
  "finalized_checkpoint",
]);
/** They come in any order, and do not show how the chain went. */
const UNORDERED: ReadonlySet<string> = new Set([
  "attestation",
  "single_attestation",
  "contribution_and_proof",
  "data_column_sidecar",
  "payload_attestation_message",
]);

/** The head that a reorg leads to. */
function newHeadOf(event: BeaconEvent<string>): ReportedHead | undefined {
  if (event.topic !== "chain_reorg") return undefined;
  const { slot, new_head_block: root, new_head_state: state } =
    (event as BeaconEvent<"chain_reorg">).data;
  return { slot, root, state };
}

/** The slot that a reorg reaches back to, as the node reports it. */
function reachOf(event: BeaconEvent<string>): number {
  const { slot, depth } = (event as BeaconEvent<"chain_reorg">).data;
  return slot - depth;
}
