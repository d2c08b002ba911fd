/** Which slot an event belongs to. */

import type { EventDataMap, KnownTopic } from "./topic.ts";

/**
 * The slot of each topic's events: that of the block, vote, column or payload it is about; for
 * `chain_reorg` of the new head, for light client updates of the signing, for `payload_attributes`
 * of the proposal, for `fast_confirmation` of the confirmed block. Exits, credential changes,
 * slashings and checkpoints are of no slot; `proposer_preferences` are for a slot up to two epochs
 * ahead, not of it.
 */
export const SLOTS: {
  readonly [T in KnownTopic]: (data: EventDataMap[T]) => number | undefined;
} = {
  head: ({ slot }) => slot,
  head_v2: ({ data }) => data.slot,
  block: ({ slot }) => slot,
  block_gossip: ({ slot }) => slot,
  attestation: ({ data }) => data.slot,
  single_attestation: ({ data }) => data.slot,
  voluntary_exit: none,
  bls_to_execution_change: none,
  proposer_slashing: none,
  attester_slashing: none,
  finalized_checkpoint: none,
  chain_reorg: ({ slot }) => slot,
  contribution_and_proof: ({ message }) => message.contribution.slot,
  light_client_finality_update: ({ data }) => data.signature_slot,
  light_client_optimistic_update: ({ data }) => data.signature_slot,
  payload_attributes: ({ data }) => data.proposal_slot,
  data_column_sidecar: ({ slot }) => slot,
  execution_payload: ({ slot }) => slot,
  execution_payload_gossip: ({ slot }) => slot,
  execution_payload_available: ({ slot }) => slot,
  execution_payload_bid: ({ data }) => data.message.slot,
  payload_attestation_message: ({ data }) => data.data.slot,
  fast_confirmation: ({ slot }) => slot,
  proposer_preferences: none,
  blob_sidecar: ({ slot }) => slot,
};

function none(): undefined {
  return undefined;
}
