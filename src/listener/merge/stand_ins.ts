/**
 * `head` and `head_v2` report the same. From a node that does not know the wanted one the other is
 * requested, and delivered in its place.
 */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { HeadEvent } from "../../beacon/events/topics/head.ts";

/**
 * The topics that a subscriber of a topic receives: for `head_v2` also `head`, from nodes that do not
 * know `head_v2`. A subscriber of `head` receives `head` only, made from `head_v2` where needed.
 */
export type Delivered<T extends string> =
  | T
  | (T extends "head_v2" ? "head" : never);

/** `undefined` where no topic can stand in. */
export function standInFor(topic: string): "head" | "head_v2" | undefined {
  if (topic === "head_v2") return "head";
  return topic === "head" ? "head_v2" : undefined;
}

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

/** Decides which `head` events are delivered to subscribers of `head_v2`. */
export class StandIns {
  /** The latest blocks that a `head_v2` has reported. */
  readonly #reportedByV2: string[] = [];
  readonly #delivered = new WeakSet<BeaconEvent<string>>();

  remember(root: string): void {
    if (this.#reportedByV2.push(root) > MOST_REPORTED) {
      this.#reportedByV2.shift();
    }
  }

  /** Whether a `head` is to be delivered in place of a `head_v2`. */
  isNeeded(
    { recovered, data }: BeaconEvent<"head">,
    { missingTopics }: { missingTopics: readonly string[] },
  ): boolean {
    return (recovered || missingTopics.includes("head_v2")) &&
      !this.#reportedByV2.includes(data.block);
  }

  add(event: BeaconEvent<string>): void {
    this.#delivered.add(event);
  }

  /** Whether a delivered `head` is in place of a `head_v2`. */
  has(event: BeaconEvent<string>): boolean {
    return this.#delivered.has(event);
  }
}

const MOST_REPORTED = 64;
