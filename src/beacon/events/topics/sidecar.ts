/**
 * Topics `data_column_sidecar` and `blob_sidecar`: a data column or a blob passed gossip validation.
 * `blob_sidecar` is no longer in the specification, and still sent by many nodes.
 */

import { defineTopic, list, object, optional } from "../members.ts";
import { pubkey, root, uint } from "../primitives.ts";

/** Payload of `data_column_sidecar`: a data column passed gossip validation. */
export interface DataColumnSidecarEvent {
  /** Root of the block that the column belongs to. */
  readonly block_root: string;
  /** Index of the column. */
  readonly index: number;
  /** Slot of the block. */
  readonly slot: number;
  /** KZG commitments of the block's blobs; left the specification, still sent by many nodes. */
  readonly kzg_commitments?: readonly string[];
  /** Versioned hashes of the block's blobs; left the specification, sent by older Lighthouse. */
  readonly versioned_hashes?: readonly string[];
}

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

export const data_column_sidecar = defineTopic({
  topic: "data_column_sidecar",
  payload: object<DataColumnSidecarEvent>({
    block_root: root,
    index: uint,
    slot: uint,
    kzg_commitments: optional(list(pubkey)),
    versioned_hashes: optional(list(root)),
  }),
  slot: ({ slot }) => slot,
  identity: { only: ["slot", "block_root", "index"] },
});

export const blob_sidecar = defineTopic({
  topic: "blob_sidecar",
  payload: object<BlobSidecarEvent>({
    block_root: root,
    index: uint,
    slot: uint,
    kzg_commitment: pubkey,
    versioned_hash: root,
  }),
  slot: ({ slot }) => slot,
  identity: { only: ["slot", "block_root", "index"] },
});
