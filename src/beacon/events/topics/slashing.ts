/**
 * Topics `proposer_slashing` and `attester_slashing`: proof that a validator signed what it must not.
 * The second is the largest payload there is: up to 2 × 131 072 indices, 2.6 MB.
 */

import { defineTopic, list, object } from "../members.ts";
import { type Member, root, signature, uint } from "../primitives.ts";
import { type AttestationData, attestationData } from "./attestation.ts";

/** Header of a beacon block. */
export interface BeaconBlockHeader {
  /** Slot of the block. */
  readonly slot: number;
  /** Validator index of the proposer. */
  readonly proposer_index: number;
  /** Root of the parent block. */
  readonly parent_root: string;
  /** Root of the state after the block. */
  readonly state_root: string;
  /** Root of the block's body. */
  readonly body_root: string;
}

/** Header of a beacon block, signed by its proposer. */
export interface SignedBeaconBlockHeader {
  /** The header that is signed. */
  readonly message: BeaconBlockHeader;
  /** BLS signature of the proposer. */
  readonly signature: string;
}

/** Payload of `proposer_slashing`: proof that a proposer signed two blocks for one slot. */
export interface ProposerSlashingEvent {
  /** One signed header. */
  readonly signed_header_1: SignedBeaconBlockHeader;
  /** Another signed header of the same slot and proposer. */
  readonly signed_header_2: SignedBeaconBlockHeader;
}

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

export const beaconBlockHeader: Member<BeaconBlockHeader> = object<
  BeaconBlockHeader
>({
  slot: uint,
  proposer_index: uint,
  parent_root: root,
  state_root: root,
  body_root: root,
});

const signedHeader = object<SignedBeaconBlockHeader>({
  message: beaconBlockHeader,
  signature,
});

const indexedAttestation = object<IndexedAttestation>({
  attesting_indices: list(uint),
  data: attestationData,
  signature,
});

export const proposer_slashing = defineTopic({
  topic: "proposer_slashing",
  payload: object<ProposerSlashingEvent>({
    signed_header_1: signedHeader,
    signed_header_2: signedHeader,
  }),
  identity: { allBut: [] },
});

export const attester_slashing = defineTopic({
  topic: "attester_slashing",
  payload: object<AttesterSlashingEvent>({
    attestation_1: indexedAttestation,
    attestation_2: indexedAttestation,
  }),
  identity: { allBut: [] },
});
