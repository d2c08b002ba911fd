/** Topic `execution_payload`: fork choice imported an execution payload (gloas). */

import * as v from "@valibot/valibot";
import { optimistic, root, uint, uint64 } from "../schema.ts";

/** Payload of `execution_payload`: fork choice imported an execution payload. */
export interface ExecutionPayloadEvent {
  /** Slot of the block that the payload belongs to. */
  readonly slot: number;
  /** Index of the builder, a decimal uint64; 2^64 - 1 where the proposer built it. */
  readonly builder_index: string;
  /** Hash of the execution block. */
  readonly block_hash: string;
  /** Root of the beacon block. */
  readonly block_root: string;
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Schema of {@linkcode ExecutionPayloadEvent}. */
export const executionPayloadSchema: v.GenericSchema<
  unknown,
  ExecutionPayloadEvent
> = v.object({
  slot: uint,
  builder_index: uint64,
  block_hash: root,
  block_root: root,
  execution_optimistic: optimistic,
});
