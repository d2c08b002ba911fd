/** From the way to a node's new head to the events that were missed on it. */

import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import {
  recoveredBlock,
  recoveredHead,
  recoveredReorg,
} from "../../beacon/events/recovered_event.ts";
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
  const recovery = { node, receivedAt };
  const events = blocks.map((block) => recoveredBlock(block, recovery));
  if (
    last !== undefined && ancestor !== undefined && ancestor.root !== last.root
  ) {
    const epoch = clock.epochOf(firstHead.slot);
    events.push(
      recoveredReorg(ancestor.slot, last, firstHead, epoch, recovery),
    );
  }
  if (dutyRoots !== undefined) {
    const parent = blocks.at(-2) ?? ancestor;
    const isTransition = parent !== undefined &&
      clock.epochOf(parent.slot) < clock.epochOf(head.slot);
    events.push(recoveredHead(head, isTransition, dutyRoots, recovery));
  }
  return events;
}
