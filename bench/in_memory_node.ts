/**
 * A beacon node that is only a `fetch`: it answers what a listener asks before it listens, and
 * serves bytes from memory as one endless response.
 */

import type { Chunk } from "./corpus.ts";

/**
 * The most events that are under way between the node and whoever reads them. A subscriber's queue
 * holds 1024; a socket would leave it time to read, and memory does not.
 */
const MOST_UNDER_WAY = 1000;

/** Serves the same chunks again each round, over one response. */
export class InMemoryNode {
  /** URL to give to a listener. */
  readonly url = "http://in.memory";
  /** Takes the place of the global `fetch`. */
  readonly fetch: typeof fetch = (input) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const response = pathname === "/eth/v1/events"
      ? this.respond()
      : Response.json(SYNCING);
    return Promise.resolve(response);
  };
  readonly #chunks: readonly Chunk[];
  readonly #events: number;
  #next: number;
  #served = 0;
  #read = 0;
  #pull: PromiseWithResolvers<void> | undefined;
  #round: PromiseWithResolvers<void> | undefined;

  /** @param chunks What is served each round. */
  constructor(chunks: readonly Chunk[]) {
    this.#chunks = chunks;
    this.#events = chunks.reduce((sum, { events }) => sum + events, 0);
    this.#next = chunks.length;
    if (chunks.some(({ events }) => events > MOST_UNDER_WAY)) {
      throw new RangeError(
        "A chunk completes more events than may be under way",
      );
    }
  }

  /** Serves all chunks; resolves when all events in them were read. */
  round(): Promise<void> {
    this.#round = Promise.withResolvers();
    this.#next = this.#served = this.#read = 0;
    this.#wake();
    return this.#round.promise;
  }

  /** To be called for each event that has arrived where it was wanted. */
  read(): void {
    this.#read++;
    if (this.#pull !== undefined && this.#hasRoom()) this.#wake();
    if (this.#read === this.#events) this.#round?.resolve();
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

const SYNCING = {
  data: {
    head_slot: "10000000",
    sync_distance: "0",
    is_syncing: false,
    is_optimistic: false,
    el_offline: false,
  },
};
