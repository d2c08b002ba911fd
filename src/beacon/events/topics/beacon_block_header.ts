/** `BeaconBlockHeader` and its signed form; part of the slashing and light client topics. */

import * as v from "@valibot/valibot";
import { root, signature, uint } from "../schema.ts";

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

/** Schema of {@linkcode BeaconBlockHeader}. */
export const beaconBlockHeaderSchema: v.GenericSchema<
  unknown,
  BeaconBlockHeader
> = v.object({
  slot: uint,
  proposer_index: uint,
  parent_root: root,
  state_root: root,
  body_root: root,
});

/** Schema of {@linkcode SignedBeaconBlockHeader}. */
export const signedBeaconBlockHeaderSchema: v.GenericSchema<
  unknown,
  SignedBeaconBlockHeader
> = v.object({
  message: beaconBlockHeaderSchema,
  signature,
});
