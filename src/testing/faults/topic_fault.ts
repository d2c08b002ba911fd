/** Nodes that do not take every list of topics, as plain data. */

/** A node that does not have some topics: it refuses any list with one of them. */
export interface RefuseTopicsFault {
  /** Tells the faults apart. */
  type: "refuse-topics";
  /** Topics that it does not have. */
  topics: readonly string[];
  /**
   * How it refuses: 400 that names the first such topic (most nodes), 400 that
   * does not, or an event stream that ends at once (Teku).
   *
   * @default {"named"}
   */
  answer?: "named" | "unnamed" | "empty";
  /**
   * How many requests it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}

/**
 * A node that takes `topics=head,block` for one topic, which it does not have;
 * it wants `topics=head&topics=block`.
 */
export interface JoinedTopicsFault {
  /** Tells the faults apart. */
  type: "joined-topics";
  /**
   * What such a request gets: 400 that names the list as one topic, 400 that
   * names nothing, or no answer at all (Lodestar 1.5.1), as with
   * {@linkcode HangFault}.
   *
   * @default {"named"}
   */
  answer?: "named" | "unnamed" | "hang";
  /**
   * How many requests it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}

/** A node that reads the first `topics` key only, and tells nobody (Caplin). */
export interface RepeatedTopicsFault {
  /** Tells the faults apart. */
  type: "repeated-topics";
  /**
   * How many requests it strikes.
   *
   * @default {Infinity}
   */
  times?: number;
}
