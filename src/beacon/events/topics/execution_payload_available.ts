/**
 * Topic `execution_payload_available`: payload and blobs of a block are there, so it can be
 * attested (gloas).
 */

import * as v from "@valibot/valibot";
import { root, uint } from "../schema.ts";

/**
 * Payload of `execution_payload_available`: payload and blobs of a block are verified to be
 * available.
 */
export interface ExecutionPayloadAvailableEvent {
  /** Slot of the block. */
  readonly slot: number;
  /** Root of the beacon block. */
  readonly block_root: string;
}

/** Schema of {@linkcode ExecutionPayloadAvailableEvent}. */
export const executionPayloadAvailableSchema: v.GenericSchema<
  unknown,
  ExecutionPayloadAvailableEvent
> = v.object({
  slot: uint,
  block_root: root,
});
