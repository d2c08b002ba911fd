/**
 * An event of a node: what it is, and how it is read from what the node sent. Everything that a node
 * sends passes here, up to thousands of events a second.
 */

import * as v from "@valibot/valibot";
import type { ServerSentEvent } from "../../sse/mod.ts";
import { ownCopy } from "../../values/own_copy.ts";
import { shown } from "../../values/shown.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import {
  type AnyTopicRecord,
  type EventData,
  isTopicName,
  type KnownTopic,
  topicRecord,
} from "./topic.ts";

/** An event of one topic. */
export interface TopicEvent<T extends string> {
  /** Topic of the event. */
  readonly topic: T;
  /** Payload, checked and typed for a known topic; as parsed from JSON for any other. */
  readonly data: EventData<T>;
  /** Payload as the node sent it. */
  readonly raw: string;
  /** Name of the node that sent it. */
  readonly node: string;
  /** When it arrived, in milliseconds since the epoch. */
  readonly receivedAt: number;
  /** Slot that the event belongs to, where it has one. */
  readonly slot?: number;
  /** Present where the event was missed and recovered after a reconnect. */
  readonly recovered?: true;
}

/**
 * An event; `event.topic === "head"` narrows `event.data` to the interface of `head`.
 *
 * Without a type argument it is an event of any known topic. `BeaconEvent<Topic>` includes unknown
 * topics, whose data are `unknown`.
 */
export type BeaconEvent<T extends string = KnownTopic> = T extends string
  ? TopicEvent<T>
  : never;

export interface MalformedEvent {
  /** The event's name as the node sent it: unchecked text. */
  topic: string;
  node: string;
  receivedAt: number;
  error: Error;
}

export type BeaconEventBatch = (BeaconEvent<string> | MalformedEvent)[];

interface BeaconEventReaderOptions {
  node: NodeEndpoint;
  now: () => number;
  /** Whether events of a topic are parsed at once; others are when their `data` is read. */
  needsData: (topic: string) => boolean;
}

/**
 * Turns a decoder's batches into beacon events, a malformed payload into a {@linkcode
 * MalformedEvent}. It is no stream: passing a chunk through one more costs more than reading an
 * event.
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

/** Parsed when its `data` is first read; spread and `structuredClone` leave that getter out. */
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

/**
 * Parses the payload of an event and checks it.
 *
 * Members keep the names of the Beacon API. Slots, epochs, indices and times become numbers,
 * amounts stay decimal strings, hex becomes lower-case. Members that are not known stay as the node
 * sent them; an optional member that is `null` is absent. The payload of an unknown topic is parsed
 * only.
 *
 * @param topic Topic of the event.
 * @param raw Payload as the node sent it.
 * @returns The payload, typed by the topic.
 * @throws {SyntaxError} If `raw` is not JSON.
 * @throws {TypeError} If a member is missing or wrong; the message names it.
 *
 * @example
 * ```ts
 * import { parseEventData } from "@org/beacon-sse";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const root = "0x9a2fefd2fdb57f74993c7780ea5b9030d2897b615b89f808011ca5aebed54eaf";
 * const block = parseEventData("block", `{"slot":"10","block":"${root}"}`);
 * assertEquals(block, { slot: 10, block: root, execution_optimistic: false });
 *
 * assertThrows(
 *   () => parseEventData("block", `{"slot":"ten","block":"${root}"}`),
 *   TypeError,
 *   'Cannot parse block event: slot must be a decimal integer, got "ten"',
 * );
 * ```
 */
export function parseEventData<T extends string>(
  topic: T,
  raw: string,
): EventData<T> {
  return readPayload(topic, raw, topicRecord(topic)) as EventData<T>;
}

function readPayload(
  topic: string,
  raw: string,
  record: AnyTopicRecord | undefined,
): unknown {
  const read = record?.payload.readText?.(raw);
  if (read !== undefined) return read;
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot parse ${label(topic)} event: payload must be JSON, got ${
        shown(raw, EXCERPT_LENGTH)
      }`,
      { cause },
    );
  }
  if (record === undefined) return value;
  const data = record.payload.read(value);
  if (data !== undefined) return data;
  // Parsed again, since a part of the value may have been read in place.
  const result = v.safeParse(
    record.payload.schema,
    JSON.parse(raw),
    ABORT_EARLY,
  );
  if (result.success) return result.output;
  throw new TypeError(
    `Cannot parse ${label(topic)} event: ${describe(result.issues[0])}`,
    { cause: new v.ValiError(result.issues) },
  );
}

function describe(issue: v.BaseIssue<unknown>): string {
  // A rule between members names them itself.
  if (issue.kind === "validation") return issue.message;
  const path = issue.path ?? [];
  const last = path.at(-1);
  if (last?.origin === "key" && !Array.isArray(last.input)) {
    return `${nameOf(path)} is missing`;
  }
  // An array passes valibot as an object that has no members.
  if (last?.origin === "key") {
    return `${nameOf(path.slice(0, -1))} must be an object, got an array`;
  }
  const rule = RULES[issue.type] ?? issue.message;
  return `${nameOf(path)} ${rule}, got ${shown(issue.input, EXCERPT_LENGTH)}`;
}

function nameOf(path: readonly v.IssuePathItem[]): string {
  return path.map(({ key }) => key).join(".") || "payload";
}

/** The topic, unless it could forge a line of the log: it comes from the node. */
function label(topic: string): string {
  return isTopicName(topic) ? topic : shown(topic, EXCERPT_LENGTH);
}

const ABORT_EARLY = { abortEarly: true };
const EXCERPT_LENGTH = 57;
/** Of valibot's own schemas, by their type. */
const RULES: { readonly [type: string]: string } = {
  loose_object: "must be an object",
  array: "must be an array",
};
