/** From a piece of the chain to the events that a reader has missed of it. */

import type { BlockHeader } from "../../beacon/api/headers.ts";
import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import {
  recoveredBlock,
  recoveredHead,
  recoveredReorg,
} from "../../beacon/events/recovered_event.ts";
import type { ChainPiece } from "./chain_history.ts";
import type { HadEvents } from "./had_events.ts";

/** What a reader has missed. */
export interface MissedEvents {
  /** The events, in the order in which nodes send them. */
  events: BeaconEvent<string>[];
  /** Blocks of which no `head` can be made, because what their duties depend on is not known. */
  withoutHead: readonly BlockHeader[];
}

/**
 * Makes the events that a node would have sent: for each block `block` and `head`, and a
 * `chain_reorg` where the head that the reader has is not on the node's branch.
 *
 * @param piece The chain since the slot before the reader's position.
 * @param had What the reader has; `undefined` where it has nothing of these slots.
 */
export function missedEvents(
  piece: ChainPiece,
  had: HadEvents | undefined,
): MissedEvents {
  const { ancestor, blocks, others, rootsBefore, clock, node, receivedAt } =
    piece;
  const isHad = (topic: string, { slot, root }: BlockHeader) =>
    had?.has(topic, slot, root) ?? false;
  const recovery = { node, receivedAt };
  const last = [...blocks, ...others].sort((a, b) => b.slot - a.slot)
    .find((block) => isHad("head", block));
  const left = last !== undefined && others.includes(last) ? last : undefined;
  // Blocks below the reader's head have their heads behind them.
  const parting = left === undefined
    ? last ?? ancestor
    : partingOf(left, piece);
  const events: BeaconEvent<string>[] = [];
  const withoutHead: BlockHeader[] = [];
  let parent = ancestor;
  let isReported = left === undefined;
  for (const block of blocks) {
    const { slot } = block;
    if (!isHad("block", block)) events.push(recoveredBlock(block, recovery));
    const epoch = clock.epochOf(slot);
    const [ofEpoch, ofNextEpoch] = [epoch - 1, epoch].map((epoch) =>
      rootsBefore.get(epoch)
    );
    const isTransition = clock.epochOf(parent.slot) < epoch;
    parent = block;
    if (slot <= parting.slot) continue;
    if (!isReported) {
      isReported = true;
      const { root, stateRoot: state } = left!;
      events.push(
        recoveredReorg(parting.slot, { root, state }, block, epoch, recovery),
      );
    }
    if (ofEpoch === undefined || ofNextEpoch === undefined) {
      withoutHead.push(block);
      continue;
    }
    const dutyRoots = { ofEpoch, ofNextEpoch };
    events.push(recoveredHead(block, isTransition, dutyRoots, recovery));
  }
  return { events, withoutHead };
}

/** The latest block that the node's branch shares with that of another block. */
function partingOf(
  { parentRoot }: BlockHeader,
  { ancestor, blocks, others }: ChainPiece,
): BlockHeader {
  const way = [ancestor, ...blocks];
  for (let root = parentRoot;;) {
    const shared = way.find((block) => block.root === root);
    if (shared !== undefined) return shared;
    const other = others.find((block) => block.root === root);
    if (other === undefined) return ancestor;
    root = other.parentRoot;
  }
}
