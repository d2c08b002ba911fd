/**
 * `head` and `head_v2` tell of the same. A node that does not know the one that is wanted is asked
 * for the other.
 */

import type { BeaconEvent } from "./beacon_event.ts";
import type { HeadEvent } from "./topics/head.ts";

/**
 * What is delivered to whom asks for a topic: for `head_v2` also `head`, from nodes that do not know
 * it. The other way round, `head_v2` is turned into a `head`.
 */
export type Delivered<T extends string> =
  | T
  | (T extends "head_v2" ? "head" : never);

/** The topic to ask for in place of one that a node refuses; `undefined` where there is none. */
export function standInFor(topic: string): "head" | "head_v2" | undefined {
  if (topic === "head_v2") return "head";
  return topic === "head" ? "head_v2" : undefined;
}

/** What a `head` would have said in place of a `head_v2`. */
export function toHeadEvent(
  event: BeaconEvent<"head_v2">,
): BeaconEvent<"head"> {
  const { current_epoch_dependent_root, next_epoch_dependent_root, ...rest } =
    event.data.data;
  const data: HeadEvent = {
    slot: rest.slot,
    block: rest.block,
    state: rest.state,
    epoch_transition: rest.epoch_transition,
    previous_duty_dependent_root: current_epoch_dependent_root,
    current_duty_dependent_root: next_epoch_dependent_root,
    execution_optimistic: rest.execution_optimistic,
  };
  const raw = JSON.stringify({ ...data, slot: String(data.slot) });
  return { ...event, topic: "head", data, raw };
}
