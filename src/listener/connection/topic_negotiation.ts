/**
 * Which topics a node is asked for. A node takes a list whole or refuses it whole, and few say why;
 * so what it refuses is narrowed down here, and remembered. Pure state: the supervisor does the asking.
 */

import { standInFor } from "../../beacon/events/stand_in.ts";
import type { TopicForm } from "../../beacon/http/topics_query.ts";
import type { ProbedTopics } from "../../beacon/http/topic_probe.ts";

/** What is asked of a node. */
export interface TopicRequest {
  /** The topics. */
  topics: readonly string[];
  /** How they are written. */
  form: TopicForm;
}

/** What to do after a refusal. */
export type NextStep =
  /** Ask with the new {@linkcode TopicNegotiation.request}. */
  | "retry"
  /** Ask the same again, in a while. */
  | "wait"
  /** Ask for each of {@linkcode TopicNegotiation.candidates} alone, and tell which were taken. */
  | "probe"
  /** Nothing is left to try; the full list is asked for again later. */
  | "exhausted";

/**
 * Finds the largest list of topics that a node takes. Every refusal leaves a topic out for good or goes
 * a stage further, so a round of them ends.
 */
export class TopicNegotiation {
  readonly #wanted: readonly string[];
  readonly #refused = new Set<string>();
  #form: TopicForm = "joined";
  #stage: "full" | "optional" | "probed" | "exhausted" = "full";
  /** How many streams in a row ended at once. */
  #emptied = 0;

  /** @param wanted The topics that the user asked for. */
  constructor(wanted: readonly string[]) {
    this.#wanted = wanted;
  }

  /** What to ask for now: what was not refused, and what stands in for what was. */
  get request(): TopicRequest {
    const topics = new Set<string>();
    for (const topic of this.#wanted) {
      const other = standInFor(topic);
      if (!this.#refused.has(topic)) topics.add(topic);
      else if (other !== undefined && !this.#refused.has(other)) {
        topics.add(other);
      }
    }
    return { topics: [...topics], form: this.#form };
  }

  /** The wanted topics that the node is not asked for. */
  get missing(): string[] {
    return this.#wanted.filter((topic) => this.#refused.has(topic));
  }

  /** The topics to ask for one by one: the wanted ones, and what may stand in for one. */
  get candidates(): string[] {
    const standIns = this.#wanted.map(standInFor).filter((topic) =>
      topic !== undefined
    );
    return [...new Set([...this.#wanted, ...standIns])];
  }

  /** The node refused the request, with this text. */
  refused(message: string): NextStep {
    const { topics } = this.request;
    // An answer that names several may as well list what the node does take.
    const named = topics.filter((topic) => names(message, topic));
    if (named.length === 1) return this.#leaveOut(named[0]!);
    switch (this.#stage) {
      case "full":
        this.#stage = "optional";
        return topics.length > 1 && topics.includes(MOST_OFTEN_REFUSED)
          ? this.#leaveOut(MOST_OFTEN_REFUSED)
          : "probe";
      case "optional":
        return "probe";
      case "probed":
        if (this.#form === "repeated" || topics.length === 1) {
          return this.#exhaust();
        }
        this.#form = "repeated";
        return "retry";
      case "exhausted":
        // What failed then may have had another reason; each round waits at the cap.
        this.#stage = "full";
        return this.refused(message);
    }
  }

  /**
   * The node ended another stream at once, without a word. That may have any reason: one may be a
   * restart, two in a row look like a refusal. No topic is left out on a guess, and where a round has
   * found nothing the next one is some streams later.
   */
  emptied(): NextStep {
    if (++this.#emptied === 1) return "wait";
    if (this.#stage === "probed") return this.refused("");
    return this.#emptied % EMPTIED_PER_ROUND === 2 ? "probe" : "wait";
  }

  /** What the node says of the {@linkcode TopicNegotiation.candidates}, each alone. */
  probed({ taken, refused }: ProbedTopics): NextStep {
    this.#refused.clear();
    for (const topic of refused) this.#refused.add(topic);
    const { topics } = this.request;
    if (!topics.some((topic) => taken.has(topic))) return this.#exhaust();
    this.#stage = "probed";
    // Each topic is fine and the list was refused: then the node does not read a list.
    if (topics.length > 1 && this.#wanted.every((topic) => taken.has(topic))) {
      this.#form = "repeated";
    }
    return "retry";
  }

  /** The node never sent headers: to some, a list with commas is one topic that never comes. */
  unanswered(): void {
    if (this.request.topics.length > 1) {
      this.#form = this.#form === "joined" ? "repeated" : "joined";
    }
  }

  /** The node took the request: a later refusal is worth finding out about again. */
  accepted(): void {
    if (this.#stage === "exhausted") this.#stage = "full";
    this.#emptied = 0;
  }

  /** Forgets what was found out. */
  reset(): void {
    this.#refused.clear();
    this.#form = "joined";
    this.#stage = "full";
  }

  #leaveOut(topic: string): NextStep {
    this.#refused.add(topic);
    return this.request.topics.length === 0 ? this.#exhaust() : "retry";
  }

  #exhaust(): NextStep {
    this.reset();
    this.#stage = "exhausted";
    return "exhausted";
  }
}

const EMPTIED_PER_ROUND = 8;
/** Left out first where a node does not say what it minds: several clients lack it. */
const MOST_OFTEN_REFUSED = "block_gossip";

function names(message: string, topic: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${topic}(?![A-Za-z0-9_])`).test(message);
}
