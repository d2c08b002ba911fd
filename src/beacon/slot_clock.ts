/**
 * The chain's clock: which slot it is, when a slot begins, when attestations are due. The length of a
 * slot may change at an epoch, so that times are computed era by era.
 */

import { checkInteger, checkObject, refuse } from "../values/check.ts";
import { shown } from "../values/shown.ts";

/** A stretch of epochs with one slot length and one attestation deadline. */
export interface SlotEra {
  /** First epoch of the era. */
  epoch: number;
  /** Length of a slot in milliseconds (`SLOT_DURATION_MS`). */
  slotDurationMs: number;
  /** When attestations are due, in basis points of the slot (`ATTESTATION_DUE_BPS`). */
  attestationDueBps: number;
}

/** Options for {@linkcode SlotClock}. */
export interface SlotClockOptions {
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Slots in an epoch (`SLOTS_PER_EPOCH`). */
  slotsPerEpoch: number;
  /** The eras in ascending order of epoch; the first one begins at epoch 0. */
  eras: readonly SlotEra[];
}

/**
 * Maps time to slots and back.
 *
 * @example Usage
 * ```ts
 * import { SlotClock } from "@org/beacon-sse";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new SlotClock({
 *   genesisTime: 1_606_824_023_000,
 *   slotsPerEpoch: 32,
 *   eras: [{ epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 }],
 * });
 * assertEquals(clock.slotAt(1_606_824_023_000 + 25_000), 2);
 * assertEquals(clock.slotStart(2), 1_606_824_047_000);
 * assertEquals(clock.epochOf(64), 2);
 * assertEquals(clock.attestationDueMs(2), 3999);
 * ```
 */
export class SlotClock {
  /** Unix time of slot 0, in milliseconds. */
  readonly genesisTime: number;
  /** Slots in an epoch. */
  readonly slotsPerEpoch: number;
  readonly #eras: readonly PlacedEra[];

  /**
   * Creates a clock.
   *
   * @param options Genesis and eras.
   * @throws {RangeError} If a number is out of its range, or the eras are not in order.
   * @throws {TypeError} If the options are no object, or the eras no array of objects.
   */
  constructor(options: SlotClockOptions) {
    checkObject(ACTION, "options", options);
    const { genesisTime, slotsPerEpoch, eras } = options;
    checkInteger(ACTION, "genesisTime", genesisTime, 0);
    checkInteger(ACTION, "slotsPerEpoch", slotsPerEpoch, 1);
    if (!Array.isArray(eras)) refuse(ACTION, "eras", "an array", eras);
    for (const era of eras) checkObject(ACTION, "eras", era);
    if (eras[0]?.epoch !== 0) {
      throw new RangeError(
        `Cannot create slot clock: eras must begin at epoch 0, got ${
          shown(eras[0]?.epoch)
        }`,
      );
    }
    this.genesisTime = genesisTime;
    this.slotsPerEpoch = slotsPerEpoch;
    const placed: PlacedEra[] = [];
    for (const { epoch, slotDurationMs, attestationDueBps } of eras) {
      checkInteger(ACTION, "eras.epoch", epoch, 0);
      checkInteger(ACTION, "slotDurationMs", slotDurationMs, 1);
      checkInteger(ACTION, "attestationDueBps", attestationDueBps, 0, 10_000);
      const last = placed.at(-1);
      const slot = epoch * slotsPerEpoch;
      if (last !== undefined && !(slot > last.slot)) {
        throw new RangeError(
          `Cannot create slot clock: eras must ascend, got epoch ${epoch} after another one`,
        );
      }
      const start = last === undefined
        ? genesisTime
        : last.start + (slot - last.slot) * last.slotDurationMs;
      const attestationDueMs = Math.floor(
        (attestationDueBps * slotDurationMs) / 10_000,
      );
      placed.push({ slot, start, slotDurationMs, attestationDueMs });
    }
    this.#eras = placed;
  }

  /** The slot at a Unix time in milliseconds; negative before genesis. */
  slotAt(time: number): number {
    let last = this.#eras.length - 1;
    while (last > 0 && this.#eras[last]!.start > time) last--;
    const era = this.#eras[last]!;
    return era.slot + Math.floor((time - era.start) / era.slotDurationMs);
  }

  /** The Unix time in milliseconds at which a slot begins. */
  slotStart(slot: number): number {
    const era = this.#eraOf(slot);
    return era.start + (slot - era.slot) * era.slotDurationMs;
  }

  /** The length of a slot in milliseconds. */
  slotDurationMs(slot: number): number {
    return this.#eraOf(slot).slotDurationMs;
  }

  /** When attestations are due in a slot, in milliseconds from its start. */
  attestationDueMs(slot: number): number {
    return this.#eraOf(slot).attestationDueMs;
  }

  /** The epoch that a slot belongs to. */
  epochOf(slot: number): number {
    return Math.floor(slot / this.slotsPerEpoch);
  }

  #eraOf(slot: number): PlacedEra {
    let last = this.#eras.length - 1;
    while (last > 0 && this.#eras[last]!.slot > slot) last--;
    return this.#eras[last]!;
  }
}

interface PlacedEra {
  slot: number;
  start: number;
  slotDurationMs: number;
  attestationDueMs: number;
}

const ACTION = "create slot clock";
