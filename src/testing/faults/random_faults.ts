/** Random schedules of faults, as plain data that follows from a seed. */

import { checkInteger, checkObject } from "../../values/check.ts";
import { seededFractions } from "../chain/random.ts";
import type { RandomDraw } from "./declaration.ts";
import { type Fault, FAULT_TYPES, randomFault } from "./fault.ts";

const ACTION = "draw faults";

/** A fault and its place in a schedule. */
export interface ScheduledFault {
  /** Slot at whose beginning it is caused, counted from the schedule's start. */
  slot: number;
  /** After how many slots it is healed. */
  slots: number;
  /** What goes wrong. */
  fault: Fault;
}

/** Options for {@linkcode randomFaults}. */
export interface RandomFaultsOptions {
  /** Decides everything: a non-negative integer. */
  seed: number;
  /**
   * How many faults.
   * @default {20}
   */
  count?: number;
  /**
   * Which faults, such as {@linkcode NODE_FAULT_TYPES} where there is no proxy.
   * @default {all}
   */
  types?: readonly Fault["type"][];
  /**
   * Most slots that a fault lasts, 1 or more.
   * @default {4}
   */
  maxSlots?: number;
  /**
   * Most slots without a fault between two, 0 or more.
   * @default {3}
   */
  maxPauseSlots?: number;
}

/**
 * Draws a schedule: faults of random types with random options, one after
 * another with pauses between, so that no two are on at once. The same options
 * give the same schedule on every machine, and more faults begin with the same
 * ones; it is JSON, so that a run that fails can be kept and played again.
 *
 * @example
 * ```ts
 * import { randomFaults } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const schedule = randomFaults({ seed: 7, count: 20 });
 * assertEquals(schedule.length, 20);
 * assertEquals(JSON.parse(JSON.stringify(schedule)), schedule);
 * assertEquals(randomFaults({ seed: 7, count: 5 }), schedule.slice(0, 5));
 * ```
 *
 * @param options The seed, and what to choose from.
 * @returns The schedule, to be played by `playFaults`.
 * @throws {RangeError} An option is out of its range.
 * @throws {TypeError} An option is of the wrong type.
 */
export function randomFaults(options: RandomFaultsOptions): ScheduledFault[] {
  checkObject(ACTION, "options", options);
  const { seed, count = 20, maxSlots = 4, maxPauseSlots = 3 } = options;
  const { types = FAULT_TYPES } = options;
  checkInteger(ACTION, "seed", seed, 0);
  checkInteger(ACTION, "count", count, 0);
  checkInteger(ACTION, "maxSlots", maxSlots, 1);
  checkInteger(ACTION, "maxPauseSlots", maxPauseSlots, 0);
  checkTypes(types);
  const schedule: ScheduledFault[] = [];
  for (let slot = 0, n = 0; n < count; n++) {
    const random = randomDraw(seededFractions(seed, "fault", n));
    slot += random.integer(0, maxPauseSlots);
    const slots = random.integer(1, maxSlots);
    const fault = randomFault(random.one(types), random);
    schedule.push({ slot, slots, fault });
    slot += slots;
  }
  return schedule;
}

/** Choices from a source of numbers in [0, 1). */
export function randomDraw(next: () => number): RandomDraw {
  const integer = (min: number, max: number) =>
    min + Math.floor(next() * (max - min + 1));
  return {
    integer,
    one: (values) => values[integer(0, values.length - 1)]!,
    isTrue: () => next() < 0.5,
  };
}

function checkTypes(types: readonly Fault["type"][]): void {
  if (!Array.isArray(types) || types.length === 0) {
    throw new TypeError(
      `Cannot draw faults: types must be an array of fault types, one at least, got ${types}`,
    );
  }
  const unknown = types.find((type) => !FAULT_TYPES.includes(type));
  if (unknown === undefined) return;
  throw new RangeError(
    `Cannot draw faults: types must be among ${
      FAULT_TYPES.join(", ")
    }, got ${unknown}`,
  );
}
