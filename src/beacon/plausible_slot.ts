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
  return clock.slotAt(receivedAt) + clock.slotsPerEpoch;
}
