/** The options of a simulated beacon node, checked where they enter. */

import { checkInteger, checkObject, refuse } from "../../values/check.ts";
import { checkFault } from "../faults/check_fault.ts";
import { EVENT_TOPICS } from "./event_streams.ts";
import { NODE_FAULT_TYPES, type NodeFault } from "../faults/fault.ts";

/** Options for {@linkcode SimulatedBeaconNode.start}. */
export interface SimulatedBeaconNodeOptions {
  /**
   * Address to listen on.
   *
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * TCP port to listen on; 0 takes a free one.
   *
   * @default {0}
   */
  port?: number;
  /**
   * Decides the whole chain and its schedule: a non-negative integer. Nodes
   * with the same seed, genesis time and rates have the same chain.
   *
   * @default {1}
   */
  seed?: number;
  /**
   * Length of a slot in milliseconds, up to a day.
   *
   * @default {2000}
   */
  slotDurationMs?: number;
  /**
   * Length of an epoch in slots.
   *
   * @default {8}
   */
  slotsPerEpoch?: number;
  /**
   * The slot that is under way at the start; the slots before have their
   * blocks already. Genesis is placed accordingly, and so that the next slot
   * begins within a second. Genesis has to be a whole second: where slots are
   * shorter than that, the slot may be off by as many as fit into a second.
   *
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
   *
   * @default {true}
   */
  autoplay?: boolean;
  /**
   * Share of slots without a block, 0 to 1.
   *
   * @default {0.05}
   */
  emptySlotRate?: number;
  /**
   * Share of blocks that come after attestations are due (a third of the
   * slot), 0 to 1.
   *
   * @default {0.1}
   */
  lateBlockRate?: number;
  /**
   * Share of blocks that build on an older block than the head and so take
   * back what is between, 0 to 1.
   *
   * @default {0.05}
   */
  reorgRate?: number;
  /**
   * Most slots that such a block branches off below itself, 2 or more; 2 takes
   * one block back. Empty slots at the place deepen a reorg beyond that.
   *
   * @default {3}
   */
  maxReorgDepth?: number;
  /**
   * How many `single_attestation` and how many `attestation` events come in
   * each slot.
   *
   * @default {0}
   */
  attestationsPerSlot?: number;
  /**
   * Topics that may be asked for; any other one is answered with 400.
   *
   * @default {all 24 of the Beacon API}
   */
  topics?: readonly string[];
  /**
   * Silence in milliseconds after which a keep-alive comment is sent; 0: never.
   *
   * @default {15000}
   */
  keepAliveMs?: number;
  /**
   * Most frames that wait for a client that does not read; after that the
   * oldest are dropped and a comment says how many.
   *
   * @default {1024}
   */
  maxQueuedEvents?: number;
  /**
   * What is wrong from the start, as with {@linkcode SimulatedBeaconNode.fault}.
   *
   * @default {nothing}
   */
  faults?: readonly NodeFault[];
}

/** Options with the defaults in place, `startSlot` being the slot under way. */
export type ResolvedOptions = Required<SimulatedBeaconNodeOptions>;

/** Checks the options and puts the defaults in place. */
export function resolveOptions(
  options: SimulatedBeaconNodeOptions,
): ResolvedOptions {
  checkObject("start a node", "options", options);
  const { startSlot = 100, slotDurationMs = 2_000, ...rest } = options;
  const now = Date.now();
  checkInteger("start a node", "slotDurationMs", slotDurationMs, 1, 86_400_000);
  checkInteger(
    "start a node",
    "startSlot",
    startSlot,
    0,
    Math.floor(now / slotDurationMs) - 1,
  );
  if (rest.genesisTime !== undefined && options.startSlot !== undefined) {
    throw new TypeError(
      `Cannot start a node: only one of genesisTime and startSlot may be given, got ${rest.genesisTime} and ${startSlot}`,
    );
  }
  const { genesisTime = genesisFor(startSlot, slotDurationMs, now) } = rest;
  const resolved: ResolvedOptions = {
    hostname: "127.0.0.1",
    port: 0,
    seed: 1,
    slotDurationMs,
    slotsPerEpoch: 8,
    startSlot: Math.floor((now - genesisTime) / slotDurationMs),
    autoplay: true,
    emptySlotRate: 0.05,
    lateBlockRate: 0.1,
    reorgRate: 0.05,
    maxReorgDepth: 3,
    attestationsPerSlot: 0,
    topics: EVENT_TOPICS,
    keepAliveMs: 15_000,
    maxQueuedEvents: 1_024,
    faults: [],
    ...rest,
    genesisTime,
  };
  validate(resolved);
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

function validate(options: ResolvedOptions): void {
  if (typeof options.hostname !== "string" || options.hostname === "") {
    refuse("start a node", "hostname", "an address", options.hostname);
  }
  checkInteger("start a node", "port", options.port, 0, 65_535);
  checkInteger("start a node", "seed", options.seed, 0);
  checkInteger("start a node", "slotsPerEpoch", options.slotsPerEpoch, 1);
  if (typeof options.autoplay !== "boolean") {
    refuse("start a node", "autoplay", "a boolean", options.autoplay);
  }
  rate("emptySlotRate", options.emptySlotRate);
  rate("lateBlockRate", options.lateBlockRate);
  rate("reorgRate", options.reorgRate);
  checkInteger("start a node", "maxReorgDepth", options.maxReorgDepth, 2);
  checkInteger(
    "start a node",
    "attestationsPerSlot",
    options.attestationsPerSlot,
    0,
  );
  checkInteger("start a node", "keepAliveMs", options.keepAliveMs, 0);
  checkInteger("start a node", "maxQueuedEvents", options.maxQueuedEvents, 1);
  checkInteger(
    "start a node",
    "genesisTime",
    options.genesisTime,
    0,
    Date.now(),
  );
  if (options.genesisTime % 1000 !== 0) {
    throw new RangeError(
      `Cannot start a node: genesisTime must be a whole second, got ${options.genesisTime}`,
    );
  }
  if (
    !Array.isArray(options.topics) ||
    options.topics.some((topic) => typeof topic !== "string")
  ) {
    throw new TypeError(
      `Cannot start a node: topics must be an array of strings, got ${options.topics}`,
    );
  }
  if (!Array.isArray(options.faults)) {
    throw new TypeError(
      `Cannot start a node: faults must be an array, got ${options.faults}`,
    );
  }
  for (const fault of options.faults) checkFault(fault, NODE_FAULT_TYPES);
}

/** Throws unless a value is a share. */
function rate(name: string, value: unknown): void {
  if (typeof value !== "number") {
    throw new TypeError(
      `Cannot start a node: ${name} must be a number, got ${value}`,
    );
  }
  if (!(value >= 0 && value <= 1)) {
    throw new RangeError(
      `Cannot start a node: ${name} must be from 0 to 1, got ${value}`,
    );
  }
}
