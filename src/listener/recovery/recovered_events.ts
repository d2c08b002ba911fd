/** From the way to a node's new head to the events that were missed on it. */

import {
  type BeaconEvent,
  recoveredEvent,
  type RecoveredTopic,
} from "../../beacon/events/beacon_event.ts";
import type { BlockHeader } from "../../beacon/api/headers.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { KnownBlock } from "../chain/branch.ts";
import type { ReportedHead } from "../chain/head.ts";

export interface Missed {
  /** The head before; `undefined` where none was known. */
  last: ReportedHead | undefined;
  /** The latest block that both branches have; `undefined` where it is not known. */
  ancestor: KnownBlock | undefined;
  /** The blocks above it, in order of slot. */
  blocks: readonly BlockHeader[];
  head: BlockHeader;
  /** The node's first head on its branch, as far as that is known. */
  firstHead: BlockHeader;
  /** The dependent roots that the head has, where they are known. */
  dutyRoots: { ofEpoch: string; ofNextEpoch: string } | undefined;
}

/**
 * The events that a node would have sent: its blocks, a `chain_reorg` where it changed the branch,
 * and its head, where its dependent roots are known. All are marked `recovered`.
 */
export function recoveredEvents(
  { last, ancestor, blocks, head, firstHead, dutyRoots }: Missed,
  clock: SlotClock,
  node: string,
  receivedAt: number,
): BeaconEvent<string>[] {
  if (head.root === last?.root) return [];
  const recovered = (topic: RecoveredTopic, payload: Record<string, unknown>) =>
    recoveredEvent(topic, payload, node, receivedAt);
  const events = blocks.map((block) =>
    recovered("block", {
      slot: String(block.slot),
      block: block.root,
      execution_optimistic: block.isOptimistic,
    })
  );
  if (
    last !== undefined && ancestor !== undefined && ancestor.root !== last.root
  ) {
    events.push(recovered("chain_reorg", {
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
  if (dutyRoots !== undefined) {
    const epoch = clock.epochOf(head.slot);
    const parent = blocks.at(-2) ?? ancestor;
    events.push(recovered("head", {
      slot: String(head.slot),
      block: head.root,
      state: head.stateRoot,
      epoch_transition: parent !== undefined &&
        clock.epochOf(parent.slot) < epoch,
      previous_duty_dependent_root: dutyRoots.ofEpoch,
      current_duty_dependent_root: dutyRoots.ofNextEpoch,
      execution_optimistic: head.isOptimistic,
    }));
  }
  return events;
}
