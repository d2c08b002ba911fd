/** The head of a node, as its last event told it. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { KnownHead } from "../recovery/branch_walk.ts";
import type { DutyRoots } from "./duties.ts";

/** An event that tells of a head. */
export type HeadReport = BeaconEvent<"head" | "head_v2">;

/** A head, with what its event said besides. */
export interface LastHead extends KnownHead, DutyRoots {
  /** Root of the head's state. */
  state: string;
}

/**
 * The topics that tell where a node's head goes. The same may be told again: a head goes from A to B,
 * and back to A.
 */
export const HEAD_TOPICS: ReadonlySet<string> = new Set([
  "head",
  "head_v2",
  "chain_reorg",
]);

/** Whether an event tells of a head. */
export function isHeadReport(event: BeaconEvent<string>): event is HeadReport {
  return event.topic === "head" || event.topic === "head_v2";
}

/** Reads a head from what told of it. */
export function readHead(event: HeadReport): LastHead {
  if (event.topic === "head") {
    const { data } = event;
    return {
      slot: data.slot,
      root: data.block,
      state: data.state,
      ofEpoch: data.previous_duty_dependent_root,
      ofNextEpoch: data.current_duty_dependent_root,
    };
  }
  const { data } = event.data;
  return {
    slot: data.slot,
    root: data.block,
    state: data.state,
    ofEpoch: data.current_epoch_dependent_root,
    ofNextEpoch: data.next_epoch_dependent_root,
  };
}
