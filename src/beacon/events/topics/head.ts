/**
 * Topic `head`: the node selected a new head block. Deprecated in favour of `head_v2`, sent by
 * every client.
 */

import * as v from "@valibot/valibot";
import { flatReader } from "../flat_payload.ts";
import { optimistic, root, uint } from "../schema.ts";

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

/** Reads the usual form from its text; `undefined` leaves it to {@linkcode headSchema}. */
export const readHead: (raw: string) => HeadEvent | undefined = flatReader<
  HeadEvent
>(
  {
    slot: "uint",
    block: "root",
    state: "root",
    epoch_transition: "boolean",
    previous_duty_dependent_root: "root",
    current_duty_dependent_root: "root",
    execution_optimistic: "boolean",
  },
  (values) => ({
    slot: values.slot,
    block: values.block,
    state: values.state,
    epoch_transition: values.epoch_transition,
    previous_duty_dependent_root: values.previous_duty_dependent_root,
    current_duty_dependent_root: values.current_duty_dependent_root,
    execution_optimistic: values.execution_optimistic,
  }),
);
