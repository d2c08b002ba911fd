/** Events of the past, in a store that several processes share. */

import type { BeaconEvent } from "./beacon_event.ts";

/** A store that is read page by page. */
export interface EventHistory {
  /**
   * Reads the next events.
   *
   * @throws {Error} If the store is away; the message says so.
   */
  read(request: PastRequest): Promise<PastPage>;
}

/** What to read. */
export interface PastRequest {
  /**
   * Where to begin: behind the event of a number, or with the first event that was stored at a time
   * or later, Unix time in milliseconds.
   */
  after: { seq: number } | { time: number };
  /** The topics. */
  topics: readonly string[];
}

/** Some events, in the order of the store. */
export interface PastPage {
  /** Name of the store, of letters and digits; a store that was made again has another one. */
  store: string;
  /** The events. */
  events: readonly PastEvent[];
  /** Behind this number the next page begins. */
  last: number;
  /** Whether there is no later event of these topics so far. */
  isEnd: boolean;
  /** Whether the store still has all that was stored since the wanted begin. */
  isWhole: boolean;
  /** When the latest event of any topic was stored, Unix time in milliseconds; 0 if there is none. */
  updatedAt: number;
}

/** An event of a store. */
export interface PastEvent {
  /** Its number, which grows from event to event. */
  seq: number;
  /** The event. */
  event: BeaconEvent<string>;
}
