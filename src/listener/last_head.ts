/** The head of a node, as its last event told it. */

import type { BeaconEvent } from "../beacon/beacon_event.ts";
import type { KnownHead } from "./branch_walk.ts";

/** A head, with what its event said besides. */
export interface LastHead extends KnownHead {
  /** Root of the head's state. */
  state: string;
  /** What the duties of the head's epoch depend on: the last block before the epoch ahead of it. */
  ofEpoch?: string;
  /** What the duties of the epoch behind it depend on: the last block before the head's epoch. */
  ofNextEpoch?: string;
}

/** Reads a head from `head` or `head_v2`; `undefined` for events of other topics. */
export function readHead(event: BeaconEvent<string>): LastHead | undefined {
  const known = event as BeaconEvent;
  if (known.topic === "head") {
    const { slot, block, state, ...data } = known.data;
    return {
      slot,
      root: block,
      state,
      ofEpoch: data.previous_duty_dependent_root,
      ofNextEpoch: data.current_duty_dependent_root,
    };
  }
  if (known.topic === "head_v2") {
    const { slot, block, state, ...data } = known.data.data;
    return {
      slot,
      root: block,
      state,
      ofEpoch: data.current_epoch_dependent_root,
      ofNextEpoch: data.next_epoch_dependent_root,
    };
  }
  return undefined;
}
