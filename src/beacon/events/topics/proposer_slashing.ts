/**
 * Topic `proposer_slashing`: proof that a proposer signed two blocks for one slot passed gossip
 * validation.
 */

import * as v from "@valibot/valibot";
import {
  type SignedBeaconBlockHeader,
  signedBeaconBlockHeaderSchema,
} from "./beacon_block_header.ts";

/** Payload of `proposer_slashing`: proof that a proposer signed two blocks for one slot. */
export interface ProposerSlashingEvent {
  /** One signed header. */
  readonly signed_header_1: SignedBeaconBlockHeader;
  /** Another signed header of the same slot and proposer. */
  readonly signed_header_2: SignedBeaconBlockHeader;
}

/** Schema of {@linkcode ProposerSlashingEvent}. */
export const proposerSlashingSchema: v.GenericSchema<
  unknown,
  ProposerSlashingEvent
> = v.object({
  signed_header_1: signedBeaconBlockHeaderSchema,
  signed_header_2: signedBeaconBlockHeaderSchema,
});
