/** `LightClientHeader`, a block header as light clients get it; part of the light client topics. */

import * as v from "@valibot/valibot";
import { looseObject, root } from "../schema.ts";
import {
  type BeaconBlockHeader,
  beaconBlockHeaderSchema,
} from "./beacon_block_header.ts";

/** Header of a block for light clients. */
export interface LightClientHeader {
  /** Header of the beacon block. */
  readonly beacon: BeaconBlockHeader;
  /** Header of the execution payload, as the node sent it, unchecked; since capella. */
  readonly execution?: Readonly<Record<string, unknown>>;
  /** Merkle branch from the execution header to the body root; since capella. */
  readonly execution_branch?: readonly string[];
}

/** Schema of {@linkcode LightClientHeader}. */
export const lightClientHeaderSchema: v.GenericSchema<
  unknown,
  LightClientHeader
> = v.object({
  beacon: beaconBlockHeaderSchema,
  execution: v.exactOptional(looseObject),
  execution_branch: v.exactOptional(v.array(root)),
});
