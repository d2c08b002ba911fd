/**
 * Topic `blob_sidecar`: a blob passed gossip validation. No longer in the specification, still
 * sent by many nodes.
 */

import * as v from "@valibot/valibot";
import { pubkey, root, uint } from "../schema.ts";

/** Payload of `blob_sidecar`: a blob passed gossip validation. */
export interface BlobSidecarEvent {
  /** Root of the block that the blob belongs to. */
  readonly block_root: string;
  /** Index of the blob. */
  readonly index: number;
  /** Slot of the block. */
  readonly slot: number;
  /** KZG commitment of the blob. */
  readonly kzg_commitment: string;
  /** Versioned hash of the blob. */
  readonly versioned_hash: string;
}

/** Schema of {@linkcode BlobSidecarEvent}. */
export const blobSidecarSchema: v.GenericSchema<unknown, BlobSidecarEvent> = v
  .object({
    block_root: root,
    index: uint,
    slot: uint,
    kzg_commitment: pubkey,
    versioned_hash: root,
  });
