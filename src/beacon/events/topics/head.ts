/**
 * Topics `head` and `head_v2`: the node selected a new head. `head` is deprecated in favour of
 * `head_v2`, and sent by every client.
 */

import {
  defineTopic,
  type ForkVersioned,
  object,
  versioned,
} from "../members.ts";
import { boolean, oneOf, optimistic, root, uint } from "../primitives.ts";

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

/** Whether the head builds on its block's payload; `"pending"` is Teku's, for not yet known. */
export type PayloadStatus = "empty" | "full" | "pending";

/** Head of the chain as `head_v2` reports it. */
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
export type HeadV2Event = ForkVersioned<HeadV2Data>;

export const head = defineTopic({
  topic: "head",
  payload: object<HeadEvent>({
    slot: uint,
    block: root,
    state: root,
    epoch_transition: boolean,
    previous_duty_dependent_root: root,
    current_duty_dependent_root: root,
    execution_optimistic: optimistic,
  }),
  slot: ({ slot }) => slot,
  identity: { only: ["slot", "block"] },
});

export const head_v2 = defineTopic({
  topic: "head_v2",
  payload: versioned(object<HeadV2Data>({
    slot: uint,
    block: root,
    state: root,
    payload_status: oneOf<PayloadStatus>("empty", "full", "pending"),
    epoch_transition: boolean,
    current_epoch_dependent_root: root,
    next_epoch_dependent_root: root,
    execution_optimistic: optimistic,
  })),
  slot: ({ data }) => data.slot,
  identity: { only: ["slot", "block"] },
});
