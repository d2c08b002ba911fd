/**
 * Which topics a node is asked for. A node takes a list whole or refuses it whole, and few say why;
 * so what it refuses is narrowed down here, and remembered. Pure state: the supervisor does the asking.
 */

import { standInFor } from "../beacon/stand_in.ts";

/** What is asked of a node. */
export interface TopicRequest {
  /** The topics. */
  topics: readonly string[];
  /** One `topics` key with commas, or a `topics` key for each. */
  form: "joined" | "repeated";
}

/** What to do after a refusal. */
export type NextStep =
  /** Ask with the new {@linkcode TopicNegotiation.request}. */
  | "retry"
  /** Ask for each of {@linkcode TopicNegotiation.candidates} alone, and tell which were taken. */
  | "probe"
  /** Nothing is left to try; the full list is asked for again later. */
  | "exhausted";

/** Finds the largest list of topics that a node takes. */
export class TopicNegotiation {
  readonly #wanted: readonly string[];
  #topics: readonly string[];
  #form: TopicRequest["form"] = "joined";
  #stage: "full" | "optional" | "probed" | "exhausted" = "full";

  /** @param wanted The topics that the user asked for. */
  constructor(wanted: readonly string[]) {
    this.#wanted = wanted;
    this.#topics = wanted;
  }

  /** What to ask for now. */
  get request(): TopicRequest {
    return { topics: this.#topics, form: this.#form };
  }

  /** The wanted topics that the node is not asked for. */
  get missing(): string[] {
    return this.#wanted.filter((topic) => !this.#topics.includes(topic));
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
    const named = this.#topics.filter((topic) => names(message, topic));
    const isTelling = named.length < this.#topics.length ||
      this.#topics.length === 1;
    if (named.length > 0 && isTelling) {
      const topics = this.#without(named);
      if (topics.length === 0) return this.#exhaust();
      this.#topics = topics;
      return "retry";
    }
    switch (this.#stage) {
      case "full":
        this.#stage = "optional";
        if (
          this.#topics.length > 1 && this.#topics.includes(MOST_OFTEN_REFUSED)
        ) {
          this.#topics = this.#without([MOST_OFTEN_REFUSED]);
          return "retry";
        }
        return "probe";
      case "optional":
        return "probe";
      case "probed":
        if (this.#form === "repeated" || this.#topics.length === 1) {
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

  /** The node takes these topics, each alone. */
  probed(taken: ReadonlySet<string>): NextStep {
    const refused = this.#wanted.filter((topic) => !taken.has(topic));
    this.#topics = this.#wanted;
    const topics = this.#without(refused).filter((topic) => taken.has(topic));
    if (topics.length === 0) return this.#exhaust();
    this.#topics = topics;
    this.#stage = "probed";
    // Each topic is fine and the list was refused: then the node does not read a list.
    if (refused.length === 0 && topics.length > 1) this.#form = "repeated";
    return "retry";
  }

  /** The node never sent headers: to some, a list with commas is one topic that never comes. */
  unanswered(): void {
    if (this.#topics.length > 1) {
      this.#form = this.#form === "joined" ? "repeated" : "joined";
    }
  }

  /** The node took the request: a later refusal is worth finding out about again. */
  accepted(): void {
    if (this.#stage === "exhausted") this.#stage = "full";
  }

  /** Forgets what was found out. */
  reset(): void {
    this.#topics = this.#wanted;
    this.#form = "joined";
    this.#stage = "full";
  }

  #without(refused: readonly string[]): string[] {
    const topics = this.#topics.filter((topic) => !refused.includes(topic));
    for (const topic of refused) {
      const other = standInFor(topic);
      if (
        other !== undefined && this.#wanted.includes(topic) &&
        !topics.includes(other)
      ) {
        topics.unshift(other);
      }
    }
    return topics;
  }

  #exhaust(): NextStep {
    this.reset();
    this.#stage = "exhausted";
    return "exhausted";
  }
}

/** Left out first where a node does not say what it minds: several clients lack it. */
const MOST_OFTEN_REFUSED = "block_gossip";

function names(message: string, topic: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${topic}(?![A-Za-z0-9_])`).test(message);
}
