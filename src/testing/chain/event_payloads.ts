/**
 * The payloads of the simulated node's events, as the Beacon API writes them:
 * integers as decimal strings, roots as hexadecimal ones.
 */

import { takeHex } from "./random.ts";
import type {
  SimulatedBlock,
  SimulatedChain,
  SimulatedCheckpoint,
  SimulatedReorg,
} from "./simulated_chain.ts";

/** The fork that versioned payloads name. */
const FORK_NAME = "fulu";

/** Payload of `block_gossip`. */
export function blockGossipPayload(block: SimulatedBlock): object {
  return { slot: String(block.slot), block: block.root };
}

/** Payload of `block`. */
export function blockPayload(block: SimulatedBlock): object {
  return { ...blockGossipPayload(block), execution_optimistic: false };
}

/** Payload of `head`. */
export function headPayload(
  chain: SimulatedChain,
  head: SimulatedBlock,
  epochTransition: boolean,
): object {
  const epoch = chain.epochAt(head.slot);
  return {
    slot: String(head.slot),
    block: head.root,
    state: head.stateRoot,
    epoch_transition: epochTransition,
    previous_duty_dependent_root: chain.dependentRoot(head, epoch - 1),
    current_duty_dependent_root: chain.dependentRoot(head, epoch),
    execution_optimistic: false,
  };
}

/** Payload of `head_v2`: other names for the same roots, and a wrapper. */
export function headV2Payload(
  chain: SimulatedChain,
  head: SimulatedBlock,
  epochTransition: boolean,
): object {
  const epoch = chain.epochAt(head.slot);
  return {
    version: FORK_NAME,
    data: {
      slot: String(head.slot),
      block: head.root,
      state: head.stateRoot,
      payload_status: "full",
      epoch_transition: epochTransition,
      current_epoch_dependent_root: chain.dependentRoot(head, epoch - 1),
      next_epoch_dependent_root: chain.dependentRoot(head, epoch),
      execution_optimistic: false,
    },
  };
}

/** Payload of `chain_reorg`. */
export function chainReorgPayload(reorg: SimulatedReorg): object {
  return {
    slot: String(reorg.slot),
    depth: String(reorg.depth),
    old_head_block: reorg.oldHead.root,
    new_head_block: reorg.newHead.root,
    old_head_state: reorg.oldHead.stateRoot,
    new_head_state: reorg.newHead.stateRoot,
    epoch: String(reorg.epoch),
    execution_optimistic: false,
  };
}

/** Payload of `finalized_checkpoint`. */
export function finalizedCheckpointPayload(
  checkpoint: SimulatedCheckpoint,
): object {
  return {
    block: checkpoint.block.root,
    state: checkpoint.block.stateRoot,
    epoch: String(checkpoint.epoch),
    execution_optimistic: false,
  };
}

/** Payload of `single_attestation`: one validator's vote for the head of a slot. */
export function singleAttestationPayload(
  chain: SimulatedChain,
  slot: number,
  attester: number,
  next: () => number,
): object {
  return {
    committee_index: "0",
    attester_index: String(attester),
    data: attestationData(chain, slot),
    signature: takeHex(next, 96),
  };
}

/** Payload of `attestation`: the votes of a part of a committee for the head of a slot. */
export function attestationPayload(
  chain: SimulatedChain,
  slot: number,
  next: () => number,
): object {
  return {
    aggregation_bits: takeHex(next, 16),
    data: attestationData(chain, slot),
    signature: takeHex(next, 96),
    committee_bits: "0x0100000000000000",
  };
}

/** What attesters of a slot vote for: the head, and the checkpoints on its branch. */
export function attestationData(chain: SimulatedChain, slot: number): object {
  const { head } = chain;
  const epoch = chain.epochAt(slot);
  return {
    slot: String(slot),
    index: "0",
    beacon_block_root: head.root,
    source: checkpointPayload(chain.checkpoint(head, Math.max(0, epoch - 1))),
    target: checkpointPayload(chain.checkpoint(head, epoch)),
  };
}

function checkpointPayload({ epoch, block }: SimulatedCheckpoint): object {
  return { epoch: String(epoch), root: block.root };
}
