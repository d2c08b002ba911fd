/** All that is known of a topic, in one record. */

import type { Shape } from "./members.ts";

/** All that is known of a topic. */
export interface TopicRecord<T extends string, Data> {
  /** Name of the topic. */
  readonly topic: T;
  /** The members of its payload. */
  readonly payload: Shape<Data>;
  /** The slot that an event belongs to; absent where its events are of no slot. */
  readonly slot?: (data: Data) => number;
  /**
   * The members that make an event this one and no other, at any depth: some, or all but some. Left
   * out is what one node may know and another not: `execution_optimistic`, `version`, states and
   * epochs that follow from the rest, and members that only some nodes send.
   */
  readonly identity:
    | { readonly only: readonly string[] }
    | { readonly allBut: readonly string[] };
}

/** Declares a topic; the type of its data follows from the payload. */
export function defineTopic<const T extends string, Data>(
  record: TopicRecord<T, Data>,
): TopicRecord<T, Data> {
  return record;
}
