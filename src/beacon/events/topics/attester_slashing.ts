/**
 * Topic `attester_slashing`: proof that attesters signed conflicting votes passed gossip
 * validation. The largest payload there is: up to 2 × 131 072 indices, 2.6 MB.
 */

import * as v from "@valibot/valibot";
import { signature, uint } from "../schema.ts";
import {
  type AttestationData,
  attestationDataSchema,
} from "./attestation_data.ts";

/** An attestation together with the validators that signed it. */
export interface IndexedAttestation {
  /** Validator indices of the attesters. */
  readonly attesting_indices: readonly number[];
  /** What they attest to. */
  readonly data: AttestationData;
  /** Aggregate BLS signature of the attesters. */
  readonly signature: string;
}

/** Payload of `attester_slashing`: proof that attesters signed conflicting votes. */
export interface AttesterSlashingEvent {
  /** One attestation. */
  readonly attestation_1: IndexedAttestation;
  /** Another attestation that conflicts with it. */
  readonly attestation_2: IndexedAttestation;
}

const indexedAttestationSchema: v.GenericSchema<unknown, IndexedAttestation> = v
  .object({
    attesting_indices: v.array(uint),
    data: attestationDataSchema,
    signature,
  });

/** Schema of {@linkcode AttesterSlashingEvent}. */
export const attesterSlashingSchema: v.GenericSchema<
  unknown,
  AttesterSlashingEvent
> = v.object({
  attestation_1: indexedAttestationSchema,
  attestation_2: indexedAttestationSchema,
});
