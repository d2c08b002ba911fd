/** An event as the listener delivers it. */

import type { EventData, KnownTopic } from "./topic.ts";

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
