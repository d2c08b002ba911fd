/** `AttestationData`, what a validator attests to; part of the attestation and slashing topics. */

import * as v from "@valibot/valibot";
import { isJsonObject, readRoot, readUint, root, uint } from "../schema.ts";

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

/** Schema of {@linkcode Checkpoint}. */
const checkpointSchema: v.GenericSchema<unknown, Checkpoint> = v.object({
  epoch: uint,
  root,
});

/** Schema of {@linkcode AttestationData}. */
export const attestationDataSchema: v.GenericSchema<unknown, AttestationData> =
  v.object({
    slot: uint,
    index: uint,
    beacon_block_root: root,
    source: checkpointSchema,
    target: checkpointSchema,
  });

/** Reads the usual form at once; `undefined` leaves it to {@linkcode attestationDataSchema}. */
export function readAttestationData(
  value: unknown,
): AttestationData | undefined {
  if (!isJsonObject(value)) return undefined;
  const slot = readUint(value.slot);
  const index = readUint(value.index);
  const beacon_block_root = readRoot(value.beacon_block_root);
  const source = readCheckpoint(value.source);
  const target = readCheckpoint(value.target);
  return slot === undefined || index === undefined ||
      beacon_block_root === undefined || source === undefined ||
      target === undefined
    ? undefined
    : { slot, index, beacon_block_root, source, target };
}

function readCheckpoint(value: unknown): Checkpoint | undefined {
  if (!isJsonObject(value)) return undefined;
  const epoch = readUint(value.epoch);
  const root = readRoot(value.root);
  return epoch === undefined || root === undefined
    ? undefined
    : { epoch, root };
}
