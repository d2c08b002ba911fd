/** Listens in on every event stream of a listener, between `fetch` and it, and counts for itself. */

import { isKnownTopic, parseEventData, SseDecoder } from "@org/beacon-sse";
import type { IdentifiedEvent } from "./event_identity.ts";
import { type BodyState, watch } from "./tap.ts";

/** What passed on the streams of one node. */
export interface TapCount {
  /** Complete events, valid or not. */
  events: number;
  /** Of these, the ones whose payload does not parse. */
  malformed: number;
  /** Events over the cap. */
  oversize: number;
  /** Events and oversize events that passed as their stream broke: rightly or not, they may be lost. */
  inDoubt: number;
}

/** An event that passed. */
export interface TappedEvent extends IdentifiedEvent {
  /** Origin of the node. */
  origin: string;
}

/** What passed last on a stream. */
interface Recent {
  at: number;
  /** Events and oversize events. */
  count: number;
  /** The ones that parse. */
  events: TappedEvent[];
}

/** Options for {@linkcode SoakTap}. */
export interface SoakTapOptions {
  /** The listener's cap. */
  maxEventBytes: number;
  /** Called with each event that parses. */
  onEvent: (event: TappedEvent) => void;
  /** Called with each of them that may have been lost with its stream. */
  onDoubt: (event: TappedEvent) => void;
}

/** What arrives so shortly before a stream breaks may not get through to its reader. */
const DOUBT_MS = 250;

/** A `fetch` that counts. */
export class SoakTap {
  /** What passed, by the node's origin. */
  readonly counts = new Map<string, TapCount>();
  /** Streams that are open. */
  openStreams = 0;
  readonly #options: SoakTapOptions;

  /** @param options What to do with events. */
  constructor(options: SoakTapOptions) {
    this.#options = options;
  }

  /** To be used in place of the global one. */
  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const response = await fetch(input, init);
    // One topic alone is requested only to find out whether the node takes it.
    const isTry = !/topics=[^&]*(,|&topics=)/.test(
      decodeURIComponent(url.search),
    );
    const type = response.headers.get("content-type") ?? "";
    if (
      !url.pathname.endsWith("/events") || isTry || response.status !== 200 ||
      response.body === null || !type.startsWith("text/event-stream") ||
      /streams/.test(type)
    ) return response;
    const { status, headers } = response;
    return new Response(this.#tap(url.origin, response.body), {
      status,
      headers,
    });
  };

  #tap(
    origin: string,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const count = this.counts.get(origin) ??
      { events: 0, malformed: 0, oversize: 0, inDoubt: 0 };
    this.counts.set(origin, count);
    const text = new TextDecoder("utf-8", { ignoreBOM: true });
    const { maxEventBytes, onDoubt } = this.#options;
    const decoder = new SseDecoder({ maxEventBytes });
    let recent: Recent[] = [];
    const pass = (chunk: Uint8Array<ArrayBuffer>) => {
      const before = decoder.oversized;
      const events = decoder.push(text.decode(chunk, { stream: true }));
      const oversize = decoder.oversized - before;
      count.events += events.length;
      count.oversize += oversize;
      const at = performance.now();
      recent = recent.filter((other) => at - other.at < DOUBT_MS);
      const parsed = events.flatMap(({ type, data }) =>
        this.#parse(origin, type, data, count)
      );
      if (events.length + oversize > 0) {
        recent.push({ at, count: events.length + oversize, events: parsed });
      }
    };
    const doubt = () => {
      const since = performance.now() - DOUBT_MS;
      for (const { at, count: passed, events } of recent) {
        if (at < since) continue;
        count.inDoubt += passed;
        for (const event of events) onDoubt(event);
      }
      recent = [];
    };
    this.openStreams++;
    const isDone = (state: BodyState) => {
      this.openStreams--;
      if (state !== "ended") doubt();
    };
    return watch(body, { handed: 0, state: "open" }, pass, () => {}, isDone);
  }

  #parse(
    origin: string,
    topic: string,
    raw: string,
    count: TapCount,
  ): TappedEvent[] {
    let event: TappedEvent;
    try {
      event = { origin, topic, data: parseEventData(topic, raw), raw };
    } catch {
      count.malformed++;
      return [];
    }
    if (!isKnownTopic(topic)) return [];
    this.#options.onEvent(event);
    return [event];
  }
}
