/**
 * A beacon node that is only a `fetch`: it answers what a listener requests before it listens, and
 * serves bytes from memory as one endless response.
 */

import type { ChainConfig } from "@org/beacon-sse";
import {
  type Chunk,
  type Corpus,
  type Cut,
  cutCorpus,
  LAST_SLOT,
  moveOn,
} from "./corpus.ts";

/** Genesis and timing of the chain that the corpora are of. */
export const CONFIG: ChainConfig = {
  genesisTime: 1_606_824_023_000,
  slotDurationMs: 12_000,
  slotsPerEpoch: 32,
};

/**
 * The most events that are under way between the node and whoever reads them. A subscriber's queue
 * holds 1024; a socket would leave it time to read, and memory does not.
 */
const MOST_UNDER_WAY = 1000;

/** A step from one round to the next: more slots than any corpus has, in whole epochs. */
const SLOTS_PER_ROUND = 6016;

/** How often each corpus has moved on, whichever node serves it. */
const rounds = new WeakMap<Corpus, number>();

/** Serves the same events again each round, over one response. */
export class InMemoryNode {
  /** URL to give to a listener. */
  readonly url = "http://in.memory";
  /** Takes the place of the global `fetch`. */
  readonly fetch: typeof fetch = (input) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    return Promise.resolve(
      pathname === "/eth/v1/events" ? this.respond() : answerSyncing(),
    );
  };
  /** Takes the place of the wall clock: 3 s into the last slot of the round. */
  readonly now: () => number = () => this.#now;
  readonly #corpus: Corpus;
  readonly #chunks: readonly Chunk[];
  #now = timeOf(LAST_SLOT);
  #next: number;
  #served = 0;
  #read = 0;
  #pull: PromiseWithResolvers<void> | undefined;
  #round: PromiseWithResolvers<void> | undefined;

  /**
   * @param corpus What is served each round.
   * @param cut In what chunks.
   */
  constructor(corpus: Corpus, cut: Cut) {
    this.#corpus = corpus;
    this.#chunks = cutCorpus(corpus, cut);
    this.#next = this.#chunks.length;
    if (this.#chunks.some(({ events }) => events > MOST_UNDER_WAY)) {
      throw new RangeError(
        `Cannot serve ${corpus.name}: a chunk must complete at most ${MOST_UNDER_WAY} events`,
      );
    }
  }

  /** Makes the next round one of later slots. */
  prepare(): void {
    if (this.#corpus.slotOffsets.length === 0) return;
    const round = (rounds.get(this.#corpus) ?? 0) + 1;
    rounds.set(this.#corpus, round);
    moveOn(this.#corpus, SLOTS_PER_ROUND);
    this.#now = timeOf(LAST_SLOT + SLOTS_PER_ROUND * round);
  }

  /** Serves all events once; resolves when they were all read. */
  round(): Promise<void> {
    this.#round = Promise.withResolvers();
    this.#next = this.#served = this.#read = 0;
    this.#wake();
    return this.#round.promise;
  }

  /** To be called when events have arrived where they are wanted. */
  read(events = 1): void {
    this.#read += events;
    if (this.#pull !== undefined && this.#hasRoom()) this.#wake();
    if (this.#read === this.#corpus.tally.events) this.#round?.resolve();
  }

  /** The response to a request for events. */
  respond(): Response {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        while (this.#next === this.#chunks.length || !this.#hasRoom()) {
          this.#pull = Promise.withResolvers();
          await this.#pull.promise;
        }
        const { bytes, events } = this.#chunks[this.#next++]!;
        this.#served += events;
        controller.enqueue(bytes);
      },
    });
    return new Response(body, {
      headers: { "content-type": "text/event-stream" },
    });
  }

  #hasRoom(): boolean {
    const { events } = this.#chunks[this.#next] ?? { events: 0 };
    return this.#served - this.#read + events <= MOST_UNDER_WAY;
  }

  #wake(): void {
    this.#pull?.resolve();
    this.#pull = undefined;
  }
}

function timeOf(slot: number): number {
  return CONFIG.genesisTime + slot * CONFIG.slotDurationMs + 3000;
}

/** Answers the probe in front of a connection. */
export function answerSyncing(): Response {
  return Response.json(SYNCING);
}

const SYNCING = {
  data: {
    head_slot: `${LAST_SLOT}`,
    sync_distance: "0",
    is_syncing: false,
    is_optimistic: false,
    el_offline: false,
  },
};
