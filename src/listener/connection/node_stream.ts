/** One request for a node's events, from the request to the end of its stream. */

import { BeaconEventReader } from "../../beacon/events/beacon_event.ts";
import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
  publicError,
} from "../../beacon/http/errors.ts";
import {
  EmptyAnswerError,
  openEventStream,
} from "../../beacon/http/event_stream.ts";
import type { ServerSentEvent } from "../../sse/mod.ts";
import type { ListenerActor } from "../actor.ts";
import type { NodeReporter } from "../node_reporter.ts";
import type { NodeState } from "../node_state.ts";
import type { ConnectionEnd } from "./connection_end.ts";
import type { TopicRequest } from "./topic_negotiation.ts";

export interface StreamParts {
  actor: Pick<ListenerActor, "sink">;
  reporter: Pick<NodeReporter, "oversized">;
  signal: AbortSignal;
  fetch: typeof fetch;
  now: () => number;
  needsData: (topic: string) => boolean;
  /** The decoder's default where `undefined`. */
  maxEventBytes: number | undefined;
}

interface StreamHooks {
  onOpen: () => void;
  onBytes: () => void;
  onComment: (comment: string) => void;
  onRetry: (milliseconds: number) => void;
  /** The events of one chunk; `valid` of them can be used and were requested. */
  onEvents: (valid: number, events: readonly ServerSentEvent[]) => void;
}

export class NodeStream {
  readonly request: TopicRequest;
  /** Resolves when the headers are in. */
  readonly opened: Promise<void>;
  /** Resolves with the first valid event. */
  readonly used: Promise<void>;
  /** Resolves with the first event that shows that the node reads the whole list of topics. */
  readonly proven: Promise<void>;
  /** Resolves with why the stream ended, or could not be opened. */
  readonly ended: Promise<ConnectionEnd>;

  readonly #node: NodeState;
  readonly #dropped = new AbortController();
  readonly #requestedAt = performance.now();
  #openedAt: number | undefined;
  #hasBytes = false;
  #hasEvents = false;
  #resolveOpened!: () => void;
  #resolveUsed!: () => void;
  #resolveProven!: () => void;
  #isProven = false;

  constructor(
    node: NodeState,
    request: TopicRequest,
    parts: StreamParts,
    hooks: StreamHooks,
  ) {
    this.#node = node;
    this.request = request;
    this.opened = new Promise((resolve) => this.#resolveOpened = resolve);
    this.used = new Promise((resolve) => this.#resolveUsed = resolve);
    this.proven = new Promise((resolve) => this.#resolveProven = resolve);
    this.ended = this.#read(parts, hooks);
  }

  /** How long the stream has been open; 0 before the headers are in. */
  get openMs(): number {
    const now = performance.now();
    return now - (this.#openedAt ?? now);
  }

  get isOpen(): boolean {
    return this.#openedAt !== undefined;
  }

  /**
   * Resolves when no other form of the list is needed. A node that answers a list with commas reads
   * it; repeated keys must be proven.
   */
  get settled(): Promise<void> {
    return this.request.form === "joined" ? this.opened : this.proven;
  }

  async drop(): Promise<void> {
    this.#dropped.abort();
    await this.ended;
  }

  async #read(parts: StreamParts, hooks: StreamHooks): Promise<ConnectionEnd> {
    const node = this.#node;
    const { actor, now, needsData, reporter, fetch, maxEventBytes } = parts;
    const signal = AbortSignal.any([parts.signal, this.#dropped.signal]);
    let oversized = () => 0;
    try {
      const stream = await openEventStream(node.endpoint, {
        ...this.request,
        fetch,
        now,
        signal,
        ...(maxEventBytes === undefined ? {} : { maxEventBytes }),
        onBytes: (count) => {
          this.#hasBytes = true;
          node.bytes += count;
          hooks.onBytes();
          reporter.oversized(node);
        },
        onComment: hooks.onComment,
        onRetry: hooks.onRetry,
      });
      this.#openedAt = performance.now();
      this.#resolveOpened();
      oversized = stream.oversized;
      node.oversizedNow.add(oversized);
      hooks.onOpen();
      const reader = new BeaconEventReader({
        node: node.endpoint,
        now,
        needsData,
      });
      const sink = actor.sink(node, reader, (valid, events) => {
        this.#onEvents(valid, events);
        hooks.onEvents(valid, events);
      });
      await stream.batches.pipeTo(sink, { signal });
    } catch (error) {
      return this.#endBy(error);
    } finally {
      node.oversizedBefore += oversized();
      node.oversizedNow.delete(oversized);
    }
    const error = new BeaconProtocolError(
      `Lost ${node.name}: the node ended the stream`,
    );
    return this.#isRefusal
      ? this.#emptied("eof", error)
      : { kind: "eof", error };
  }

  #onEvents(valid: number, events: readonly ServerSentEvent[]): void {
    this.#hasEvents = true;
    if (!this.#isProven && valid > 0) this.#prove(events);
    for (const { type, data } of events) {
      if (type === "error") this.#throwIfRefusal(data);
    }
  }

  #prove(events: readonly ServerSentEvent[]): void {
    const { topics, form } = this.request;
    this.#resolveUsed();
    // Of repeated keys, some nodes read the first one only.
    this.#isProven = form === "joined" ||
      events.some(({ type }) => topics.indexOf(type) > 0);
    if (this.#isProven) this.#resolveProven();
  }

  /** Some nodes send a refusal as an event of a stream that they have opened already. */
  #throwIfRefusal(data: string): void {
    const status = statusIn(data);
    if (status === undefined) return;
    const { endpoint } = this.#node;
    const url = endpoint.at("/eth/v1/events");
    const body = endpoint.show(data, 300);
    throw new BeaconHttpError(
      `Cannot read ${url}: status ${status} in an event of the stream: ${body}`,
      { status, url, body },
    );
  }

  #endBy(error: unknown): ConnectionEnd {
    const { name, endpoint } = this.#node;
    if (error instanceof BeaconHttpError) {
      return { kind: "refused", error, afterMs: this.#answeredAfterMs };
    }
    if (error instanceof EmptyAnswerError) {
      return this.#emptied("content_type", error);
    }
    if (error instanceof BeaconProtocolError) {
      return { kind: "protocol", error };
    }
    if (error instanceof BeaconNetworkError) {
      return { kind: isHopeless(error) ? "hopeless" : "network", error };
    }
    const cause = publicError(error, endpoint);
    const broken = new BeaconNetworkError(`Lost ${name}: ${cause.message}`, {
      cause,
    });
    // A server that just closes ends the stream, but not by the rules of HTTP.
    return this.#isRefusal && !this.#hasBytes
      ? this.#emptied("network", broken)
      : { kind: "network", error: broken };
  }

  #emptied(
    reason: "content_type" | "eof" | "network",
    error: Error,
  ): ConnectionEnd {
    const afterMs = this.#answeredAfterMs;
    return { kind: "emptied", reason, error, afterMs };
  }

  get #isRefusal(): boolean {
    return this.isOpen && !this.#hasEvents && this.openMs < EMPTY_WITHIN_MS;
  }

  get #answeredAfterMs(): number {
    return (this.#openedAt ?? performance.now()) - this.#requestedAt;
  }
}

const EMPTY_WITHIN_MS = 1000;

function statusIn(data: string): number | undefined {
  try {
    const { status_code, statusCode, code, status } = JSON.parse(data);
    return [status_code, statusCode, code, status].map(Number).find((number) =>
      Number.isInteger(number) && number >= 400 && number < 600
    );
  } catch {
    return undefined;
  }
}

/** Whether no retry can succeed: a permission that the process lacks, a URL that `fetch` cannot use. */
export function isHopeless(error: Error): boolean {
  for (
    let cause: unknown = error;
    cause instanceof Error;
    cause = cause.cause
  ) {
    if (/^(NotCapable|PermissionDenied)$/.test(cause.name)) return true;
    if (/\bscheme\b.*\bnot supported\b|unknown scheme/i.test(cause.message)) {
      return true;
    }
  }
  return false;
}
