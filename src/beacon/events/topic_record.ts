/** All that is known of a topic, in one record. */

import type { Shape } from "./members.ts";

/** What an identity is made of, always in the same number and order. */
export type Parts = readonly (string | number | boolean | undefined)[];

/** All that is known of a topic. */
export interface TopicRecord<T extends string, Data> {
  /** Name of the topic. */
  readonly topic: T;
  /** The members of its payload. */
  readonly payload: Shape<Data>;
  /** The slot that an event belongs to; absent where its events are of no slot. */
  readonly slot?: (data: Data) => number;
  /**
   * What makes an event this one and no other. Left out is what one node may know and another not:
   * `execution_optimistic`, `version`, states and epochs that follow from the rest, and members that
   * only some nodes send.
   */
  readonly identity: (data: Data) => Parts;
}
