/**
 * Topic `light_client_optimistic_update`: the node has a newer optimistic update for light
 * clients.
 */

import * as v from "@valibot/valibot";
import { uint } from "../schema.ts";
import { forkVersioned } from "./fork_versioned.ts";
import {
  type LightClientHeader,
  lightClientHeaderSchema,
} from "./light_client_header.ts";
import { type SyncAggregate, syncAggregateSchema } from "./sync_aggregate.ts";

/** An optimistic update for light clients. */
export interface LightClientOptimisticUpdate {
  /** Header that the sync committee attests to. */
  readonly attested_header: LightClientHeader;
  /** Vote of the sync committee. */
  readonly sync_aggregate: SyncAggregate;
  /** Slot at which the vote was signed. */
  readonly signature_slot: number;
}

/** Payload of `light_client_optimistic_update`: the node has a newer optimistic update. */
export interface LightClientOptimisticUpdateEvent {
  /** Fork of the attested header, in lower case. */
  readonly version: string;
  /** The update. */
  readonly data: LightClientOptimisticUpdate;
}

/** Schema of {@linkcode LightClientOptimisticUpdateEvent}. */
export const lightClientOptimisticUpdateSchema: v.GenericSchema<
  unknown,
  LightClientOptimisticUpdateEvent
> = forkVersioned<LightClientOptimisticUpdate>(v.object({
  attested_header: lightClientHeaderSchema,
  sync_aggregate: syncAggregateSchema,
  signature_slot: uint,
}));
