/** The options of a simulated node, checked where they enter. */

import { checkInteger, checkObject, refuse } from "../../values/check.ts";
import { checkFault, type Fault } from "../faults/fault.ts";
import { RUNTIME_CLOCK, type SimulatedClock } from "./clock.ts";
import { EVENT_TOPICS } from "./event_streams.ts";

/** Options for {@linkcode SimulatedNode}. */
export interface SimulatedNodeOptions {
  /**
   * Base URL, by which a client knows the node; no host of this name needs to exist.
   * @default {"http://node.simulated"}
   */
  url?: string;
  /**
   * The clock that it lives by.
   * @default {the runtime's}
   */
  clock?: SimulatedClock;
  /**
   * Decides the whole chain and its schedule: a non-negative integer. Nodes
   * with the same seed, genesis time and rates have the same chain.
   * @default {1}
   */
  seed?: number;
  /**
   * Length of a slot in milliseconds, up to a day.
   * @default {2000}
   */
  slotDurationMs?: number;
  /**
   * Length of an epoch in slots.
   * @default {8}
   */
  slotsPerEpoch?: number;
  /**
   * The slot that is under way at the start; the slots before have their
   * blocks already. Genesis is placed accordingly, and so that the next slot
   * begins within a second. Genesis has to be a whole second: where slots are
   * shorter than that, the slot may be off by as many as fit into a second.
   * @default {100}
   */
  startSlot?: number;
  /**
   * Unix time of slot 0 in milliseconds, instead of `startSlot`: a whole second
   * that has passed.
   */
  genesisTime?: number;
  /**
   * Whether blocks come by themselves, slot by slot. Without, the chain stands
   * still but for what is scripted.
   * @default {true}
   */
  autoplay?: boolean;
  /**
   * Share of slots without a block, 0 to 1.
   * @default {0.05}
   */
  emptySlotRate?: number;
  /**
   * Share of blocks that come after attestations are due (a third of the
   * slot), 0 to 1.
   * @default {0.1}
   */
  lateBlockRate?: number;
  /**
   * Share of blocks that build on an older block than the head and so take
   * back what is between, 0 to 1.
   * @default {0.05}
   */
  reorgRate?: number;
  /**
   * Most slots that such a block branches off below itself, 2 or more; 2 takes
   * one block back. Empty slots at the place deepen a reorg beyond that.
   * @default {3}
   */
  maxReorgDepth?: number;
  /**
   * How late the node receives each block, in milliseconds.
   * @default {0}
   */
  lagMs?: number;
  /**
   * How many `single_attestation` and how many `attestation` events come in
   * each slot.
   * @default {0}
   */
  attestationsPerSlot?: number;
  /**
   * Topics that may be requested; any other one is answered with 400.
   * @default {all 24 of the Beacon API}
   */
  topics?: readonly string[];
  /**
   * Silence in milliseconds after which a keep-alive comment is sent; 0: never.
   * @default {15000}
   */
  keepAliveMs?: number;
  /**
   * Most frames that wait for a client that does not read; after that the
   * oldest are dropped and a comment reports how many.
   * @default {1024}
   */
  maxQueuedEvents?: number;
  /**
   * What is wrong from the start, as with {@linkcode SimulatedNode.fault}.
   * @default {nothing}
   */
  faults?: readonly Fault[];
}

/** Options with the defaults in place, `startSlot` being the slot under way. */
export type ResolvedOptions = Required<SimulatedNodeOptions>;

const ACTION = "start a node";
/** The least values of the options that are integers. */
const LEAST = {
  seed: 0,
  slotsPerEpoch: 1,
  maxReorgDepth: 2,
  attestationsPerSlot: 0,
  lagMs: 0,
  keepAliveMs: 0,
  maxQueuedEvents: 1,
};

/** Checks the options and puts the defaults in place. */
export function resolveOptions(
  options: SimulatedNodeOptions,
  faultTypes: readonly Fault["type"][],
): ResolvedOptions {
  checkObject(ACTION, "options", options);
  const { startSlot = 100, slotDurationMs = 2_000, clock = RUNTIME_CLOCK } =
    options;
  const now = clock.now();
  const integer = (
    name: string,
    value: unknown,
    least: number,
    most?: number,
  ) => checkInteger(ACTION, name, value, least, most);
  integer("slotDurationMs", slotDurationMs, 1, 86_400_000);
  integer("startSlot", startSlot, 0, Math.floor(now / slotDurationMs) - 1);
  if (options.genesisTime !== undefined && options.startSlot !== undefined) {
    throw new TypeError(
      `Cannot start a node: only one of genesisTime and startSlot may be given, got ${options.genesisTime} and ${startSlot}`,
    );
  }
  const { genesisTime = genesisFor(startSlot, slotDurationMs, now) } = options;
  integer("genesisTime", genesisTime, 0, now);
  if (genesisTime % 1000 !== 0) {
    throw new RangeError(
      `Cannot start a node: genesisTime must be a whole second, got ${genesisTime}`,
    );
  }
  const resolved: ResolvedOptions = {
    url: "http://node.simulated",
    seed: 1,
    slotsPerEpoch: 8,
    autoplay: true,
    emptySlotRate: 0.05,
    lateBlockRate: 0.1,
    reorgRate: 0.05,
    maxReorgDepth: 3,
    lagMs: 0,
    attestationsPerSlot: 0,
    topics: EVENT_TOPICS,
    keepAliveMs: 15_000,
    maxQueuedEvents: 1_024,
    faults: [],
    ...options,
    clock,
    slotDurationMs,
    startSlot: Math.floor((now - genesisTime) / slotDurationMs),
    genesisTime,
  };
  if (!URL.canParse(resolved.url)) refuse(ACTION, "url", "a URL", resolved.url);
  for (const [name, least] of Object.entries(LEAST)) {
    integer(name, resolved[name as keyof typeof LEAST], least);
  }
  for (const name of ["emptySlotRate", "lateBlockRate", "reorgRate"] as const) {
    checkShare(name, resolved[name]);
  }
  const { autoplay, topics, faults } = resolved;
  if (typeof autoplay !== "boolean") {
    refuse(ACTION, "autoplay", "a boolean", autoplay);
  }
  if (
    !Array.isArray(topics) || topics.some((topic) => typeof topic !== "string")
  ) refuse(ACTION, "topics", "an array of strings", topics);
  if (!Array.isArray(faults)) refuse(ACTION, "faults", "an array", faults);
  for (const fault of faults) checkFault(fault, faultTypes);
  return resolved;
}

/** The whole second for which the slot after `startSlot` begins soonest, and not one to come. */
function genesisFor(
  startSlot: number,
  slotDurationMs: number,
  now: number,
): number {
  const soonest = Math.ceil((now - (startSlot + 1) * slotDurationMs) / 1_000);
  return Math.min(soonest, Math.floor(now / 1_000)) * 1_000;
}

function checkShare(name: string, value: unknown): void {
  if (typeof value !== "number") refuse(ACTION, name, "a number", value);
  if (Number(value) >= 0 && Number(value) <= 1) return;
  throw new RangeError(
    `Cannot start a node: ${name} must be from 0 to 1, got ${value}`,
  );
}
