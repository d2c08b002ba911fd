/**
 * What the listener's events themselves show to be missing for readers: events behind a recovery that
 * is still open, and heads between those that it recovers.
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
  /** Recovered blocks whose heads have not come, by root. */
  readonly #headless = new Map<string, number>();
  /** Roots of the latest heads. */
  readonly #heads: string[] = [];

  /** @param options The nodes. */
  constructor(options: MissingEventsOptions) {
    this.#options = options;
    this.#chainTopics = options.access.topics.filter((topic) =>
      CHAIN_TOPICS.has(topic) && topic !== "block_gossip"
    );
  }

  /** The gaps that readers must know of before they receive an event. */
  before(event: BeaconEvent<string>): Gap[] {
    if (!CHAIN_TOPICS.has(event.topic)) return [];
    const gaps = [this.#behindRecovery(event), this.#ofHeads(event)];
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
    const { topic, slot, recovered } = event;
    const isHead = HEAD_TOPICS.has(topic);
    if (slot === undefined || !(isHead || topic === "block")) return undefined;
    const root = eventIdentity(event).split("/")[2]!;
    if (!isHead) {
      if (recovered && !this.#heads.includes(root)) {
        this.#headless.set(root, slot);
      }
      return undefined;
    }
    if (this.#heads.push(root) > MOST_HEADS) this.#heads.shift();
    this.#headless.delete(root);
    const missed = [...this.#headless].filter(([, missed]) => missed < slot);
    for (const [root] of missed) this.#headless.delete(root);
    const slots = missed.map(([, slot]) => slot);
    return slots.length === 0 ? undefined : {
      from: Math.min(...slots),
      to: Math.max(...slots),
      topics: this.#chainTopics.filter((topic) => HEAD_TOPICS.has(topic)),
      reason: "of the heads that were missed only the last one is recovered",
    };
  }
}

const HEAD_TOPICS: ReadonlySet<string> = new Set(["head", "head_v2"]);
const MOST_OPEN = 16;
const MOST_HEADS = 64;
