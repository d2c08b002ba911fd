/** How the payload of each known topic is read. */

import type * as v from "@valibot/valibot";
import { SLOTS } from "./event_slot.ts";
import { type EventDataMap, KNOWN_TOPICS, type KnownTopic } from "./topic.ts";
import { attestationSchema, readAttestation } from "./topics/attestation.ts";
import { attesterSlashingSchema } from "./topics/attester_slashing.ts";
import { blobSidecarSchema } from "./topics/blob_sidecar.ts";
import { blockSchema, readBlock } from "./topics/block.ts";
import { blockGossipSchema, readBlockGossip } from "./topics/block_gossip.ts";
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

/** How the payload of one topic is read. */
export interface TopicReader {
  /** The topic: the same string each time, so that to compare is to compare pointers. */
  readonly topic: KnownTopic;
  /** What the schema refuses is malformed. */
  readonly schema: v.GenericSchema;
  /** Reads the usual form from its text; `undefined` leaves it to what follows. */
  readonly readText: ((raw: string) => unknown) | undefined;
  /** Reads the usual form from its JSON; `undefined` leaves it to the schema, which can say why. */
  readonly readValue: ((value: unknown) => unknown) | undefined;
  /** Tells the slot from what was read. */
  readonly slotOf: (data: unknown) => number | undefined;
}

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

/** Short cuts past `JSON.parse` and the schema, for what metrics, reorgs and duties live on. */
const TEXT_READERS: {
  readonly [T in KnownTopic]?: (raw: string) => EventDataMap[T] | undefined;
} = {
  head: readHead,
  block: readBlock,
  block_gossip: readBlockGossip,
};

/** Short cuts past the schema, at a third of its cost, for what comes in thousands. */
const VALUE_READERS: {
  readonly [T in KnownTopic]?: (value: unknown) => EventDataMap[T] | undefined;
} = {
  attestation: readAttestation,
  single_attestation: readSingleAttestation,
};

// A map, so that no topic finds what every object inherits.
const readers: ReadonlyMap<string, TopicReader> = new Map(
  KNOWN_TOPICS.map((topic) => [topic, {
    topic,
    schema: SCHEMAS[topic],
    readText: TEXT_READERS[topic],
    readValue: VALUE_READERS[topic],
    slotOf: SLOTS[topic] as TopicReader["slotOf"],
  }]),
);

/** The reader of a topic; `undefined` where it is not known. */
export function topicReader(topic: string): TopicReader | undefined {
  return readers.get(topic);
}
