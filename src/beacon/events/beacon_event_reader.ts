/** Turns server-sent events into beacon events: the step that knows topics and JSON. */

import type { ServerSentEvent } from "../../sse/mod.ts";
import { ownCopy } from "../../values/own_copy.ts";
import type { BeaconEvent } from "./beacon_event.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { parseEventData, readPayload } from "./parse_event_data.ts";
import { topicRecord } from "./topic.ts";

/** An event whose payload is not that of its topic. */
export interface MalformedEvent {
  /** The event's name as the node sent it: unchecked text. */
  topic: string;
  node: string;
  receivedAt: number;
  error: Error;
}

/** The events that one chunk of a connection completed, in order. */
export type BeaconEventBatch = (BeaconEvent<string> | MalformedEvent)[];

export interface BeaconEventReaderOptions {
  node: NodeEndpoint;
  now: () => number;
  /** Whether events of a topic are parsed at once; others are when their `data` is read. */
  needsData: (topic: string) => boolean;
}

/**
 * Turns a decoder's batches into beacon events. A malformed payload becomes a
 * {@linkcode MalformedEvent} in its place; the events around it are not affected.
 *
 * It is no stream: passing a chunk through one more costs more than reading an event.
 */
export class BeaconEventReader {
  readonly #options: BeaconEventReaderOptions;

  constructor(options: BeaconEventReaderOptions) {
    this.#options = options;
  }

  read(events: readonly ServerSentEvent[]): BeaconEventBatch {
    const receivedAt = this.#options.now();
    return events.map((event) => this.#read(event, receivedAt));
  }

  #read(
    { type, data }: ServerSentEvent,
    receivedAt: number,
  ): BeaconEvent<string> | MalformedEvent {
    const { needsData } = this.#options;
    const node = this.#options.node.name;
    const record = topicRecord(type);
    // An event may wait in a queue. A slice would keep the whole chunk alive with it.
    const topic = record?.topic ?? ownCopy(type);
    const raw = ownCopy(data);
    if (!needsData(topic)) {
      return new UnparsedEvent(topic, raw, node, receivedAt);
    }
    try {
      const data = readPayload(topic, raw, record);
      const slot = record?.slot?.(data);
      return slot === undefined
        ? { topic, data, raw, node, receivedAt }
        : { topic, data, raw, node, receivedAt, slot };
    } catch (error) {
      return {
        topic,
        node,
        receivedAt,
        // The message quotes a part of what the node sent.
        error: this.#options.node.holdsSecret(topic + raw)
          ? new TypeError("Cannot parse event: it is malformed, and not shown")
          : error as Error,
      };
    }
  }
}

/**
 * An event that is parsed when its `data` is first read. The getter is left out by spread and
 * `structuredClone`.
 */
class UnparsedEvent implements BeaconEvent<string> {
  readonly topic: string;
  readonly raw: string;
  readonly node: string;
  readonly receivedAt: number;
  #data: unknown;

  constructor(topic: string, raw: string, node: string, receivedAt: number) {
    this.topic = topic;
    this.raw = raw;
    this.node = node;
    this.receivedAt = receivedAt;
  }

  get data(): unknown {
    return this.#data ??= parseEventData(this.topic, this.raw);
  }

  toJSON(): BeaconEvent<string> {
    const { topic, data, raw, node, receivedAt } = this;
    return { topic, data, raw, node, receivedAt };
  }
}
