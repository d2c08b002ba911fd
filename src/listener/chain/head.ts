/** The head of a node, as an event reports it. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { KnownBlock } from "./branch.ts";
import type { DutyRoots } from "./duties.ts";

export type HeadReport = BeaconEvent<"head" | "head_v2">;

export interface ReportedHead extends KnownBlock, DutyRoots {
  state: string;
}

/**
 * The topics that report where a node's head goes. The same report may be received again and be new: a
 * head goes from A to B, and back to A.
 */
export const HEAD_TOPICS: ReadonlySet<string> = new Set([
  "head",
  "head_v2",
  "chain_reorg",
]);

export function isHeadReport(event: BeaconEvent<string>): event is HeadReport {
  return event.topic === "head" || event.topic === "head_v2";
}

/** In one form for both topics. */
export function reportedHead(event: HeadReport): ReportedHead {
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
