/** What is believed of an event, by the slot clock: a wrong one would spoil gauges and comparisons. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";

/** The latest slot that an event may have; any slot, where there is no clock yet. */
export function latestPlausibleSlot(
  clock: SlotClock | undefined,
  receivedAt: number,
): number {
  if (clock === undefined) return Infinity;
  // Before genesis a node reports the genesis block as its head.
  return Math.max(0, clock.slotAt(receivedAt)) + clock.slotsPerEpoch;
}

/** @returns `undefined` where an event may be true. */
export function implausible(
  event: BeaconEvent<string>,
  latest: number,
  clock: SlotClock | undefined,
  parity: "charon" | undefined,
): RangeError | undefined {
  const { topic, slot } = event;
  // For almost every event.
  if (!(slot! > latest) && !CHECKED_FURTHER.has(topic)) return undefined;
  const slotsPerEpoch = clock?.slotsPerEpoch ?? ASSUMED_SLOTS_PER_EPOCH;
  if (slot !== undefined && slot > latest) {
    return new RangeError(
      `Cannot use ${topic} event: slot must be at most one epoch ahead of the clock (${
        latest - slotsPerEpoch
      }), got ${slot}`,
    );
  }
  if (topic === "chain_reorg") {
    const { depth } = (event as BeaconEvent<typeof topic>).data;
    const beyond = parity === "charon" ? 0 : slotsPerEpoch;
    if (depth > slot! + beyond) {
      return new RangeError(
        `Cannot use chain_reorg event: depth must be at most ${beyond} beyond slot ${slot}, got ${depth}`,
      );
    }
  } else if (topic === "finalized_checkpoint") {
    const { epoch } = (event as BeaconEvent<typeof topic>).data;
    if (epoch * slotsPerEpoch > latest) {
      return new RangeError(
        `Cannot use finalized_checkpoint event: epoch must not be ahead of the clock, got ${epoch}`,
      );
    }
  }
  return undefined;
}

/** As on mainnet, as long as the node's spec is not known. */
const ASSUMED_SLOTS_PER_EPOCH = 32;
/** Topics with more members than a slot that may be implausible. */
const CHECKED_FURTHER: ReadonlySet<string> = new Set([
  "chain_reorg",
  "finalized_checkpoint",
]);
