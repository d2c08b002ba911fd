/** Which chain the listener follows, and the clock of it. */

import { abortable } from "@std/async/abortable";
import { delay } from "@std/async/delay";
import {
  type ChainConfig,
  createSlotClock,
} from "../../beacon/api/chain_config.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { type Genesis, WrongChainError } from "./chain_errors.ts";

export interface ChainReport {
  genesis?: Genesis;
  /** Absent until its spec was reported too. */
  config?: ChainConfig;
  /** Whether it reported all, or that it cannot. */
  isAnswered?: boolean;
}

/** The part of a node that decides on the chain. */
export interface ChainVoter {
  readonly name: string;
  reported: ChainReport;
}

export interface ChainReporter {
  clockKnown(node: string): void;
  chainChanged(node: string, previousRoot: string, root: string): void;
}

/** A part that depends on the clock and remembers events of the chain. */
export interface ChainFollower {
  start(clock: SlotClock): void;
  /** Another chain is followed: forget all that is known of the old one, its clock included. */
  reset(): void;
}

export interface ChainOptions {
  nodes: ReadonlyMap<string, ChainVoter>;
  config: ChainConfig | undefined;
  reporter: ChainReporter;
}

/**
 * The chain is the one that most nodes report at their last connection, and so is its timing; a tie
 * keeps what is in force. A root or timing given by the user is not voted on. The first decision is
 * made when more than half of the nodes have answered, or when it is forced.
 */
export class Chain {
  readonly #options: ChainOptions;
  #follower: ChainFollower | undefined;
  readonly #givenRoot: string | undefined;
  #genesis: Genesis | undefined;
  #config: ChainConfig | undefined;
  #clock: SlotClock | undefined;
  #isDecided = false;
  #changes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(options: ChainOptions) {
    this.#options = options;
    const { config } = options;
    if (config === undefined) return;
    this.#config = config;
    this.#clock = createSlotClock(config);
    this.#givenRoot = config.genesisValidatorsRoot?.toLowerCase();
    if (this.#givenRoot !== undefined) {
      this.#genesis = { root: this.#givenRoot, time: config.genesisTime };
      this.#isDecided = true;
    }
  }

  follow(follower: ChainFollower): void {
    this.#follower = follower;
    if (this.#clock !== undefined) follower.start(this.#clock);
  }

  get clock(): SlotClock | undefined {
    return this.#clock;
  }

  get config(): ChainConfig | undefined {
    if (this.#config === undefined) return undefined;
    const genesisValidatorsRoot = this.#genesis?.root;
    return genesisValidatorsRoot === undefined
      ? { ...this.#config }
      : { ...this.#config, genesisValidatorsRoot };
  }

  get changes(): number {
    return this.#changes;
  }

  /** Whether the nodes must report their chain: for the clock, or to be compared. */
  get needsReports(): boolean {
    return this.#options.config === undefined || this.#hasToAgree;
  }

  /** Whether a node must report its chain before its events are used. */
  get needsReportFirst(): boolean {
    return this.#hasToAgree || this.#genesis !== undefined;
  }

  get #hasToAgree(): boolean {
    return this.#options.nodes.size > 1 || this.#givenRoot !== undefined;
  }

  report(node: ChainVoter, report: ChainReport): void {
    node.reported = report;
    this.review(node.name);
  }

  /**
   * Adopts the chain and timing of the majority.
   *
   * @param cause Name of the node that was added to, removed from or changed in the comparison.
   */
  review(cause: string): void {
    const reports = Array.from(
      this.#options.nodes.values(),
      ({ reported }) => reported,
    );
    if (!this.#isDecided) {
      const answered = reports.filter(({ isAnswered }) => isAnswered).length;
      if (2 * answered <= reports.length) return;
      this.#isDecided = true;
    }
    this.#followGenesis(cause, reports);
    this.#followTiming(cause, reports);
    for (const wake of this.#waiting) wake();
  }

  /** If too few nodes answer, the reports of the others decide after two seconds. */
  async awaitDecision(node: string, signal: AbortSignal): Promise<void> {
    if (this.#isDecided) return;
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    try {
      await Promise.race([
        this.until(() => this.#isDecided, either),
        delay(DECISION_WITHIN_MS, { signal: either }),
      ]);
    } finally {
      ended.abort();
    }
    if (this.#isDecided) return;
    this.#isDecided = true;
    this.review(node);
  }

  async awaitClock(signal: AbortSignal): Promise<SlotClock> {
    await this.until(() => this.#clock !== undefined, signal);
    return this.#clock!;
  }

  async until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    while (!condition()) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      try {
        await abortable(promise, signal);
      } finally {
        // Nodes come and go for as long as no clock is known; nothing may be left of them here.
        this.#waiting.delete(resolve);
      }
    }
  }

  /** Whether nothing is known that speaks against a node. */
  accepts({ reported: { genesis } }: ChainVoter): boolean {
    return genesis === undefined || this.#genesis === undefined ||
      this.#isFollowed(genesis);
  }

  check(node: ChainVoter): void {
    if (this.accepts(node)) return;
    throw new WrongChainError(
      node.name,
      this.#genesis!,
      node.reported.genesis!,
    );
  }

  /** How the timing that a node reports differs from the one in force, in words. */
  differences({ reported: { config } }: ChainVoter): string[] {
    const ours = this.#config;
    if (ours === undefined || config === undefined) return [];
    return (["genesisTime", "slotDurationMs", "slotsPerEpoch"] as const)
      .filter((name) => ours[name] !== config[name])
      .map((name) => `${name} ${config[name]} instead of ${ours[name]}`);
  }

  #isFollowed({ root, time }: Genesis): boolean {
    return root === this.#genesis?.root &&
      (this.#givenRoot !== undefined || time === this.#genesis.time);
  }

  #followGenesis(cause: string, reports: readonly ChainReport[]): void {
    if (this.#givenRoot !== undefined) return;
    const previous = this.#genesis;
    this.#genesis = majority(
      reports.map(({ genesis }) => genesis),
      previous,
      ({ root, time }) => `${root} ${time}`,
    );
    if (previous === undefined || this.#genesis === previous) return;
    this.#begin(cause, previous.root);
  }

  #followTiming(cause: string, reports: readonly ChainReport[]): void {
    if (this.#options.config !== undefined) return;
    const previous = this.#config;
    const config = majority(
      reports.map(({ genesis, config }) =>
        genesis !== undefined && this.#isFollowed(genesis) ? config : undefined
      ),
      previous,
      timingOf,
    );
    if (config === undefined || config === previous) return;
    if (previous !== undefined && !hasSameSlots(previous, config)) {
      this.#begin(cause, this.#genesis!.root);
    }
    const isNew = this.#config === undefined;
    this.#config = config;
    this.#clock = createSlotClock(config);
    this.#follower?.start(this.#clock);
    if (isNew) this.#options.reporter.clockKnown(cause);
  }

  /** Nothing of the chain that was followed until now may be applied to another one. */
  #begin(cause: string, previousRoot: string): void {
    const { config, reporter } = this.#options;
    this.#changes++;
    if (config === undefined) this.#config = this.#clock = undefined;
    this.#follower?.reset();
    if (this.#clock !== undefined) this.#follower?.start(this.#clock);
    reporter.chainChanged(cause, previousRoot, this.#genesis!.root);
  }
}

const DECISION_WITHIN_MS = 2000;

/** What most report; among equals what is in force, else what comes first. */
function majority<T>(
  reports: readonly (T | undefined)[],
  current: T | undefined,
  keyOf: (report: T) => string,
): T | undefined {
  const counts = new Map<string, number>();
  const count = (report: T) => counts.get(keyOf(report)) ?? 0;
  for (const report of reports) {
    if (report !== undefined) counts.set(keyOf(report), count(report) + 1);
  }
  let winner = current;
  for (const report of reports) {
    if (report === undefined) continue;
    if (winner === undefined || count(report) > count(winner)) winner = report;
  }
  return winner;
}

function timingOf(config: ChainConfig): string {
  const { slotDurationMs, slotsPerEpoch, gloasForkEpoch } = config;
  const { attestationDueBps, attestationDueBpsGloas } = config;
  return [
    slotDurationMs,
    slotsPerEpoch,
    gloasForkEpoch,
    attestationDueBps,
    attestationDueBpsGloas,
  ].join();
}

/** Whether slots and epochs are the same; deadlines may be others, as after an update of the node. */
function hasSameSlots(a: ChainConfig, b: ChainConfig): boolean {
  return a.slotDurationMs === b.slotDurationMs &&
    a.slotsPerEpoch === b.slotsPerEpoch;
}
