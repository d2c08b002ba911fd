/** Topic `finalized_checkpoint`: a new checkpoint is final. */

import * as v from "@valibot/valibot";
import { optimistic, root, uint } from "../schema.ts";

/** Payload of `finalized_checkpoint`: a new checkpoint is final. */
export interface FinalizedCheckpointEvent {
  /** Root of the finalized block. */
  readonly block: string;
  /** Root of the state after it; all zeros where Teku does not know it. */
  readonly state: string;
  /** Epoch of the checkpoint. */
  readonly epoch: number;
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Schema of {@linkcode FinalizedCheckpointEvent}. */
export const finalizedCheckpointSchema: v.GenericSchema<
  unknown,
  FinalizedCheckpointEvent
> = v.object({
  block: root,
  state: root,
  epoch: uint,
  execution_optimistic: optimistic,
});
