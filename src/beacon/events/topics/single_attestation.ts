/**
 * Topic `single_attestation`: one validator's attestation passed gossip validation. The busiest
 * topic: up to thousands a second from a node that follows all subnets.
 */

import * as v from "@valibot/valibot";
import {
  isJsonObject,
  readSignature,
  readUint,
  signature,
  uint,
} from "../schema.ts";
import {
  type AttestationData,
  attestationDataSchema,
  readAttestationData,
} from "./attestation_data.ts";

/** Payload of `single_attestation`: one validator's attestation passed gossip validation. */
export interface SingleAttestationEvent {
  /** Index of the committee within the slot. */
  readonly committee_index: number;
  /** Validator index of the attester. */
  readonly attester_index: number;
  /** What it attests to. */
  readonly data: AttestationData;
  /** BLS signature of the attester. */
  readonly signature: string;
}

/** Schema of {@linkcode SingleAttestationEvent}. */
export const singleAttestationSchema: v.GenericSchema<
  unknown,
  SingleAttestationEvent
> = v.object({
  committee_index: uint,
  attester_index: uint,
  data: attestationDataSchema,
  signature,
});

/** Reads the usual form at once; `undefined` leaves it to {@linkcode singleAttestationSchema}. */
export function readSingleAttestation(
  value: unknown,
): SingleAttestationEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const committee_index = readUint(value.committee_index);
  const attester_index = readUint(value.attester_index);
  const data = readAttestationData(value.data);
  const signature = readSignature(value.signature);
  return committee_index === undefined || attester_index === undefined ||
      data === undefined || signature === undefined
    ? undefined
    : { committee_index, attester_index, data, signature };
}
