/**
 * Which topics a node is requested for. A node accepts a list as a whole or refuses it as a whole, and
 * few name the reason. So the refused topics are narrowed down here, and remembered. State only: the
 * supervisor sends the requests.
 */

import { standInFor } from "../../beacon/events/stand_in.ts";
import type { ConnectionEnd } from "./connection_end.ts";
import type { TopicForm } from "../../beacon/http/topics_query.ts";
import type { ProbedTopics } from "../../beacon/http/topic_probe.ts";

/** What is requested of a node. */
export interface TopicRequest {
  /** The topics. */
  topics: readonly string[];
  /** How they are written. */
  form: TopicForm;
}

/** What to do after a refusal. */
export type NextStep =
  /** Send the new {@linkcode TopicNegotiation.request}. */
  | "retry"
  /** Send the same again, in a while. */
  | "wait"
  /** Request each of {@linkcode TopicNegotiation.candidates} alone, and pass on which were accepted. */
  | "probe"
  /** Nothing is left to try; the full list is requested again later. */
  | "exhausted";

/**
 * Finds the largest list of topics that a node accepts. Each refusal leaves a topic out for good or goes
 * a stage further, so a round of them ends.
 */
export class TopicNegotiation {
  readonly #wanted: readonly string[];
  readonly #refused = new Set<string>();
  #form: TopicForm = "joined";
  #stage: "full" | "optional" | "probed" | "exhausted" = "full";
  /** How many streams in a row ended at once. */
  #emptied = 0;
  /** When the node first refused the full request, by the clock below. */
  #refusedAt: number | undefined;
  /** When to request refused topics a first time again. */
  #recheckSoonAt = Infinity;
  /** The topics for which that was done, or will be. */
  readonly #doubted = new Set<string>();
  readonly #now: () => number;

  /**
   * @param wanted The topics that the user wants.
   * @param now A monotonic clock, in milliseconds.
   */
  constructor(
    wanted: readonly string[],
    now: () => number = () => performance.now(),
  ) {
    this.#wanted = wanted;
    this.#now = now;
  }

  /** What to request now: what was not refused, and what stands in for what was. */
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

  /** The wanted topics that are not requested. */
  get missing(): string[] {
    return this.#wanted.filter((topic) => this.#refused.has(topic));
  }

  /** The topics to request one by one: the wanted ones, and what may stand in for one. */
  get candidates(): string[] {
    const standIns = this.#wanted.map(standInFor).filter((topic) =>
      topic !== undefined
    );
    return [...new Set([...this.#wanted, ...standIns])];
  }

  /** In how many milliseconds to request again what the node refuses. */
  get recheckInMs(): number {
    const now = this.#now();
    const at = Math.min(
      (this.#refusedAt ?? now) + RECHECK_MS,
      this.#recheckSoonAt,
    );
    return Math.max(0, at - now);
  }

  /** The early recheck has begun; the next one is an hour later. */
  rechecked(): void {
    if (this.#now() >= this.#recheckSoonAt) this.#recheckSoonAt = Infinity;
  }

  /** Forgets refusals that are an hour old: the node may run another version now. */
  forgetOldRefusals(): void {
    if (this.#refusedAt === undefined) return;
    if (this.#now() - this.#refusedAt < RECHECK_MS) return;
    this.restart();
    this.#doubted.clear();
  }

  /** What to do about the topics after a connection ended. */
  after(end: ConnectionEnd): NextStep {
    if (end.kind === "topics_regained") {
      this.restart();
      return "wait";
    }
    const step = this.#after(end);
    if (step !== "wait" || end.kind === "unanswered") this.#noteRefusal();
    return step;
  }

  #after(end: ConnectionEnd): NextStep {
    switch (end.kind) {
      case "refused":
        return this.refused(end.error.body);
      case "emptied":
        return this.emptied();
      case "unanswered":
        this.unanswered();
    }
    return "wait";
  }

  #noteRefusal(): void {
    const now = this.#now();
    this.#refusedAt ??= now;
    for (const topic of this.missing) {
      // Once for each topic: a node may accept it alone and refuse it in a list.
      if (!this.#doubted.has(topic)) {
        this.#recheckSoonAt = now + RECHECK_SOON_MS;
      }
      this.#doubted.add(topic);
    }
  }

  /** The node refused the request, with this text. */
  refused(message: string): NextStep {
    const { topics } = this.request;
    // An answer that names several may also be the list of what the node accepts.
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
        // The earlier failure may have had another reason; each round waits at the cap.
        this.#stage = "full";
        return this.refused(message);
    }
  }

  /**
   * The node ended another stream at once, without an event. One such end may be a restart, two in a
   * row look like a refusal. No topic is left out on a guess. Where a round of probes finds nothing, the
   * next round is some streams later.
   */
  emptied(): NextStep {
    if (++this.#emptied === 1) return "wait";
    if (this.#stage === "probed") return this.refused("");
    return this.#emptied % EMPTIED_PER_ROUND === 2 ? "probe" : "wait";
  }

  /** What the node answered to the {@linkcode TopicNegotiation.candidates}, each alone. */
  probed({ taken, refused }: ProbedTopics): NextStep {
    this.#refused.clear();
    for (const topic of refused) this.#refused.add(topic);
    this.#noteRefusal();
    const { topics } = this.request;
    if (!topics.some((topic) => taken.has(topic))) return this.#exhaust();
    this.#stage = "probed";
    // Each topic is fine and the list was refused: the node cannot read a list.
    if (topics.length > 1 && this.#wanted.every((topic) => taken.has(topic))) {
      this.#form = "repeated";
    }
    return "retry";
  }

  /** The node never sent headers: some nodes read a list with commas as one topic that never comes. */
  unanswered(): void {
    if (this.request.topics.length > 1) {
      this.#form = this.#form === "joined" ? "repeated" : "joined";
    }
  }

  /** The node accepted the request: after a later refusal the search starts again. */
  accepted(): void {
    if (this.#stage === "exhausted") this.#stage = "full";
    this.#emptied = 0;
  }

  /** Forgets what was found out. */
  restart(): void {
    this.#forget();
    this.#refusedAt = undefined;
  }

  #forget(): void {
    this.#refused.clear();
    this.#form = "joined";
    this.#stage = "full";
  }

  #leaveOut(topic: string): NextStep {
    this.#refused.add(topic);
    return this.request.topics.length === 0 ? this.#exhaust() : "retry";
  }

  #exhaust(): NextStep {
    this.#forget();
    this.#stage = "exhausted";
    return "exhausted";
  }
}

/** How long a refusal is believed, in milliseconds. */
const RECHECK_MS = 3_600_000;
/** When a topic is requested a first time again: what looked like a refusal may have been a restart. */
const RECHECK_SOON_MS = 60_000;
const EMPTIED_PER_ROUND = 8;
/** Left out first where a node does not name what it refuses: several clients lack it. */
const MOST_OFTEN_REFUSED = "block_gossip";

function names(message: string, topic: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${topic}(?![A-Za-z0-9_])`).test(message);
}
