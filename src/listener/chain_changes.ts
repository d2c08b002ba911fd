/** What heads and reorgs mean for a scheduler: how far back a reorg reaches, and which duties changed. */

import type { BlockHeader } from "../beacon/api/headers.ts";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { Broadcast } from "./broadcast/broadcast.ts";
import type { KnownBlock } from "./chain/branch.ts";
import type { Chain } from "./chain/chain.ts";
import { type DutiesChanged, DutiesTracker } from "./chain/duties.ts";
import { isHeadReport, type ReportedHead, reportedHead } from "./chain/head.ts";
import { implausible, latestPlausibleSlot } from "./chain/plausible.ts";
import { type ChainReorg, toChainReorg } from "./chain/reorg.ts";
import type { NodeState } from "./node_state.ts";
import { findReorgBranch } from "./chain/reorg_ancestor.ts";

interface ChainChangesOptions {
  chain: Pick<Chain, "clock">;
  reorgs: Broadcast<ChainReorg>;
  duties: Broadcast<DutiesChanged>;
  parity: "charon" | undefined;
  fetch: typeof fetch;
  /** Called with the blocks of a reorg's new branch, in order of slot. */
  onBranch: (node: NodeState, blocks: readonly BlockHeader[]) => void;
}

/** Posts reorgs and changes of duties. Its callers have moved the node's chain before. */
export class ChainChanges {
  readonly #options: ChainChangesOptions;
  readonly #ended = new AbortController();
  #duties = new DutiesTracker();
  #early: EarlyEvent[] = [];
  /** Reorgs whose common ancestor is being requested. */
  readonly #unresolved = new Set<Promise<void>>();
  /** For `parity: "charon"`: the epoch reported last, 0 at the start as there. */
  #lastReorgEpoch = 0;

  constructor(options: ChainChangesOptions) {
    this.#options = options;
  }

  /** The clock is known, or has been corrected. */
  start(clock: SlotClock): void {
    const early = this.#early;
    this.#early = [];
    for (const { node, event, isNew, left } of early) {
      const latest = latestPlausibleSlot(clock, event.receivedAt);
      const { parity } = this.#options;
      if (implausible(event, latest, clock, parity) === undefined) {
        this.add(node, event, isNew, left);
      }
    }
  }

  forget(node: NodeState): void {
    node.chain.ended.abort();
    this.#early = this.#early.filter((early) => early.node !== node);
  }

  reset(): void {
    this.#duties = new DutiesTracker();
    this.#early = [];
    this.#lastReorgEpoch = 0;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#unresolved);
  }

  /**
   * @param isNew Whether no node has reported it before.
   * @param left The node's head before it.
   */
  add(
    node: NodeState,
    event: BeaconEvent<string>,
    isNew: boolean,
    left: KnownBlock | undefined = node.chain.before,
  ): void {
    const { chain: { clock }, parity } = this.#options;
    const { head } = node.chain;
    if (clock === undefined) {
      this.#keepEarly({ node, event, isNew, left });
    } else if (isHeadReport(event)) {
      this.#onHead(node, reportedHead(event), left, clock);
    } else {
      const reorg = event as BeaconEvent<"chain_reorg">;
      if (isNew || parity === "charon") this.addReorg(node, reorg);
      const { new_head_block, old_head_block } = reorg.data;
      if (head?.root === new_head_block && left?.root === old_head_block) {
        this.#onHead(node, head, left, clock);
      }
    }
  }

  /** @param ancestorSlot Slot of the common ancestor, where a recovery has found it. */
  addReorg(
    node: NodeState,
    event: BeaconEvent<"chain_reorg">,
    ancestorSlot?: number,
  ): void {
    const { chain: { clock }, parity, fetch, reorgs } = this.#options;
    if (clock === undefined) return;
    const { slotsPerEpoch } = clock;
    if (parity === "charon") {
      const reorg = toChainReorg(event, slotsPerEpoch);
      if (reorg.epoch === this.#lastReorgEpoch) return;
      this.#lastReorgEpoch = reorg.epoch;
      reorgs.post(reorg);
      return;
    }
    if (event.recovered || this.#unresolved.size === MOST_UNRESOLVED) {
      reorgs.post(toChainReorg(event, slotsPerEpoch, ancestorSlot));
      return;
    }
    const { chain } = node;
    const signal = AbortSignal.any([this.#ended.signal, chain.ended.signal]);
    const finding = findReorgBranch(node, event, clock, { fetch, signal });
    // They are posted one after the other, in the order in which they were received.
    const resolving = Promise.all([finding, ...this.#unresolved]).then((
      [found],
    ) => {
      this.#unresolved.delete(resolving);
      // Another chain is followed meanwhile.
      if (node.chain !== chain) return;
      if (found !== undefined && chain.branch.has(event.data.new_head_block)) {
        chain.branch.join(found.branch);
      }
      reorgs.post(toChainReorg(event, slotsPerEpoch, found?.ancestor.slot));
      this.#options.onBranch(node, found?.blocks ?? []);
    });
    this.#unresolved.add(resolving);
  }

  #onHead(
    node: NodeState,
    head: ReportedHead,
    before: KnownBlock | undefined,
    clock: SlotClock,
  ): void {
    const { chain } = node;
    const epoch = clock.epochOf(head.slot);
    // Where a reorg came without its head, the next head shows what the duties depend on.
    const { switched } = chain;
    const last =
      switched !== undefined && clock.epochOf(switched.slot) === epoch
        ? switched.from
        : before;
    // The block before the epoch on which the next epoch's duties depended, if it was left.
    const isLeft = last !== undefined &&
      clock.epochOf(last.slot) < epoch &&
      (chain.leftRoot === last.root ||
        chain.branch.upTo(last.root).some(({ root, slot }) =>
          root === head.ofNextEpoch && slot < last.slot
        ));
    const changes = this.#duties.onHead({
      node: node.name,
      own: chain.dutyRoots,
      epoch,
      head,
      left: isLeft ? last.root : undefined,
    });
    for (const change of changes) this.#options.duties.post(change);
  }

  /** Bounded like every queue. Heads give way; of two reorgs, the one that reaches further back stays. */
  #keepEarly(incoming: EarlyEvent): void {
    const early = this.#early;
    if (incoming.event.raw.length > MAX_EARLY_SIZE) return;
    if (early.length < MAX_EARLY) {
      early.push(incoming);
      return;
    }
    if (incoming.event.topic !== "chain_reorg") return;
    const place = early.findLastIndex(({ event }) =>
      event.topic !== "chain_reorg"
    );
    if (place !== -1) {
      early.splice(place, 1);
      early.push(incoming);
    } else if (reachOf(incoming.event) < reachOf(early.at(-1)!.event)) {
      early[early.length - 1] = incoming;
    }
  }
}

interface EarlyEvent {
  node: NodeState;
  event: BeaconEvent<string>;
  isNew: boolean;
  left: KnownBlock | undefined;
}

const MAX_EARLY = 1024;
/** Of one event, in UTF-16 code units: a head or reorg is far smaller. */
const MAX_EARLY_SIZE = 32 * 1024;
const MOST_UNRESOLVED = 8;

function reachOf(event: BeaconEvent<string>): number {
  const { slot, depth } = (event as BeaconEvent<"chain_reorg">).data;
  return slot - depth;
}
