/**
 * Topic `head_v2`: fork choice selected a new head, a block together with the status of its
 * payload.
 */

import * as v from "@valibot/valibot";
import { optimistic, root, uint } from "../schema.ts";
import { forkVersioned } from "./fork_versioned.ts";

/** Whether the head builds on its block's payload; `"pending"` is Teku's, for not yet known. */
export type PayloadStatus = "empty" | "full" | "pending";

/** Head of the chain as `head_v2` tells it. */
export interface HeadV2Data {
  /** Slot of the head block. */
  readonly slot: number;
  /** Root of the head block. */
  readonly block: string;
  /** Root of the state after the head block. */
  readonly state: string;
  /** Status of the head block's payload; a node sends the same block again when it changes. */
  readonly payload_status: PayloadStatus;
  /** Whether the head is the first one of its epoch. */
  readonly epoch_transition: boolean;
  /** Block root that decides the attester duties of the head's epoch. */
  readonly current_epoch_dependent_root: string;
  /** Block root that decides the attester duties of the epoch after it. */
  readonly next_epoch_dependent_root: string;
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/**
 * Payload of `head_v2`: fork choice selected a new head, or the payload status of the head
 * changed.
 */
export interface HeadV2Event {
  /** Fork of the head block, in lower case. */
  readonly version: string;
  /** The head. */
  readonly data: HeadV2Data;
}

/** Schema of {@linkcode HeadV2Event}. */
export const headV2Schema: v.GenericSchema<unknown, HeadV2Event> =
  forkVersioned<HeadV2Data>(v.object({
    slot: uint,
    block: root,
    state: root,
    payload_status: v.picklist(["empty", "full", "pending"]),
    epoch_transition: v.boolean(),
    current_epoch_dependent_root: root,
    next_epoch_dependent_root: root,
    execution_optimistic: optimistic,
  }));
