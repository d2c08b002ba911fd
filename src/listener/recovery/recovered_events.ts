/** From the way to a node's new head to the events that were missed on it. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { BlockHeader } from "../../beacon/api/headers.ts";
import { parseEventData } from "../../beacon/events/parse_event_data.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { KnownHead } from "./branch_walk.ts";
import type { LastHead } from "../chain/head.ts";

/** What {@linkcode recoveredEvents} needs besides the way. */
export interface RecoveredEventsOptions {
  /** The head before. */
  last: LastHead;
  /** The latest block that both branches have. */
  ancestor: KnownHead;
  /** The blocks above it, in order of slot. */
  blocks: readonly BlockHeader[];
  /** The head now: the last one of them, or the ancestor itself. */
  head: BlockHeader;
  /** The node's first head on its branch, as far as that is known. */
  firstHead: BlockHeader;
  /** The slot clock. */
  clock: SlotClock;
  /** Name of the node. */
  node: string;
  /** When it was found out, Unix time in milliseconds. */
  receivedAt: number;
}

/**
 * The events that a node would have sent: its blocks, a `chain_reorg` where it changed the branch,
 * and its head. All are marked `recovered`. The head is left out where its dependent roots cannot
 * be told from what is known.
 */
export function recoveredEvents(
  options: RecoveredEventsOptions,
): BeaconEvent<string>[] {
  const { last, ancestor, blocks, head, firstHead, clock } = options;
  if (head.root === last.root) return [];
  const events = blocks.map((block) =>
    recovered(options, "block", {
      slot: String(block.slot),
      block: block.root,
      execution_optimistic: block.isOptimistic,
    })
  );
  if (ancestor.root !== last.root) {
    events.push(recovered(options, "chain_reorg", {
      slot: String(firstHead.slot),
      depth: String(firstHead.slot - ancestor.slot),
      old_head_block: last.root,
      new_head_block: firstHead.root,
      old_head_state: last.state,
      new_head_state: firstHead.stateRoot,
      epoch: String(clock.epochOf(firstHead.slot)),
      execution_optimistic: firstHead.isOptimistic,
    }));
  }
  const epoch = clock.epochOf(head.slot);
  const ofEpoch = lastBlockBefore(options, epoch - 1);
  const ofNextEpoch = lastBlockBefore(options, epoch);
  if (ofEpoch !== undefined && ofNextEpoch !== undefined) {
    const parent = blocks.at(-2) ?? ancestor;
    events.push(recovered(options, "head", {
      slot: String(head.slot),
      block: head.root,
      state: head.stateRoot,
      epoch_transition: clock.epochOf(parent.slot) < epoch,
      previous_duty_dependent_root: ofEpoch,
      current_duty_dependent_root: ofNextEpoch,
      execution_optimistic: head.isOptimistic,
    }));
  }
  return events;
}

/** The last block before an epoch, on the branch of the new head. */
function lastBlockBefore(
  options: RecoveredEventsOptions,
  epoch: number,
): string | undefined {
  const { last, ancestor, blocks, clock } = options;
  const start = epoch * clock.slotsPerEpoch;
  if (ancestor.slot < start) {
    return (blocks.findLast(({ slot }) => slot < start) ?? ancestor).root;
  }
  // Both branches have all blocks up to the ancestor, so what the last head said still holds.
  const lastEpoch = clock.epochOf(last.slot);
  if (epoch === lastEpoch) return last.ofNextEpoch;
  return epoch === lastEpoch - 1 ? last.ofEpoch : undefined;
}

function recovered(
  { node, receivedAt }: RecoveredEventsOptions,
  topic: "block" | "chain_reorg" | "head",
  payload: Record<string, unknown>,
): BeaconEvent<string> {
  const raw = JSON.stringify(payload);
  const data = parseEventData(topic, raw);
  return {
    topic,
    data,
    raw,
    node,
    receivedAt,
    slot: data.slot,
    recovered: true,
  };
}
