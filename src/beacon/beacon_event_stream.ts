/** Server-sent events in, beacon events out: the step that knows topics, JSON and schemas. */

import type { ServerSentEvent } from "../sse/mod.ts";
import type { BeaconEvent } from "./beacon_event.ts";
import { eventSlot } from "./event_slot.ts";
import { parseEventData } from "./parse_event_data.ts";

/** An event whose payload is not what its topic says. */
export interface MalformedEvent {
  /** The event's name as the node sent it: unchecked text. */
  topic: string;
  /** Name of the node. */
  node: string;
  /** When it arrived, Unix time in milliseconds. */
  receivedAt: number;
  /** What is wrong with it, the field named. */
  error: Error;
}

/** What one chunk of a connection completed, in order. */
export type BeaconEventBatch = (BeaconEvent<string> | MalformedEvent)[];

/** Options for {@linkcode BeaconEventStream}. */
export interface BeaconEventStreamOptions {
  /** Name of the node, for the events' `node`. */
  node: string;
  /** Wall clock, Unix time in milliseconds. */
  now: () => number;
  /** Whether events of a topic are parsed and checked; others are parsed when asked for `data`. */
  needsData: (topic: string) => boolean;
}

/**
 * Turns a decoder's batches into beacon events. A malformed payload becomes a
 * {@linkcode MalformedEvent} in its place and costs the events around it nothing.
 */
export class BeaconEventStream
  extends TransformStream<ServerSentEvent[], BeaconEventBatch> {
  /** @param options Where the events come from and what is wanted of them. */
  constructor(options: BeaconEventStreamOptions) {
    const { node, now, needsData } = options;
    super({
      transform(events, controller) {
        const receivedAt = now();
        const batch: BeaconEventBatch = [];
        for (const { type: topic, data } of events) {
          const raw = ownCopy(data);
          if (!needsData(topic)) {
            batch.push(new UnparsedEvent(topic, raw, node, receivedAt));
            continue;
          }
          try {
            batch.push(toBeaconEvent(topic, raw, node, receivedAt));
          } catch (error) {
            batch.push({ topic, node, receivedAt, error: error as Error });
          }
        }
        controller.enqueue(batch);
      },
    });
  }
}

/** Parses and checks one event. */
function toBeaconEvent(
  topic: string,
  raw: string,
  node: string,
  receivedAt: number,
): BeaconEvent<string> {
  const data = parseEventData(topic, raw);
  const slot = eventSlot(topic, data);
  return slot === undefined
    ? { topic, data, raw, node, receivedAt }
    : { topic, data, raw, node, receivedAt, slot };
}

/** An event whose payload nobody has looked into yet. It is parsed once, when somebody does. */
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
}

const LARGE_UNITS = 64 * 1024;

/** Events are queued; a slice would keep the whole chunk that it was cut from alive meanwhile. */
function ownCopy(raw: string): string {
  return raw.length > LARGE_UNITS ? raw : (" " + raw).slice(1);
}
