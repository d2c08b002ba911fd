/** Topic `attestation`: an attestation passed gossip validation; from electra on an aggregate. */

import * as v from "@valibot/valibot";
import {
  bits,
  isJsonObject,
  readBits,
  readSignature,
  signature,
} from "../schema.ts";
import {
  type AttestationData,
  attestationDataSchema,
  readAttestationData,
} from "./attestation_data.ts";

/** Payload of `attestation`: an attestation passed gossip validation. */
export interface AttestationEvent {
  /** Committee members that took part, a bit list in hex. */
  readonly aggregation_bits: string;
  /** What they attest to. */
  readonly data: AttestationData;
  /** Aggregate BLS signature of those members. */
  readonly signature: string;
  /** Committees that took part, a bit vector in hex; since electra. */
  readonly committee_bits?: string;
}

/** Schema of {@linkcode AttestationEvent}. */
export const attestationSchema: v.GenericSchema<unknown, AttestationEvent> = v
  .object({
    aggregation_bits: bits,
    data: attestationDataSchema,
    signature,
    committee_bits: v.exactOptional(bits),
  });

/** Reads the usual form at once; `undefined` leaves it to {@linkcode attestationSchema}. */
export function readAttestation(value: unknown): AttestationEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const aggregation_bits = readBits(value.aggregation_bits);
  const data = readAttestationData(value.data);
  const signature = readSignature(value.signature);
  if (
    aggregation_bits === undefined || data === undefined ||
    signature === undefined
  ) return undefined;
  if (value.committee_bits === undefined) {
    return { aggregation_bits, data, signature };
  }
  const committee_bits = readBits(value.committee_bits);
  return committee_bits === undefined
    ? undefined
    : { aggregation_bits, data, signature, committee_bits };
}
