/** What is counted of a node by topic, in plain fields, since every event is counted. */

import { isKnownTopic } from "../../beacon/events/topic.ts";

export interface TopicCount {
  events: number;
  malformed: number;
  /** Events that came after attestations were due. */
  late: number;
}

/** The label of a topic. A node may send any name; one that is neither known nor requested is `other`. */
export function topicLabel(
  topic: string,
  requested: readonly string[],
): string {
  return isKnownTopic(topic) || requested.includes(topic) ? topic : "other";
}

export class TopicCounts {
  readonly #counts = new Map<string, TopicCount>();

  of(topic: string, requested: readonly string[]): TopicCount {
    const known = this.#counts.get(topic);
    if (known !== undefined) return known;
    const label = topicLabel(topic, requested);
    let count = this.#counts.get(label);
    if (count === undefined) {
      count = { events: 0, malformed: 0, late: 0 };
      this.#counts.set(label, count);
    }
    return count;
  }

  /** One count of each topic that it is not 0 of. */
  *get(name: keyof TopicCount): Generator<[topic: string, count: number]> {
    for (const [topic, count] of this.#counts) {
      if (count[name] > 0) yield [topic, count[name]];
    }
  }
}
