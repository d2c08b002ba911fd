/**
 * Topics `attestation` and `single_attestation`, and what a validator attests to. They are the busiest
 * topics: thousands of events a second from a node that follows all subnets.
 */

import * as v from "@valibot/valibot";
import { defineTopic, object, optional } from "../members.ts";
import {
  bits,
  isJsonObject,
  type Member,
  root,
  signature,
  uint,
} from "../primitives.ts";

/** A checkpoint: the first block of an epoch. */
export interface Checkpoint {
  /** Epoch of the checkpoint. */
  readonly epoch: number;
  /** Root of the checkpoint's block. */
  readonly root: string;
}

/** What a validator attests to. */
export interface AttestationData {
  /** Slot that is attested. */
  readonly slot: number;
  /** Committee index; 0 from electra on, payload availability from gloas on. */
  readonly index: number;
  /** Root of the head block that is voted for. */
  readonly beacon_block_root: string;
  /** Justified checkpoint that is voted from. */
  readonly source: Checkpoint;
  /** Checkpoint that is voted to be justified. */
  readonly target: Checkpoint;
}

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

export const attestationData: Member<AttestationData> = object<AttestationData>(
  {
    slot: uint,
    index: uint,
    beacon_block_root: root,
    source: checkpoint(),
    target: checkpoint(),
  },
);

const aggregate = object<AttestationEvent>({
  aggregation_bits: bits,
  data: attestationData,
  signature,
  committee_bits: optional(bits),
});

const single = object<SingleAttestationEvent>({
  committee_index: uint,
  attester_index: uint,
  data: attestationData,
  signature,
});

// Two clients send single attestations on it.
export const attestation = defineTopic({
  topic: "attestation",
  payload: {
    schema: v.lazy<
      v.GenericSchema<unknown, AttestationEvent | SingleAttestationEvent>
    >((value) => shapeOf(value).schema),
    read: (value) => shapeOf(value).read(value),
    search: (data, path, found) => shapeOf(data).search!(data, path, found),
  },
  slot: ({ data }) => data.slot,
  identity: { allBut: [] },
});

export const single_attestation = defineTopic({
  topic: "single_attestation",
  payload: single,
  slot: ({ data }) => data.slot,
  identity: { allBut: [] },
});

function isSingle(
  data: AttestationEvent | SingleAttestationEvent,
): data is SingleAttestationEvent {
  return !("aggregation_bits" in data) &&
    ("attester_index" in data || "committee_index" in data);
}

function shapeOf(
  value: unknown,
): Member<AttestationEvent | SingleAttestationEvent> {
  return isJsonObject(value) && isSingle(value as never) ? single : aggregate;
}

function checkpoint(): Member<Checkpoint> {
  return object<Checkpoint>({ epoch: uint, root });
}
