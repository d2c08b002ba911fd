/**
 * What the listener's events themselves show to be missing for readers: events behind a recovery that
 * is still open, and heads and gossip of what it recovers.
 */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import { eventIdentity } from "../../beacon/events/event_identity.ts";
import type { ListenerAccess } from "../../listener/listener_access.ts";
import { CHAIN_TOPICS } from "./event_hub.ts";
import type { Gap } from "./frame.ts";

/** Options for {@linkcode MissingEvents}. */
export interface MissingEventsOptions {
  /** The nodes, and the topics that readers may list. */
  access: Pick<ListenerAccess, "nodes" | "topics">;
  /** The slot in which the gateway began to listen, once the clock is known. */
  startSlot: () => number | undefined;
}

/** Follows the events that readers receive. */
export class MissingEvents {
  readonly #options: MissingEventsOptions;
  readonly #chainTopics: readonly string[];
  /** Up to which slot readers have everything, or know what is missing. */
  #reportedUntil = -1;
  /** The connection whose open recovery was reported: its own events have no gap behind that. */
  #connection: string | undefined;
  /** The gaps that a recovery may still fill. */
  #open: Gap[] = [];
  /** Blocks whose heads have not come: their slots by root. */
  readonly #headless = new Map<string, number>();
  /** Whether a block was recovered since the last head. */
  #isRecovering = false;
  /** Roots of the latest heads. */
  readonly #heads: string[] = [];
  /** Roots of the latest gossip. */
  readonly #gossip: string[] = [];
  /** The last gap that reports gossip. */
  #gossipGap: Gap | undefined;

  /** @param options The nodes. */
  constructor(options: MissingEventsOptions) {
    this.#options = options;
    this.#chainTopics = options.access.topics.filter((topic) =>
      CHAIN_TOPICS.has(topic) && topic !== GOSSIP
    );
  }

  /** Takes a gap that readers receive: what it reports is not reported once more. */
  addGap(gap: Gap): void {
    if (gap.topics.includes(GOSSIP)) this.#gossipGap = gap;
  }

  /**
   * The gaps that readers must know of before they receive an event.
   *
   * @param event The event.
   * @param since The slot in which its node's connection began: gossip of it may have come before.
   */
  before(event: BeaconEvent<string>, since?: number): Gap[] {
    if (!CHAIN_TOPICS.has(event.topic)) return [];
    const gaps = [
      this.#behindRecovery(event),
      this.#ofHeads(event),
      this.#ofGossip(event, since),
    ];
    return gaps.filter((gap) => gap !== undefined);
  }

  /**
   * Whether an event comes late from before the gateway's start. Readers that come from elsewhere have
   * it, unless a gap reports it.
   */
  isOfBefore(
    { slot, recovered }: BeaconEvent<string>,
    latest: number,
  ): boolean {
    const start = this.#options.startSlot() ?? -1;
    return recovered === true && slot !== undefined && slot <= start &&
      latest > start + 1 &&
      !this.#open.some(({ from, to }) => from <= slot && slot <= to);
  }

  #behindRecovery({ node, slot, recovered }: BeaconEvent<string>) {
    if (recovered || slot === undefined || slot - 1 <= this.#reportedUntil) {
      return undefined;
    }
    const start = this.#options.startSlot() ?? slot;
    let complete = Math.max(start - 1, this.#reportedUntil);
    let connection: string | undefined;
    for (const other of this.#options.access.nodes()) {
      if (other.endpoint.name === node) {
        connection = `${node} ${other.snapshot().reconnects}`;
        if (other.isComplete || connection === this.#connection) {
          this.#reportedUntil = slot - 1;
          return undefined;
        }
      }
      complete = Math.max(complete, other.completeSlot ?? -1);
    }
    this.#connection = connection;
    if (complete >= slot - 1) return undefined;
    const gap: Gap = {
      from: complete + 1,
      to: slot - 1,
      topics: this.#chainTopics,
      reason: "it may still be recovered",
    };
    this.#reportedUntil = gap.to;
    this.#open = [...this.#open, gap].slice(-MOST_OPEN);
    return gap;
  }

  #ofHeads(event: BeaconEvent<string>): Gap | undefined {
    const { topic, slot, recovered = false } = event;
    const isHead = HEAD_TOPICS.has(topic);
    if (slot === undefined || !(isHead || topic === "block")) return undefined;
    const root = rootOf(event);
    if (!isHead) {
      if (this.#heads.includes(root)) return undefined;
      this.#isRecovering ||= recovered;
      this.#headless.set(root, slot);
      if (this.#headless.size > MOST_ROOTS) {
        this.#headless.delete(this.#headless.keys().next().value!);
      }
      return undefined;
    }
    remember(this.#heads, root);
    this.#headless.delete(root);
    const missed = [...this.#headless].filter(([, missed]) => missed < slot);
    for (const [root] of missed) this.#headless.delete(root);
    // Without a recovery they are blocks of other branches.
    const isRecovery = recovered || this.#isRecovering;
    this.#isRecovering = false;
    if (!isRecovery || missed.length === 0) return undefined;
    const slots = missed.map(([, slot]) => slot);
    return {
      from: Math.min(...slots),
      to: Math.max(...slots),
      topics: this.#chainTopics.filter((topic) => HEAD_TOPICS.has(topic)),
      reason: "of the heads that were missed only the last one is recovered",
    };
  }

  #ofGossip(event: BeaconEvent<string>, since = -1): Gap | undefined {
    const { topic, slot, recovered } = event;
    if (slot === undefined) return undefined;
    if (topic === GOSSIP) remember(this.#gossip, rootOf(event));
    if (
      topic !== "block" || this.#gossip.includes(rootOf(event)) ||
      !this.#options.access.topics.includes(GOSSIP)
    ) return undefined;
    const isCut = slot <= since && slot > (this.#options.startSlot() ?? slot);
    const { from, to } = this.#gossipGap ?? { from: Infinity, to: 0 };
    return (recovered || isCut) && (slot < from || slot > to)
      ? { from: slot, to: slot, topics: [GOSSIP], reason: NO_GOSSIP }
      : undefined;
  }
}

function rootOf(event: BeaconEvent<string>): string {
  return eventIdentity(event).split("/")[2]!;
}

function remember(roots: string[], root: string): void {
  if (roots.push(root) > MOST_ROOTS) roots.shift();
}

const GOSSIP = "block_gossip";
const NO_GOSSIP = "gossip is not recovered";
const HEAD_TOPICS: ReadonlySet<string> = new Set(["head", "head_v2"]);
const MOST_OPEN = 16;
/** More than a recovery finds. */
const MOST_ROOTS = 256;
