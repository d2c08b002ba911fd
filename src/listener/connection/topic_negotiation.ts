/**
 * Which topics are requested from a node. It accepts or refuses a list as a whole, and rarely
 * names the reason. So the refused topics are narrowed down here, and remembered. State only: the
 * supervisor sends the requests.
 */

import { standInFor } from "../merge/stand_ins.ts";
import type { ConnectionEnd } from "./connection_end.ts";
import type { TopicForm } from "../../beacon/http/event_stream.ts";
import type { ProbedTopics } from "../../beacon/http/topic_probe.ts";

export interface TopicRequest {
  topics: readonly string[];
  form: TopicForm;
}

export type NextStep =
  /** Send the new request. */
  | "retry"
  /** Send the same again, in a while. */
  | "wait"
  /** Request each of the candidates alone, and pass on which were accepted. */
  | "probe"
  /** Nothing is left to try; the full list is requested again later. */
  | "exhausted";

/** Each refusal leaves a topic out for good or goes a stage further, so a round of them ends. */
export class TopicNegotiation {
  readonly #wanted: readonly string[];
  /** The wanted topics, and heads in any case: as heartbeat, and for what follows from heads. */
  readonly #full: readonly string[];
  readonly #refused = new Set<string>();
  #form: TopicForm = "joined";
  #isProven = false;
  #isSilent = false;
  #stage: "full" | "optional" | "probed" | "exhausted" = "full";
  /** How many streams in a row ended at once, and how many requests in a row had no answer. */
  #emptied = 0;
  #unanswered = 0;
  /** When the node first refused the full request. */
  #refusedAt: number | undefined;
  #recheckAt = Infinity;
  /** The refused topics that are requested again soon, or were. */
  readonly #doubted = new Set<string>();
  readonly #now: () => number;

  constructor(
    wanted: readonly string[],
    now: () => number = () => performance.now(),
  ) {
    this.#wanted = wanted;
    this.#full = wanted.some((topic) => standInFor(topic) !== undefined)
      ? wanted
      : [...wanted, "head"];
    this.#now = now;
  }

  /** What to request now: what was not refused, and what stands in for what was. */
  get request(): TopicRequest {
    return this.#requestAs(this.#form);
  }

  get otherRequest(): TopicRequest {
    return this.#requestAs(this.#form === "joined" ? "repeated" : "joined");
  }

  /** Whether the node may read the other form of the list only. */
  get isFormOpen(): boolean {
    return !this.#isProven && this.#topics.length > 1;
  }

  /** Whether the node answers a topic that it does not know with silence. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  get missing(): string[] {
    return this.#wanted.filter((topic) => this.#refused.has(topic));
  }

  /** The topics to request one by one: all, and what may stand in for one. */
  get candidates(): string[] {
    const standIns = this.#full.map(standInFor).filter((topic) =>
      topic !== undefined
    );
    return [...new Set([...this.#full, ...standIns])];
  }

  /** The topic of heads that is requested, of which something comes in almost every slot. */
  get heartbeat(): string {
    return this.#topics.find((topic) => standInFor(topic) !== undefined) ??
      "head";
  }

  get #topics(): string[] {
    const topics = new Set<string>();
    for (const topic of this.#full) {
      const other = standInFor(topic);
      if (!this.#refused.has(topic)) topics.add(topic);
      else if (other !== undefined && !this.#refused.has(other)) {
        topics.add(other);
      }
    }
    return [...topics];
  }

  /**
   * Some nodes stop reading repeated keys at the first topic that they do not know, and some read the
   * first key only. So what every version knows comes first, and something frequent not as the first.
   */
  #requestAs(form: TopicForm): TopicRequest {
    const topics = this.#topics;
    if (form === "joined") return { topics, form };
    const old = topics.filter((topic) => FIRST_TOPICS.has(topic));
    const isHead = (topic: string) =>
      topic === "head" && !old.includes("block");
    const ordered = [
      ...old.filter((topic) => !isHead(topic)),
      ...old.filter(isHead),
      ...topics.filter((topic) => !FIRST_TOPICS.has(topic)),
    ];
    return { topics: ordered, form };
  }

  get recheckInMs(): number {
    return Math.max(0, Math.min(this.#recheckAt - this.#now(), RECHECK_MS));
  }

  rechecked(): void {
    this.#recheckAt = this.#now() + RECHECK_MS;
  }

  /** Forgets refusals that are an hour old: the node may run another version now. */
  forgetOldRefusals(): void {
    if (this.#refusedAt === undefined) return;
    if (this.#now() - this.#refusedAt < RECHECK_MS) return;
    this.restart();
    this.#doubted.clear();
  }

  after(end: ConnectionEnd): NextStep {
    if (end.kind === "topics_regained") {
      this.restart();
      return "wait";
    }
    const step = end.kind === "refused"
      ? this.refused(end.error.body)
      : end.kind === "emptied"
      ? this.emptied()
      : end.kind === "unanswered"
      ? this.unanswered()
      : "wait";
    if (step !== "wait") this.#noteRefusal();
    return step;
  }

  #noteRefusal(): void {
    const now = this.#now();
    this.#refusedAt ??= now;
    for (const topic of this.missing) {
      // Once for each topic: a node may accept it alone and refuse it in a list.
      if (!this.#doubted.has(topic)) {
        this.#recheckAt = now + RECHECK_SOON_MS;
      }
      this.#doubted.add(topic);
    }
  }

  refused(message: string): NextStep {
    this.#isProven = false;
    const topics = this.#topics;
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
   * One stream that ends at once, without an event, may be a restart; two in a row look like a
   * refusal. No topic is left out on a guess. Where a round of probes finds nothing, the next
   * round is some streams later.
   */
  emptied(): NextStep {
    if (++this.#emptied === 1) return "wait";
    if (this.#stage === "probed") return this.refused("");
    return this.#emptied % ROUND === 2 ? "probe" : "wait";
  }

  probed({ taken, refused }: ProbedTopics): NextStep {
    this.#refused.clear();
    for (const topic of refused) this.#refused.add(topic);
    this.#noteRefusal();
    const topics = this.#topics;
    if (!topics.some((topic) => taken.has(topic))) return this.#exhaust();
    this.#stage = "probed";
    // Each topic is fine and the list was refused: the node cannot read a list.
    if (topics.length > 1 && this.#full.every((topic) => taken.has(topic))) {
      this.#form = "repeated";
    }
    return "retry";
  }

  /** The node sent no headers, in neither form: it may not know one of the topics. */
  unanswered(): NextStep {
    const round = ++this.#unanswered % ROUND;
    const isDue = round === (this.#isProven ? 2 : 1);
    return isDue && this.#topics.length > 1 ? "probe" : "wait";
  }

  probedInPairs({ taken, refused }: ProbedTopics): NextStep {
    if (taken.size === 0) return "wait";
    this.#isSilent = true;
    this.#form = "repeated";
    for (const topic of refused) this.#refused.add(topic);
    this.#noteRefusal();
    return "retry";
  }

  /** The node sent an event that shows that it reads this form of the list. */
  prove(form: TopicForm): void {
    this.#form = form;
    this.#isProven = true;
  }

  /** The node accepted the request: after a later refusal the search starts again. */
  accepted(): void {
    if (this.#stage === "exhausted") this.#stage = "full";
    this.#emptied = this.#unanswered = 0;
  }

  restart(): void {
    this.#forget();
    this.#refusedAt = undefined;
  }

  #forget(): void {
    this.#refused.clear();
    // A form that the node has proven stays until the node refuses it.
    if (!this.#isProven) this.#form = "joined";
    this.#stage = "full";
  }

  #leaveOut(topic: string): NextStep {
    this.#refused.add(topic);
    return this.#topics.length === 0 ? this.#exhaust() : "retry";
  }

  #exhaust(): NextStep {
    this.#forget();
    this.#stage = "exhausted";
    return "exhausted";
  }
}

const RECHECK_MS = 3_600_000;
/** When a topic is requested a first time again: what looked like a refusal may have been a restart. */
const RECHECK_SOON_MS = 60_000;
/** Probes are repeated at each so many failures in a row. */
const ROUND = 8;
/** The topics of the first version of the Beacon API. */
const FIRST_TOPICS = new Set([
  "head",
  "block",
  "attestation",
  "voluntary_exit",
  "finalized_checkpoint",
  "chain_reorg",
  "contribution_and_proof",
]);
/** Left out first where a node does not name what it refuses: several clients lack it. */
const MOST_OFTEN_REFUSED = "block_gossip";

function names(message: string, topic: string): boolean {
  return new RegExp(`(?<![A-Za-z0-9_])${topic}(?![A-Za-z0-9_])`).test(message);
}
