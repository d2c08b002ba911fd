/** Plays a schedule of faults by the slot clock. */

import {
  checkInteger,
  checkObject,
  checkSignal,
  refuse,
} from "../../values/check.ts";
import { RUNTIME_CLOCK, type SimulatedClock, sleep } from "../node/clock.ts";
import type { SimulatedNode } from "../node/simulated_node.ts";
import type { FaultProxy } from "../proxy/fault_proxy.ts";
import type { ActiveFault } from "./active_fault.ts";
import {
  checkFault,
  type Fault,
  isWireFault,
  WIRE_FAULT_TYPES,
} from "./fault.ts";
import type { ScheduledFault } from "./random_faults.ts";

/** Where faults are played: a node, a proxy, or both. */
export interface FaultStage {
  /** Gets the faults of nodes; its slot clock is the schedule's. One without a socket gets those of the wire too, where there is no proxy. */
  node?: SimulatedNode;
  /** Gets the faults of the wire, `drip` included. */
  proxy?: FaultProxy;
}

/** Options for {@linkcode playFaults}. */
export interface PlayFaultsOptions {
  /** Ends playing. */
  signal?: AbortSignal;
  /**
   * Length of a slot in milliseconds.
   * @default {that of the node, or 12000 without one}
   */
  slotDurationMs?: number;
}

/**
 * Causes and heals the faults of a schedule, which starts with the next slot.
 * Where a proxy is alone, that is at once.
 *
 * @example
 * ```ts
 * import { FaultProxy, playFaults, randomFaults, SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ slotDurationMs: 20 });
 * await using proxy = await FaultProxy.start({ target: node.url });
 * // Point your client at proxy.url, then:
 * const schedule = randomFaults({ seed: 7, count: 3 });
 * assertEquals(await playFaults({ node, proxy }, schedule), 3);
 * assertEquals(node.faults.length + proxy.faults.length, 0);
 * ```
 *
 * @param stage Where to play.
 * @param schedule What to play, in any order; faults may overlap.
 * @param options When to stop.
 * @returns How many faults were caused, when all of them are over or the signal is aborted.
 * @throws {TypeError} A fault of the schedule has no place on the stage, or is none.
 * @throws {RangeError} A fault, or its place in the schedule, is out of range.
 */
export async function playFaults(
  stage: FaultStage,
  schedule: readonly ScheduledFault[],
  options: PlayFaultsOptions = {},
): Promise<number> {
  checkObject(ACTION, "stage", stage);
  checkObject(ACTION, "options", options);
  if (!Array.isArray(schedule)) {
    refuse(ACTION, "schedule", "an array", schedule);
  }
  checkSignal(ACTION, options.signal);
  for (const entry of schedule) checkEntry(entry, stage);
  const { slotDurationMs } = options;
  if (slotDurationMs !== undefined) {
    checkInteger(ACTION, "slotDurationMs", slotDurationMs, 1);
  }
  const { clock = RUNTIME_CLOCK } = stage.node ?? {};
  const startOf = slotStarts(stage.node, clock.now(), slotDurationMs);
  const active = new Map<ScheduledFault, ActiveFault>();
  let caused = 0;
  try {
    for (const { slot, entry, isEnd } of momentsOf(schedule)) {
      if (!await until(clock, startOf(slot), options.signal)) break;
      if (isEnd) {
        active.get(entry)?.heal();
        active.delete(entry);
      } else {
        active.set(entry, cause(entry.fault, stage));
        caused++;
      }
    }
  } finally {
    for (const fault of active.values()) fault.heal();
    await stage.proxy?.whenListening();
  }
  return caused;
}

/** A slot at whose beginning a fault is caused, or healed. */
interface Moment {
  slot: number;
  entry: ScheduledFault;
  isEnd: boolean;
}

/** What happens, in order; what ends makes place for what begins. */
function momentsOf(schedule: readonly ScheduledFault[]): Moment[] {
  const moments = schedule.flatMap((entry) => [
    { slot: entry.slot, entry, isEnd: false },
    { slot: entry.slot + entry.slots, entry, isEnd: true },
  ]);
  return moments.sort((a, b) =>
    a.slot - b.slot || Number(b.isEnd) - Number(a.isEnd)
  );
}

/** When each slot of the schedule begins, as Unix time in milliseconds. */
function slotStarts(
  node: SimulatedNode | undefined,
  now: number,
  slotDurationMs = node?.slotDurationMs ?? 12_000,
): (slot: number) => number {
  const start = node
    ? node.genesisTime +
      Math.ceil((now - node.genesisTime) / node.slotDurationMs) *
        node.slotDurationMs
    : now;
  return (slot) => start + slot * slotDurationMs;
}

/** Waits for a moment; false when the signal is aborted before. */
function until(
  clock: SimulatedClock,
  time: number,
  signal: AbortSignal = new AbortController().signal,
): Promise<boolean> {
  return sleep(clock, Math.max(0, time - clock.now()), signal)
    .then(() => true, () => false);
}

function cause(fault: Fault, { node, proxy }: FaultStage): ActiveFault {
  return proxy && isWireFault(fault) ? proxy.fault(fault) : node!.fault(fault);
}

const ACTION = "play faults";

function checkEntry(entry: ScheduledFault, { node, proxy }: FaultStage): void {
  checkObject(ACTION, "schedule", entry);
  const { slot, slots, fault } = entry;
  checkFault(fault, [
    ...(node?.faultTypes ?? []),
    ...(proxy ? WIRE_FAULT_TYPES : []),
  ]);
  checkInteger(ACTION, "slot", slot, 0);
  checkInteger(ACTION, "slots", slots, 1);
}
