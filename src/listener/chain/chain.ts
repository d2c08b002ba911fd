/** What is known of the chain: its root and its clock. The first to tell of it wins. */

import { abortable } from "@std/async/abortable";
import {
  type ChainConfig,
  createSlotClock,
} from "../../beacon/api/chain_config.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import { WrongChainError } from "../connection/wrong_chain_error.ts";

/** The chain that is listened to. */
export class Chain {
  #config: ChainConfig | undefined;
  #clock: SlotClock | undefined;
  #root: string | undefined;
  readonly #waiting = new Set<(clock: SlotClock) => void>();

  /** The slot clock, once genesis and timing are known. */
  get clock(): SlotClock | undefined {
    return this.#clock;
  }

  /**
   * Waits for the slot clock, and leaves nothing behind where the wait is given up: a node may come
   * and go for as long as nobody tells of genesis.
   *
   * @throws The signal's reason, when it aborts.
   */
  async awaitClock(signal: AbortSignal): Promise<SlotClock> {
    if (this.#clock !== undefined) return this.#clock;
    const { promise, resolve } = Promise.withResolvers<SlotClock>();
    this.#waiting.add(resolve);
    try {
      return await abortable(promise, signal);
    } finally {
      this.#waiting.delete(resolve);
    }
  }

  /**
   * Takes the root of somebody's chain.
   *
   * @param root The root, in any case.
   * @param node Name of the node that tells it; the user, where absent.
   * @throws {WrongChainError} If the node is on another chain.
   */
  compare(root: string, node?: string): void {
    const ours = this.#root ??= root.toLowerCase();
    if (node !== undefined && root.toLowerCase() !== ours) {
      throw new WrongChainError(node, ours, root.toLowerCase());
    }
  }

  /**
   * Takes what somebody tells of the chain.
   *
   * @param config What is told.
   * @param node Name of the node that tells it; the user, where absent.
   * @returns What differs from what was told before, as words; none where it is the first.
   * @throws {WrongChainError} If the node is on another chain.
   */
  learn(config: ChainConfig, node?: string): string[] {
    const clock = createSlotClock(config);
    const { genesisValidatorsRoot: root } = config;
    if (root !== undefined) this.compare(root, node);
    if (this.#config !== undefined) return differences(this.#config, config);
    this.#config = config;
    this.#clock = clock;
    for (const resolve of this.#waiting) resolve(clock);
    return [];
  }
}

function differences(ours: ChainConfig, theirs: ChainConfig): string[] {
  const names = ["genesisTime", "slotDurationMs", "slotsPerEpoch"] as const;
  return names.filter((name) => ours[name] !== theirs[name]).map((name) =>
    `${name} ${theirs[name]} instead of ${ours[name]}`
  );
}
