/** Topic `execution_payload_gossip`: an execution payload passed gossip validation (gloas). */

import * as v from "@valibot/valibot";
import { root, uint, uint64 } from "../schema.ts";

/** Payload of `execution_payload_gossip`: an execution payload passed gossip validation. */
export interface ExecutionPayloadGossipEvent {
  /** Slot of the block that the payload belongs to. */
  readonly slot: number;
  /** Index of the builder, a decimal uint64; 2^64 - 1 where the proposer built it. */
  readonly builder_index: string;
  /** Hash of the execution block. */
  readonly block_hash: string;
  /** Root of the beacon block. */
  readonly block_root: string;
}

/** Schema of {@linkcode ExecutionPayloadGossipEvent}. */
export const executionPayloadGossipSchema: v.GenericSchema<
  unknown,
  ExecutionPayloadGossipEvent
> = v.object({
  slot: uint,
  builder_index: uint64,
  block_hash: root,
  block_root: root,
});
