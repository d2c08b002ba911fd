/**
 * From the text of an event to its checked payload. Everything that a node sends passes here, up
 * to thousands a second.
 */

import * as v from "@valibot/valibot";
import { printable } from "./printable.ts";
import {
  type EventData,
  type EventDataMap,
  isTopicName,
  type KnownTopic,
} from "./topic.ts";
import { attestationSchema, readAttestation } from "./topics/attestation.ts";
import { attesterSlashingSchema } from "./topics/attester_slashing.ts";
import { blobSidecarSchema } from "./topics/blob_sidecar.ts";
import { blockSchema } from "./topics/block.ts";
import { blockGossipSchema } from "./topics/block_gossip.ts";
import { blsToExecutionChangeSchema } from "./topics/bls_to_execution_change.ts";
import { chainReorgSchema } from "./topics/chain_reorg.ts";
import { contributionAndProofSchema } from "./topics/contribution_and_proof.ts";
import { dataColumnSidecarSchema } from "./topics/data_column_sidecar.ts";
import { executionPayloadSchema } from "./topics/execution_payload.ts";
import { executionPayloadAvailableSchema } from "./topics/execution_payload_available.ts";
import { executionPayloadBidSchema } from "./topics/execution_payload_bid.ts";
import { executionPayloadGossipSchema } from "./topics/execution_payload_gossip.ts";
import { fastConfirmationSchema } from "./topics/fast_confirmation.ts";
import { finalizedCheckpointSchema } from "./topics/finalized_checkpoint.ts";
import { headSchema, readHead } from "./topics/head.ts";
import { headV2Schema } from "./topics/head_v2.ts";
import { lightClientFinalityUpdateSchema } from "./topics/light_client_finality_update.ts";
import { lightClientOptimisticUpdateSchema } from "./topics/light_client_optimistic_update.ts";
import { payloadAttestationMessageSchema } from "./topics/payload_attestation_message.ts";
import { payloadAttributesSchema } from "./topics/payload_attributes.ts";
import { proposerPreferencesSchema } from "./topics/proposer_preferences.ts";
import { proposerSlashingSchema } from "./topics/proposer_slashing.ts";
import {
  readSingleAttestation,
  singleAttestationSchema,
} from "./topics/single_attestation.ts";
import { voluntaryExitSchema } from "./topics/voluntary_exit.ts";

/** The schema of each topic: what it refuses is malformed. */
const SCHEMAS: {
  readonly [T in KnownTopic]: v.GenericSchema<unknown, EventDataMap[T]>;
} = {
  head: headSchema,
  head_v2: headV2Schema,
  block: blockSchema,
  block_gossip: blockGossipSchema,
  attestation: attestationSchema,
  single_attestation: singleAttestationSchema,
  voluntary_exit: voluntaryExitSchema,
  bls_to_execution_change: blsToExecutionChangeSchema,
  proposer_slashing: proposerSlashingSchema,
  attester_slashing: attesterSlashingSchema,
  finalized_checkpoint: finalizedCheckpointSchema,
  chain_reorg: chainReorgSchema,
  contribution_and_proof: contributionAndProofSchema,
  light_client_finality_update: lightClientFinalityUpdateSchema,
  light_client_optimistic_update: lightClientOptimisticUpdateSchema,
  payload_attributes: payloadAttributesSchema,
  data_column_sidecar: dataColumnSidecarSchema,
  execution_payload: executionPayloadSchema,
  execution_payload_gossip: executionPayloadGossipSchema,
  execution_payload_available: executionPayloadAvailableSchema,
  execution_payload_bid: executionPayloadBidSchema,
  payload_attestation_message: payloadAttestationMessageSchema,
  fast_confirmation: fastConfirmationSchema,
  proposer_preferences: proposerPreferencesSchema,
  blob_sidecar: blobSidecarSchema,
};

/**
 * Short cuts past the schema for what comes most often, at a third of its cost. What they do not
 * read is left to the schema, which knows what to say about it.
 */
const SHORT_CUTS: {
  readonly [T in KnownTopic]?: (value: unknown) => EventDataMap[T] | undefined;
} = {
  head: readHead,
  attestation: readAttestation,
  single_attestation: readSingleAttestation,
};

// Maps, so that no topic finds what every object inherits.
const schemas = new Map<string, v.GenericSchema>(Object.entries(SCHEMAS));
const shortCuts = new Map<string, (value: unknown) => unknown>(
  Object.entries(SHORT_CUTS),
);

const ABORT_EARLY = { abortEarly: true };
/** Longest excerpt of a refused value in a message, in characters. */
const EXCERPT_LENGTH = 60;
/** The rules of valibot's own schemas, by their type. */
const RULES: { readonly [type: string]: string } = {
  object: "must be an object",
  array: "must be an array",
  boolean: "must be a boolean",
};

/**
 * Parses the payload of an event and checks it.
 *
 * Members keep the names of the Beacon API. Slots, epochs, indices and times become numbers,
 * amounts stay decimal strings, hex becomes lower-case, and members that are not known are
 * dropped. The payload of an unknown topic is parsed only.
 *
 * @param topic Topic of the event.
 * @param raw Payload as the node sent it.
 * @returns The payload, typed by the topic.
 * @throws {SyntaxError} If `raw` is not JSON.
 * @throws {TypeError} If a member is missing or not what the topic demands; the message names it.
 *
 * @example
 * ```ts
 * import { parseEventData } from "@org/beacon-sse";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const root = "0x9a2fefd2fdb57f74993c7780ea5b9030d2897b615b89f808011ca5aebed54eaf";
 * const block = parseEventData("block", `{"slot":"10","block":"${root}"}`);
 * assertEquals(block, { slot: 10, block: root, execution_optimistic: false });
 *
 * assertThrows(
 *   () => parseEventData("block", `{"slot":"ten","block":"${root}"}`),
 *   TypeError,
 *   'Cannot parse block event: slot must be a decimal integer, got "ten"',
 * );
 * ```
 */
export function parseEventData<T extends string>(
  topic: T,
  raw: string,
): EventData<T> {
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot parse ${label(topic)} event: payload must be JSON, got ${
        excerpt(raw)
      }`,
      { cause },
    );
  }
  const data = shortCuts.get(topic)?.(value);
  if (data !== undefined) return data as EventData<T>;
  const schema = schemas.get(topic);
  if (schema === undefined) return value as EventData<T>;
  const result = v.safeParse(schema, value, ABORT_EARLY);
  if (result.success) return result.output as EventData<T>;
  const [issue] = result.issues;
  throw new TypeError(
    `Cannot parse ${label(topic)} event: ${describe(issue)}`,
    {
      cause: new v.ValiError(result.issues),
    },
  );
}

/** Says which member broke which rule, and with what value. */
function describe(issue: v.BaseIssue<unknown>): string {
  // A rule between members names them itself.
  if (issue.kind === "validation") return issue.message;
  const path = issue.path ?? [];
  const last = path.at(-1);
  if (last?.origin === "key" && !Array.isArray(last.input)) {
    return `${nameOf(path)} is missing`;
  }
  // An array passes valibot as an object that has no members.
  if (last?.origin === "key") {
    return `${nameOf(path.slice(0, -1))} must be an object, got an array`;
  }
  const rule = issue.type === "picklist"
    ? `must be one of ${issue.expected}`
    : RULES[issue.type] ?? issue.message;
  return `${nameOf(path)} ${rule}, got ${excerpt(issue.input)}`;
}

function nameOf(path: readonly v.IssuePathItem[]): string {
  return path.map(({ key }) => key).join(".") || "payload";
}

/** The topic, unless it could forge a line of the log: it comes from the node. */
function label(topic: string): string {
  return isTopicName(topic) ? topic : excerpt(topic);
}

/** A value, short, quoted and fit for one line of a log. */
function excerpt(value: unknown): string {
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value !== "string") return String(value);
  const quoted = printable(
    JSON.stringify(value.slice(0, EXCERPT_LENGTH)),
    6 * EXCERPT_LENGTH,
  );
  const whole = value.length <= EXCERPT_LENGTH &&
    quoted.length <= EXCERPT_LENGTH;
  return whole ? quoted : `${quoted.slice(0, EXCERPT_LENGTH - 2)}…"`;
}
