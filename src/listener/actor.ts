/**
 * The listener's one owner of what events mean. Connections write what they receive into its sinks.
 * An event goes one way: it is checked, counted and measured, it may wait for a recovery, it is
 * compared with what was delivered, the node's chain follows it, and it is posted. All of it is
 * synchronous, so that no event waits for a subscriber and none overtakes another one.
 */

import type {
  BeaconEvent,
  BeaconEventBatch,
  BeaconEventReader,
  MalformedEvent,
} from "../beacon/events/beacon_event.ts";
import {
  isOptimistic,
  markOf,
  stageOf,
} from "../beacon/events/event_identity.ts";
import { recoveredBlock } from "../beacon/events/recovered_event.ts";
import { publicError } from "../beacon/http/errors.ts";
import type { BlockHeader } from "../beacon/api/headers.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { ServerSentEvent } from "../sse/mod.ts";
import type { Broadcast } from "./broadcast/broadcast.ts";
import type { KnownBlock } from "./chain/branch.ts";
import type { Chain } from "./chain/chain.ts";
import {
  HEAD_TOPICS,
  isHeadReport,
  type ReportedHead,
  reportedHead,
} from "./chain/head.ts";
import { HeldEvents, mergeRecovered } from "./chain/held_events.ts";
import { implausible, latestPlausibleSlot } from "./chain/plausible.ts";
import type { ChainChanges } from "./chain_changes.ts";
import { NodeMerge, type Verdict } from "./merge/node_merge.ts";
import { StandIns, toHeadEvent } from "./merge/stand_ins.ts";
import type { ListenerMetrics } from "./metrics/metrics.ts";
import type { NodeReporter } from "./node_reporter.ts";
import { count, type NodeState } from "./node_state.ts";
import type { RaceTracker } from "./race/race_tracker.ts";

interface ListenerActorOptions {
  chain: Pick<Chain, "clock" | "awaitClock">;
  nodes: ReadonlyMap<string, NodeState>;
  /** The topics that the user wants. */
  topics: readonly string[];
  events: Broadcast<BeaconEvent<string>>;
  changes: ChainChanges;
  reporter: NodeReporter;
  metrics: Pick<ListenerMetrics, "timing"> | undefined;
  race: Pick<RaceTracker, "report" | "reset">;
  parity: "charon" | undefined;
  now: () => number;
  /** The most bytes of a node's events that wait for a recovery. */
  maxQueueBytes: number;
}

export interface Recovered {
  events: readonly BeaconEvent<string>[];
  /** The node's head; absent where it is not known, or its own heads have gone on. */
  head?: BlockHeader;
  /** Its branch up to it, as far back as it is known. */
  branch?: readonly KnownBlock[];
  /** The latest block that both branches have, where it is known. */
  ancestor?: KnownBlock | undefined;
  /** Whether the branches may part at a later block. */
  isLowerBound?: boolean | undefined;
  /** The blocks above it, in order of slot. */
  blocks: readonly BlockHeader[];
}

export class ListenerActor {
  /** When the listener began to follow the chain, Unix time in milliseconds. */
  startedAt: number;
  readonly #options: ListenerActorOptions;
  readonly #topics: ReadonlySet<string>;
  #merge: NodeMerge;
  #standIns = new StandIns();

  constructor(options: ListenerActorOptions) {
    const { topics, now } = options;
    this.#options = options;
    this.#topics = new Set(topics);
    this.startedAt = now();
    this.#merge = this.#newMerge();
  }

  get clock(): SlotClock | undefined {
    return this.#options.chain.clock;
  }

  awaitClock(signal: AbortSignal): Promise<SlotClock> {
    return this.#options.chain.awaitClock(signal);
  }

  /** The clock is known, or has been corrected: it shows which of the past events are plausible. */
  start(clock: SlotClock): void {
    const { nodes, now, changes, metrics } = this.#options;
    metrics?.timing.start(clock);
    const latest = latestPlausibleSlot(clock, now());
    for (const { chain } of nodes.values()) {
      if (chain.head === undefined || chain.head.slot <= latest) continue;
      chain.head = undefined;
      chain.branch.cut();
    }
    changes.start(clock);
  }

  forget(node: NodeState): void {
    this.#merge.forget(node);
    this.#options.changes.forget(node);
  }

  /** Forgets all that was reported: from now on events are of another chain. */
  reset(): void {
    const { nodes, changes, metrics, race, now } = this.#options;
    for (const node of nodes.values()) node.forgetChain();
    this.#merge = this.#newMerge();
    this.#standIns = new StandIns();
    metrics?.timing.reset();
    changes.reset();
    race.reset();
    this.startedAt = now();
  }

  #newMerge(): NodeMerge {
    const { nodes, topics } = this.#options;
    return new NodeMerge(nodes, new Set([...topics, ...HEAD_TOPICS]));
  }

  /** A connection's way in. It is always ready, so it never holds up a node's stream. */
  sink(
    node: NodeState,
    reader: BeaconEventReader,
    onEvents: (valid: number, events: readonly ServerSentEvent[]) => void,
  ): WritableStream<ServerSentEvent[]> {
    return new WritableStream({
      write: (events) =>
        onEvents(this.#receive(node, reader.read(events)), events),
    }, {
      // With room for one only, the pipe would wait for room after each chunk.
      highWaterMark: 4,
    });
  }

  /** Returns how many of the events were valid, and of topics that are requested from the node. */
  #receive(node: NodeState, batch: BeaconEventBatch): number {
    const { clock } = this;
    const { parity } = this.#options;
    let valid = 0;
    // All events of a batch arrived at once.
    const latest = latestPlausibleSlot(clock, batch[0]?.receivedAt ?? 0);
    for (const event of batch) {
      const error = "error" in event
        ? event.error
        : implausible(event, latest, clock, parity);
      if (error !== undefined) {
        this.#malformed(node, event, error);
        continue;
      }
      if (node.topics.includes(event.topic)) valid++;
      this.#accept(node, event as BeaconEvent<string>);
    }
    return valid;
  }

  #malformed(
    node: NodeState,
    { topic }: BeaconEvent<string> | MalformedEvent,
    error: Error,
  ): void {
    node.counts.of(topic, node.topics).malformed++;
    if (HEAD_TOPICS.has(topic)) node.chain.branch.cut();
    const shown = publicError(error, node.endpoint);
    this.#options.reporter.warn(node, "malformed", shown.message, shown);
  }

  #accept(node: NodeState, event: BeaconEvent<string>): void {
    node.lastEventAt = event.receivedAt;
    const count = node.counts.of(event.topic, node.topics);
    count.events++;
    const { metrics, race } = this.#options;
    metrics?.timing.observe(node, event as BeaconEvent, count);
    race.report(node, event);
    const { held } = node.chain;
    if (held === undefined || UNORDERED.has(event.topic)) {
      this.#process(node, event);
    } else if (!held.add(event)) {
      this.#release(node);
    }
  }

  /**
   * From now on the node's events wait, so that those before them can be recovered first. Topics
   * that have no order do not wait. Returns what ends the wait, unless another recovery makes the
   * events wait by then.
   */
  hold(node: NodeState, onFirst: () => void): () => void {
    const { chain } = node;
    const waiting = takeHeld(node);
    const held = chain.held = new HeldEvents(
      this.#options.maxQueueBytes,
      onFirst,
    );
    for (const event of waiting) held.add(event);
    return () => {
      if (node.chain.held === held) this.#release(node);
    };
  }

  #release(node: NodeState): void {
    const now = this.#options.now();
    for (const event of takeHeld(node)) this.#process(node, event, now);
  }

  /** Delivers what a node would have sent, among its own events that have waited for it. */
  recover(node: NodeState, recovered: Recovered): void {
    const { events, head, branch } = recovered;
    const { chain } = node;
    const before = chain.head;
    const now = this.#options.now();
    const held = takeHeld(node);
    if (branch !== undefined) chain.branch.join(branch);
    for (const event of mergeRecovered(held, events)) {
      if (event.recovered && event.topic === "chain_reorg") {
        const reorg = event as BeaconEvent<"chain_reorg">;
        this.#processRecoveredReorg(node, reorg, recovered);
      } else this.#process(node, event, now);
    }
    if (
      head !== undefined && head.root !== before?.root && chain.head === before
    ) {
      const { slot, root, stateRoot: state } = head;
      chain.moveTo({ slot, root, state });
    }
  }

  #process(
    node: NodeState,
    event: BeaconEvent<string>,
    now: number = event.receivedAt,
  ): void {
    const { chain } = node;
    const { changes } = this.#options;
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
    if (head !== undefined && !event.recovered && chain.mayLackBlock) {
      chain.mayLackBlock = false;
      // A node reports a block a little earlier than the head that it becomes.
      const block = {
        ...head,
        isOptimistic: isOptimistic(event as BeaconEvent),
      };
      this.#recoverBlock(node, block, now);
    }
    const { clock } = this;
    const verdict = this.#merge.judge(node, event, clock, isOfBefore, now);
    const isNew = verdict === "new";
    if (isOfBefore) {
      // The node's head stays.
    } else if (head !== undefined) {
      chain.moveTo(head);
      if (event.recovered) chain.recoveredAt = event.receivedAt;
      if (verdict !== "past") changes.add(node, event, isNew);
    } else if (newHead !== undefined) {
      const { data } = event as BeaconEvent<"chain_reorg">;
      chain.switchTo(newHead, data.old_head_block);
      if (verdict !== "past") changes.add(node, event, isNew);
    } else if (event.topic === "finalized_checkpoint") {
      chain.finalizedEpoch =
        (event as BeaconEvent<typeof event.topic>).data.epoch;
    }
    this.#post(node, event, verdict);
    if (event.topic !== "head_v2") return;
    if (verdict === "new" || verdict === "again") {
      this.#standIns.remember(head!.root);
    }
    if (node.missingTopics.includes("head") && this.#topics.has("head")) {
      const standIn = toHeadEvent(event as BeaconEvent<"head_v2">);
      this.#post(
        node,
        standIn,
        this.#merge.judge(node, standIn, clock, isOfBefore, now),
      );
    }
  }

  /** Delivers the blocks of a new branch that the node has received while its connection was away. */
  recoverBlocks(node: NodeState, blocks: readonly BlockHeader[]): void {
    const now = this.#options.now();
    for (const block of blocks) this.#recoverBlock(node, block, now);
  }

  #recoverBlock(
    node: NodeState,
    block: KnownBlock & { isOptimistic: boolean },
    receivedAt: number,
  ): void {
    if (!node.topics.includes("block")) return;
    const event = recoveredBlock(block, { node: node.name, receivedAt });
    if (!this.#merge.isKnown(event)) this.#process(node, event);
  }

  #processRecoveredReorg(
    node: NodeState,
    event: BeaconEvent<"chain_reorg">,
    { ancestor, isLowerBound, blocks }: Recovered,
  ): void {
    // Another node may report it at any block of the new branch.
    const { data } = event;
    const verdict = this.#merge.judgeRecoveredReorg(
      node,
      event,
      markOf(event),
      blocks.map(({ slot, root: new_head_block }) =>
        markOf({ ...event, data: { ...data, slot, new_head_block } })
      ),
    );
    if (verdict === "new") {
      const ancestorSlot = isLowerBound ? undefined : ancestor?.slot;
      this.#options.changes.addReorg(node, event, ancestorSlot);
    }
    this.#post(node, event, verdict);
  }

  #post(node: NodeState, event: BeaconEvent<string>, verdict: Verdict): void {
    const { topic, recovered } = event;
    const isStandIn = topic === "head" && this.#topics.has("head_v2") &&
      this.#standIns.isNeeded(event as BeaconEvent<"head">, node);
    // What a node sends without a request is delivered, except what was requested for the listener
    // itself.
    const isWanted = isStandIn || this.#topics.has(topic) ||
      !(recovered || HEAD_TOPICS.has(topic));
    if (!isWanted) return;
    if (verdict === "new" || verdict === "again") {
      if (isStandIn) this.#standIns.add(event);
      this.#options.events.post(event);
    } else if (!recovered) {
      // The node has sent no such event where a recovery finds what is known.
      count(node.suppressed, verdict === "past" ? "behind" : verdict);
    }
  }

  isStandIn(event: BeaconEvent<string>): boolean {
    return this.#standIns.has(event);
  }
}

/** They come in any order, and do not show how the chain went. */
const UNORDERED: ReadonlySet<string> = new Set([
  "attestation",
  "single_attestation",
  "contribution_and_proof",
  "data_column_sidecar",
  "payload_attestation_message",
]);

function takeHeld({ chain }: NodeState): readonly BeaconEvent<string>[] {
  const held = chain.held?.events ?? [];
  chain.held = undefined;
  return held;
}

function newHeadOf(event: BeaconEvent<string>): ReportedHead | undefined {
  if (event.topic !== "chain_reorg") return undefined;
  const { slot, new_head_block: root, new_head_state: state } =
    (event as BeaconEvent<"chain_reorg">).data;
  return { slot, root, state };
}
