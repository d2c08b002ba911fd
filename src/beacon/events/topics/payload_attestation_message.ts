/**
 * Topic `payload_attestation_message`: a vote on the presence of a payload passed gossip
 * validation (gloas).
 */

import * as v from "@valibot/valibot";
import { root, signature, uint } from "../schema.ts";
import { forkVersionedOrBare } from "./fork_versioned.ts";

/** What a member of the payload committee saw. */
export interface PayloadAttestationData {
  /** Root of the beacon block. */
  readonly beacon_block_root: string;
  /** Slot of the block. */
  readonly slot: number;
  /** Whether the payload was seen in time. */
  readonly payload_present: boolean;
  /** Whether the blobs were available in time. */
  readonly blob_data_available: boolean;
}

/** A vote of one member of the payload committee. */
export interface PayloadAttestationMessage {
  /** Validator index of the member. */
  readonly validator_index: number;
  /** What it saw. */
  readonly data: PayloadAttestationData;
  /** BLS signature of the member. */
  readonly signature: string;
}

/**
 * Payload of `payload_attestation_message`: a vote on the presence of a payload passed gossip
 * validation.
 */
export interface PayloadAttestationMessageEvent {
  /** Fork of the vote, in lower case; `"gloas"` where a node sent the vote bare. */
  readonly version: string;
  /** The vote. */
  readonly data: PayloadAttestationMessage;
}

/** Schema of {@linkcode PayloadAttestationMessageEvent}; a bare vote gets its envelope. */
export const payloadAttestationMessageSchema: v.GenericSchema<
  unknown,
  PayloadAttestationMessageEvent
> = forkVersionedOrBare<PayloadAttestationMessage>(
  v.object({
    validator_index: uint,
    data: v.object({
      beacon_block_root: root,
      slot: uint,
      payload_present: v.boolean(),
      blob_data_available: v.boolean(),
    }),
    signature,
  }),
  ["validator_index", "signature"],
);
