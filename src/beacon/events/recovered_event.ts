/** Events as a node would have sent them, made from its headers. All are marked `recovered`. */

import { type BeaconEvent, parseEventData } from "./beacon_event.ts";

/** Where an event was recovered from, and when, Unix time in milliseconds. */
interface Recovery {
  node: string;
  receivedAt: number;
}

interface Block {
  slot: number;
  root: string;
  isOptimistic: boolean;
}

interface HeadBlock extends Block {
  stateRoot: string;
}

export function recoveredBlock(
  { slot, root, isOptimistic }: Block,
  recovery: Recovery,
): BeaconEvent<string> {
  return recoveredEvent("block", {
    slot: String(slot),
    block: root,
    execution_optimistic: isOptimistic,
  }, recovery);
}

/**
 * @param ancestorSlot Slot of the latest block that both branches have.
 * @param left The head that was left.
 * @param head The first head on the new branch, of that epoch.
 */
export function recoveredReorg(
  ancestorSlot: number,
  left: { root: string; state: string },
  { slot, root, stateRoot, isOptimistic }: HeadBlock,
  epoch: number,
  recovery: Recovery,
): BeaconEvent<string> {
  return recoveredEvent("chain_reorg", {
    slot: String(slot),
    depth: String(slot - ancestorSlot),
    old_head_block: left.root,
    new_head_block: root,
    old_head_state: left.state,
    new_head_state: stateRoot,
    epoch: String(epoch),
    execution_optimistic: isOptimistic,
  }, recovery);
}

/**
 * @param isTransition Whether it is the first block of its epoch.
 * @param dutyRoots The blocks that the duties of its epoch and of the next one depend on.
 */
export function recoveredHead(
  { slot, root, stateRoot, isOptimistic }: HeadBlock,
  isTransition: boolean,
  dutyRoots: { ofEpoch: string; ofNextEpoch: string },
  recovery: Recovery,
): BeaconEvent<string> {
  return recoveredEvent("head", {
    slot: String(slot),
    block: root,
    state: stateRoot,
    epoch_transition: isTransition,
    previous_duty_dependent_root: dutyRoots.ofEpoch,
    current_duty_dependent_root: dutyRoots.ofNextEpoch,
    execution_optimistic: isOptimistic,
  }, recovery);
}

export function recoveredCheckpoint(
  epoch: number,
  block: Omit<HeadBlock, "slot">,
  recovery: Recovery,
): BeaconEvent<string> {
  return recoveredEvent("finalized_checkpoint", {
    block: block.root,
    state: block.stateRoot,
    epoch: String(epoch),
    execution_optimistic: block.isOptimistic,
  }, recovery);
}

function recoveredEvent(
  topic: "block" | "chain_reorg" | "head" | "finalized_checkpoint",
  payload: Record<string, unknown>,
  { node, receivedAt }: Recovery,
): BeaconEvent<string> {
  const raw = JSON.stringify(payload);
  const data = parseEventData(topic, raw);
  const event = {
    topic,
    data,
    raw,
    node,
    receivedAt,
    recovered: true as const,
  };
  return "slot" in data ? { ...event, slot: data.slot } : event;
}
