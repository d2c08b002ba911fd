/** Topic `light_client_finality_update`: the node has a newer finality update for light clients. */

import * as v from "@valibot/valibot";
import { root, uint } from "../schema.ts";
import { forkVersioned } from "./fork_versioned.ts";
import {
  type LightClientHeader,
  lightClientHeaderSchema,
} from "./light_client_header.ts";
import { type SyncAggregate, syncAggregateSchema } from "./sync_aggregate.ts";

/** A finality update for light clients. */
export interface LightClientFinalityUpdate {
  /** Header that the sync committee attests to. */
  readonly attested_header: LightClientHeader;
  /** Header that is final in the attested state. */
  readonly finalized_header: LightClientHeader;
  /** Merkle branch from the finalized root to the attested state; 6 roots, 7 from electra on. */
  readonly finality_branch: readonly string[];
  /** Vote of the sync committee. */
  readonly sync_aggregate: SyncAggregate;
  /** Slot at which the vote was signed. */
  readonly signature_slot: number;
}

/** Payload of `light_client_finality_update`: the node has a newer finality update. */
export interface LightClientFinalityUpdateEvent {
  /** Fork of the attested header, in lower case. */
  readonly version: string;
  /** The update. */
  readonly data: LightClientFinalityUpdate;
}

/** Schema of {@linkcode LightClientFinalityUpdateEvent}. */
export const lightClientFinalityUpdateSchema: v.GenericSchema<
  unknown,
  LightClientFinalityUpdateEvent
> = forkVersioned<
  LightClientFinalityUpdate
>(v.object({
  attested_header: lightClientHeaderSchema,
  finalized_header: lightClientHeaderSchema,
  finality_branch: v.array(root),
  sync_aggregate: syncAggregateSchema,
  signature_slot: uint,
}));
