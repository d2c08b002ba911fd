/** The genesis and timing of a chain, from a node or from the user. */

import * as v from "@valibot/valibot";
import { checkAnswer, requestAnswer, unusable } from "./answer.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import type { NodeRequestOptions } from "../http/request.ts";
import { checkInteger, checkObject, refuse } from "../../values/check.ts";
import { root } from "../events/primitives.ts";
import { SlotClock, type SlotEra } from "../slot_clock.ts";

/** Genesis and timing of a chain. */
export interface ChainConfig {
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Length of a slot in milliseconds. */
  slotDurationMs: number;
  /** Slots in an epoch. */
  slotsPerEpoch: number;
  /**
   * When attestations are due, in basis points of the slot.
   *
   * @default {3333}
   */
  attestationDueBps?: number;
  /**
   * The same from the gloas fork on.
   *
   * @default {2500}
   */
  attestationDueBpsGloas?: number;
  /** Epoch of the gloas fork; not scheduled where absent. */
  gloasForkEpoch?: number;
  /** Root that identifies the chain, lower-case hex; not checked where absent. */
  genesisValidatorsRoot?: string;
}

/**
 * One era, or two where the gloas fork moves the attestation deadline.
 *
 * @throws {RangeError} If a number is out of its range; the message names it.
 * @throws {TypeError} If `genesisValidatorsRoot` is no root.
 */
export function createSlotClock(config: ChainConfig): SlotClock {
  checkObject("create slot clock", "config", config);
  const { genesisValidatorsRoot } = config;
  if (
    genesisValidatorsRoot !== undefined &&
    !v.is(root.schema, genesisValidatorsRoot)
  ) {
    refuse(
      ACTION,
      "genesisValidatorsRoot",
      "0x and 64 hex digits",
      genesisValidatorsRoot,
    );
  }
  const { genesisTime, slotDurationMs, slotsPerEpoch, gloasForkEpoch } = config;
  const { attestationDueBps = 3333, attestationDueBpsGloas = 2500 } = config;
  // The clock has other names for these two, and none where the fork is not scheduled.
  checkInteger(
    ACTION,
    "attestationDueBpsGloas",
    attestationDueBpsGloas,
    0,
    10_000,
  );
  const eras: SlotEra[] = [{ epoch: 0, slotDurationMs, attestationDueBps }];
  if (gloasForkEpoch !== undefined) {
    checkInteger(ACTION, "gloasForkEpoch", gloasForkEpoch, 0);
    const gloas = {
      epoch: gloasForkEpoch,
      slotDurationMs,
      attestationDueBps: attestationDueBpsGloas,
    };
    if (gloasForkEpoch === 0) eras[0] = gloas;
    else eras.push(gloas);
  }
  return new SlotClock({ genesisTime, slotsPerEpoch, eras });
}

export interface FetchedChainConfig extends ChainConfig {
  /** Where two members of the spec contradict each other: a warning. */
  contradiction?: string;
}

interface FetchChainConfigOptions extends NodeRequestOptions {
  /** Called before the spec is requested; may throw. */
  onGenesis?: (genesis: { root: string; time: number }) => void;
}

/**
 * Requests a node's genesis and spec. `SECONDS_PER_SLOT` is for nodes that do not have
 * `SLOT_DURATION_MS` yet.
 *
 * @throws As {@linkcode requestAnswer} does.
 */
export async function fetchChainConfig(
  node: NodeEndpoint,
  options: FetchChainConfigOptions,
): Promise<FetchedChainConfig> {
  const path = "/eth/v1/beacon/genesis";
  const { data } = await requestAnswer(node, path, genesisSchema, options);
  const { genesis_time, genesis_validators_root: root } = data;
  const genesisTime = genesis_time * 1000;
  options.onGenesis?.({ root, time: genesisTime });
  const answer = await requestAnswer(node, SPEC_PATH, specSchema, options);
  const { data: spec } = answer;
  const slotDurationMs = spec.SLOT_DURATION_MS ?? slotFromSeconds(node, answer);
  const config: FetchedChainConfig = {
    genesisTime,
    genesisValidatorsRoot: root,
    slotDurationMs,
    slotsPerEpoch: spec.SLOTS_PER_EPOCH,
  };
  if (spec.ATTESTATION_DUE_BPS !== undefined) {
    config.attestationDueBps = spec.ATTESTATION_DUE_BPS;
  }
  if (spec.ATTESTATION_DUE_BPS_GLOAS !== undefined) {
    config.attestationDueBpsGloas = spec.ATTESTATION_DUE_BPS_GLOAS;
  }
  const seconds = Number(spec.SECONDS_PER_SLOT);
  if (seconds > 0 && Math.abs(seconds * 1000 - slotDurationMs) >= 1000) {
    config.contradiction =
      `SLOT_DURATION_MS is ${slotDurationMs} and SECONDS_PER_SLOT is ${seconds}; slots of ${slotDurationMs} ms are used`;
  }
  // 2^64 - 1 means that the fork is not scheduled; it is no safe integer.
  if (Number.isSafeInteger(spec.GLOAS_FORK_EPOCH)) {
    config.gloasForkEpoch = spec.GLOAS_FORK_EPOCH!;
  }
  return config;
}

/** Nodes set it to 0 where a slot is shorter than a second. */
function slotFromSeconds(node: NodeEndpoint, answer: unknown): number {
  const { data } = checkAnswer(node, SPEC_PATH, secondsSchema, answer);
  if (data.SECONDS_PER_SLOT !== undefined) return data.SECONDS_PER_SLOT * 1000;
  const reason = "it has neither SLOT_DURATION_MS nor SECONDS_PER_SLOT";
  throw unusable(node, SPEC_PATH, reason);
}

const SPEC_PATH = "/eth/v1/config/spec";

/** A decimal string as the Beacon API writes integers, or a JSON number as some nodes do. */
const decimal = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, number>(({ dataset: { value }, addIssue, NEVER }) => {
    if (typeof value === "string" && /^\d+$/.test(value)) return Number(value);
    if (Number.isInteger(value) && Number(value) >= 0) return Number(value);
    addIssue({ message: "must be a decimal integer" });
    return NEVER;
  }),
);
function between(least: number, most: number) {
  return v.pipe(
    decimal,
    v.minValue(least, `must be at least ${least}`),
    v.maxValue(most, `must be at most ${most}`),
  );
}

// Wide enough for every chain. Beyond these bounds a node could make the listener's timers run wild. The
// user's own configuration may go beyond them.
const slotMilliseconds = between(100, 3_600_000);
const slotSeconds = between(1, 3600);
const epochSlots = between(1, 1024);
const basisPoints = between(0, 10_000);
/** Seconds that are still a safe integer as milliseconds. */
const seconds = between(0, Math.floor(Number.MAX_SAFE_INTEGER / 1000));

const genesisSchema = v.object({
  data: v.object({
    genesis_time: seconds,
    genesis_validators_root: root.schema,
  }),
});

const specSchema = v.object({
  data: v.object({
    SLOT_DURATION_MS: v.optional(slotMilliseconds),
    SECONDS_PER_SLOT: v.optional(v.unknown()),
    SLOTS_PER_EPOCH: epochSlots,
    ATTESTATION_DUE_BPS: v.optional(basisPoints),
    ATTESTATION_DUE_BPS_GLOAS: v.optional(basisPoints),
    GLOAS_FORK_EPOCH: v.optional(decimal),
  }),
});

const ACTION = "create slot clock";

const secondsSchema = v.object({
  data: v.object({ SECONDS_PER_SLOT: v.optional(slotSeconds) }),
});
