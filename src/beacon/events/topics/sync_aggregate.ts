/** `SyncAggregate`, the vote of a sync committee; part of the light client topics. */

import * as v from "@valibot/valibot";
import { bits, signature } from "../schema.ts";

/** Vote of a sync committee. */
export interface SyncAggregate {
  /** Members that took part, a bit vector in hex (512 bits on mainnet). */
  readonly sync_committee_bits: string;
  /** Aggregate BLS signature of those members. */
  readonly sync_committee_signature: string;
}

/** Schema of {@linkcode SyncAggregate}. */
export const syncAggregateSchema: v.GenericSchema<unknown, SyncAggregate> = v
  .object({
    sync_committee_bits: bits,
    sync_committee_signature: signature,
  });
