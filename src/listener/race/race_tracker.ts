/**
 * Which node reports a block first, and how far behind the others are. All arrivals are measured by
 * one clock, this machine's, so the nodes' clocks do not matter; the way to each node does.
 */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { NodeState } from "../node_state.ts";

/** Topics that are compared, each with itself only: clients report at different moments of a block's way. */
export type RaceTopic = "block_gossip" | "block" | "head" | "head_v2";

/** When the nodes reported one block under one topic. */
export interface RaceRecord {
  /** The topic. */
  readonly topic: RaceTopic;
  /** Slot of the block. */
  readonly slot: number;
  /** Root of the block. */
  readonly root: string;
  /** Name of the node whose report arrived first. */
  readonly first: string;
  /** When it arrived, Unix time in milliseconds. */
  readonly firstAt: number;
  /** How much later each node's report arrived, in milliseconds; 0 for the first and for ties with it. */
  readonly lags: Readonly<Record<string, number>>;
  /** The nodes that had the topic open, and did not report the block within one slot. */
  readonly missing: readonly string[];
}

interface RaceTrackerOptions {
  nodes: ReadonlyMap<string, NodeState>;
  onRecord: (record: RaceRecord) => void;
  clock: () => SlotClock | undefined;
}

interface Race {
  topic: RaceTopic;
  slot: number;
  root: string;
  firstAt: number;
  /** The nodes that can take part. */
  runners: readonly NodeState[];
  arrivals: Map<string, number>;
  endsAt: number;
}

/** Collects reports. A record is complete when all nodes have reported, or one slot after the first one. */
export class RaceTracker {
  readonly #options: RaceTrackerOptions;
  /** In order of the first report. */
  readonly #races = new Map<string, Race>();
  /** Records that are complete, so that a late report does not begin another one. */
  readonly #complete = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Arrival of the first report of this turn of the event loop. */
  #turnAt: number | undefined;
  #turnEnd: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RaceTrackerOptions) {
    this.#options = options;
  }

  /** Takes an event as it arrives, whether it is delivered or suppressed later. */
  report(node: NodeState, event: BeaconEvent<string>): void {
    const { slot } = event;
    if (slot === undefined) return;
    const clock = this.#options.clock();
    if (clock === undefined) return;
    const slotMs = clock.slotDurationMs(slot);
    // What a node that catches up reports of the past is no race.
    if (event.receivedAt - clock.slotStart(slot) > MOST_SLOTS * slotMs) return;
    const block = blockOf(event as BeaconEvent);
    if (block === undefined) return;
    const { topic, root } = block;
    const receivedAt = this.#arrivalOf(event);
    const key = `${topic} ${slot} ${root}`;
    if (this.#complete.has(key)) return;
    let race = this.#races.get(key);
    if (race === undefined) {
      const runners = [...this.#options.nodes.values()].filter((each) =>
        each === node ||
        (each.state === "connected" && each.topics.includes(topic))
      );
      const arrivals = new Map<string, number>();
      const endsAt = performance.now() + slotMs;
      const firstAt = receivedAt;
      race = { topic, slot, root, firstAt, runners, arrivals, endsAt };
      this.#races.set(key, race);
      if (this.#races.size > MOST_RACES) this.#endFirst();
      this.#schedule();
    }
    if (!race.arrivals.has(node.name)) {
      race.arrivals.set(node.name, receivedAt);
      race.firstAt = Math.min(race.firstAt, receivedAt);
    }
    if (race.runners.every(({ name }) => race.arrivals.has(name))) {
      this.#end(key, race);
    }
  }

  /** The blocks that not all nodes have reported yet. */
  open(): RaceRecord[] {
    return [...this.#races.values()].map((race) => toRecord(race, []));
  }

  forget(node: string): void {
    for (const [key, race] of this.#races) {
      if (!race.arrivals.delete(node)) continue;
      if (race.arrivals.size === 0) this.#races.delete(key);
      else race.firstAt = Math.min(...race.arrivals.values());
    }
  }

  reset(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#turnEnd);
    this.#timer = undefined;
    this.#turnEnd = undefined;
    this.#turnAt = undefined;
    this.#races.clear();
    this.#complete.clear();
  }

  /** What is read in one turn of the event loop is a tie: the order of its parts has no meaning. */
  #arrivalOf({ receivedAt }: BeaconEvent<string>): number {
    const turnAt = this.#turnAt;
    if (
      turnAt !== undefined && Math.abs(receivedAt - turnAt) <= MOST_TURN_MS
    ) return turnAt;
    this.#turnAt = receivedAt;
    this.#turnEnd ??= setTimeout(() => {
      this.#turnAt = undefined;
      this.#turnEnd = undefined;
    }, 0);
    return receivedAt;
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    const next = this.#races.values().next().value;
    if (next === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const now = performance.now();
      for (const { endsAt } of this.#races.values()) {
        if (endsAt > now) break;
        this.#endFirst();
      }
      this.#schedule();
    }, Math.max(0, next.endsAt - performance.now()));
  }

  #endFirst(): void {
    const [first] = this.#races;
    if (first !== undefined) this.#end(...first);
  }

  #end(key: string, race: Race): void {
    this.#races.delete(key);
    this.#complete.add(key);
    if (this.#complete.size > MOST_RACES) {
      const [oldest] = this.#complete;
      this.#complete.delete(oldest!);
    }
    // A node that was lost meanwhile could not report it.
    const missing = race.runners.filter(({ name, state }) =>
      state === "connected" && !race.arrivals.has(name)
    );
    this.#options.onRecord(toRecord(race, missing.map(({ name }) => name)));
  }
}

function toRecord(
  { topic, slot, root, firstAt, arrivals }: Race,
  missing: readonly string[],
): RaceRecord {
  const sorted = [...arrivals].sort(([, a], [, b]) => a - b);
  const first = sorted[0]![0];
  const lags = Object.fromEntries(
    sorted.map(([name, at]) => [name, at - firstAt]),
  );
  return { topic, slot, root, first, firstAt, lags, missing };
}

const MOST_RACES = 1024;
const MOST_TURN_MS = 5;
/** A report is compared if it arrives within so many slots from the start of its slot. */
const MOST_SLOTS = 2;

function blockOf(
  event: BeaconEvent,
): Pick<RaceRecord, "topic" | "root"> | undefined {
  switch (event.topic) {
    case "head":
    case "block":
    case "block_gossip": {
      const { topic, data } = event;
      return { topic, root: data.block };
    }
    case "head_v2": {
      const { topic, data: { data } } = event;
      return { topic, root: data.block };
    }
    default:
      return undefined;
  }
}
