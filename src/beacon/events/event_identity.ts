/**
 * What makes two reports the same event, so that an event which several nodes report is delivered
 * once.
 */

import { digest } from "../../values/digest.ts";
import type { EventData, EventDataMap, KnownTopic } from "./topic.ts";
import type { AttestationData } from "./topics/attestation_data.ts";
import type { BeaconBlockHeader } from "./topics/beacon_block_header.ts";
import type { Withdrawal } from "./topics/payload_attributes.ts";

/** What an identity is made of, always in the same number and order. */
type Parts = readonly (string | number | boolean | undefined)[];

/**
 * The identity of each topic. Left out is what one node may know and another not:
 * `execution_optimistic`, `version`, states and epochs that follow from the rest, and members that
 * only some nodes send.
 */
const IDENTITIES: {
  readonly [T in KnownTopic]: (data: EventDataMap[T]) => Parts;
} = {
  head: (data) => [data.slot, data.block],
  head_v2: ({ data }) => [data.slot, data.block, data.payload_status],
  block: (data) => [data.slot, data.block],
  block_gossip: (data) => [data.slot, data.block],
  attestation: (data) => [
    ...vote(data.data),
    data.aggregation_bits,
    data.committee_bits,
    data.signature,
  ],
  single_attestation: (data) => [
    data.committee_index,
    data.attester_index,
    ...vote(data.data),
    data.signature,
  ],
  voluntary_exit: (
    { message, signature },
  ) => [message.epoch, message.validator_index, signature],
  bls_to_execution_change: ({ message, signature }) => [
    message.validator_index,
    message.from_bls_pubkey,
    message.to_execution_address,
    signature,
  ],
  proposer_slashing: ({ signed_header_1, signed_header_2 }) => [
    ...header(signed_header_1.message),
    signed_header_1.signature,
    ...header(signed_header_2.message),
    signed_header_2.signature,
  ],
  attester_slashing: ({ attestation_1, attestation_2 }) => [
    digest(attestation_1.attesting_indices.join()),
    ...vote(attestation_1.data),
    attestation_1.signature,
    digest(attestation_2.attesting_indices.join()),
    ...vote(attestation_2.data),
    attestation_2.signature,
  ],
  finalized_checkpoint: (data) => [data.epoch, data.block],
  chain_reorg: (
    data,
  ) => [data.slot, data.depth, data.old_head_block, data.new_head_block],
  contribution_and_proof: (
    { message: { contribution, ...message }, signature },
  ) => [
    message.aggregator_index,
    contribution.slot,
    contribution.beacon_block_root,
    contribution.subcommittee_index,
    contribution.aggregation_bits,
    contribution.signature,
    message.selection_proof,
    signature,
  ],
  light_client_finality_update: ({ data }) => [
    data.signature_slot,
    ...header(data.attested_header.beacon),
    ...header(data.finalized_header.beacon),
    data.sync_aggregate.sync_committee_bits,
    data.sync_aggregate.sync_committee_signature,
  ],
  light_client_optimistic_update: ({ data }) => [
    data.signature_slot,
    ...header(data.attested_header.beacon),
    data.sync_aggregate.sync_committee_bits,
    data.sync_aggregate.sync_committee_signature,
  ],
  payload_attributes: ({ data: { payload_attributes, ...data } }) => [
    data.proposal_slot,
    data.proposer_index,
    data.parent_block_root,
    data.parent_block_hash,
    payload_attributes.timestamp,
    payload_attributes.prev_randao,
    payload_attributes.suggested_fee_recipient,
    payload_attributes.parent_beacon_block_root,
    payload_attributes.withdrawals?.map(withdrawal).join(";"),
  ],
  data_column_sidecar: (data) => [data.slot, data.block_root, data.index],
  execution_payload: (
    data,
  ) => [data.slot, data.builder_index, data.block_hash, data.block_root],
  execution_payload_gossip: (data) => [
    data.slot,
    data.builder_index,
    data.block_hash,
    data.block_root,
  ],
  execution_payload_available: (data) => [data.slot, data.block_root],
  execution_payload_bid: ({ data: { message, signature } }) => [
    message.slot,
    message.builder_index,
    message.parent_block_hash,
    message.parent_block_root,
    message.block_hash,
    message.prev_randao,
    message.fee_recipient,
    message.gas_limit,
    message.value,
    message.execution_payment,
    digest(message.blob_kzg_commitments.join()),
    signature,
  ],
  payload_attestation_message: (
    { data: { validator_index, data, signature } },
  ) => [
    validator_index,
    data.slot,
    data.beacon_block_root,
    data.payload_present,
    data.blob_data_available,
    signature,
  ],
  fast_confirmation: (data) => [data.slot, data.block, data.current_slot],
  proposer_preferences: ({ data: { message, signature } }) => [
    message.proposal_slot,
    message.validator_index,
    message.dependent_root,
    message.fee_recipient,
    message.target_gas_limit,
    signature,
  ],
  blob_sidecar: (data) => [data.slot, data.block_root, data.index],
};

// A map, so that no topic finds what every object inherits.
const identityByTopic = new Map(
  Object.entries(IDENTITIES) as [string, (data: unknown) => Parts][],
);

/**
 * Tells what makes an event this one and no other, from what its fields mean: nodes that write it
 * with another order of keys, in another case or with fewer optional members report the same event.
 *
 * The topic is not part of it. Nor is history: a node that goes from head A to B and back to A
 * reports A twice, rightly, and the caller has to tell that from two nodes that report A once each.
 *
 * @param topic Topic of the event.
 * @param data Its payload, as `parseEventData` returned it.
 * @returns The identity; `undefined` for a topic that is not known, where the text of the payload
 * has to do.
 */
export function eventIdentity<T extends string>(
  topic: T,
  data: EventData<T>,
): string | undefined {
  return identityByTopic.get(topic)?.(data).join("/");
}

function vote(
  { slot, index, beacon_block_root, source, target }: AttestationData,
): Parts {
  return [
    slot,
    index,
    beacon_block_root,
    source.epoch,
    source.root,
    target.epoch,
    target.root,
  ];
}

function header(header: BeaconBlockHeader): Parts {
  const { slot, proposer_index, parent_root, state_root, body_root } = header;
  return [slot, proposer_index, parent_root, state_root, body_root];
}

function withdrawal(
  { index, validator_index, address, amount }: Withdrawal,
): string {
  return `${index},${validator_index},${address},${amount}`;
}
