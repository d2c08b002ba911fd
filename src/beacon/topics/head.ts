/**
 * Topic `head`: the node selected a new head block. Deprecated in favour of `head_v2`, sent by
 * every client.
 */

import * as v from "@valibot/valibot";
import {
  isJsonObject,
  optimistic,
  readBoolean,
  readOptimistic,
  readRoot,
  readUint,
  root,
  uint,
} from "../schema.ts";

/** Payload of `head`: the node selected a new head block. */
export interface HeadEvent {
  /** Slot of the head block. */
  readonly slot: number;
  /** Root of the head block. */
  readonly block: string;
  /** Root of the state after the head block. */
  readonly state: string;
  /** Whether the head is the first one of its epoch. */
  readonly epoch_transition: boolean;
  /** Block root that decides the attester duties of the head's epoch. */
  readonly previous_duty_dependent_root: string;
  /** Block root that decides the attester duties of the epoch after it. */
  readonly current_duty_dependent_root: string;
  /** Whether the execution payload is not yet verified. */
  readonly execution_optimistic: boolean;
}

/** Schema of {@linkcode HeadEvent}. */
export const headSchema: v.GenericSchema<unknown, HeadEvent> = v.object({
  slot: uint,
  block: root,
  state: root,
  epoch_transition: v.boolean(),
  previous_duty_dependent_root: root,
  current_duty_dependent_root: root,
  execution_optimistic: optimistic,
});

/** Reads the usual form at once; `undefined` leaves it to {@linkcode headSchema}. */
export function readHead(value: unknown): HeadEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const slot = readUint(value.slot);
  const block = readRoot(value.block);
  const state = readRoot(value.state);
  const epoch_transition = readBoolean(value.epoch_transition);
  const previous_duty_dependent_root = readRoot(
    value.previous_duty_dependent_root,
  );
  const current_duty_dependent_root = readRoot(
    value.current_duty_dependent_root,
  );
  const execution_optimistic = readOptimistic(value.execution_optimistic);
  return slot === undefined || block === undefined || state === undefined ||
      epoch_transition === undefined ||
      previous_duty_dependent_root === undefined ||
      current_duty_dependent_root === undefined ||
      execution_optimistic === undefined
    ? undefined
    : {
      slot,
      block,
      state,
      epoch_transition,
      previous_duty_dependent_root,
      current_duty_dependent_root,
      execution_optimistic,
    };
}
