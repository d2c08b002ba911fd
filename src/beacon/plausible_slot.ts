import type { SlotClock } from "./slot_clock.ts";

/**
 * The latest slot that is believed of an event. One further ahead is a lie or a wrong clock; believed,
 * it would spoil every gauge and every comparison.
 *
 * @param receivedAt When it arrived, Unix time in milliseconds.
 */
export function latestPlausibleSlot(
  clock: SlotClock,
  receivedAt: number,
): number {
  // Before genesis a node reports the genesis block as its head.
  return Math.max(0, clock.slotAt(receivedAt)) + clock.slotsPerEpoch;
}
