/** Topic `data_column_sidecar`: a data column passed gossip validation. */

import * as v from "@valibot/valibot";
import { pubkey, root, uint } from "../schema.ts";

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

/** Schema of {@linkcode DataColumnSidecarEvent}. */
export const dataColumnSidecarSchema: v.GenericSchema<
  unknown,
  DataColumnSidecarEvent
> = v.object({
  block_root: root,
  index: uint,
  slot: uint,
  kzg_commitments: v.exactOptional(v.array(pubkey)),
  versioned_hashes: v.exactOptional(v.array(root)),
});
