/**
 * What makes two reports the same event, so that an event which several nodes report is delivered
 * once.
 */

import { digest } from "../../values/digest.ts";
import { ownCopy } from "../../values/own_copy.ts";
import type { BeaconEvent } from "./beacon_event.ts";
import { type EventDataMap, isTopicName, type KnownTopic } from "./topic.ts";
import type { AttestationData } from "./topics/attestation_data.ts";
import type { BeaconBlockHeader } from "./topics/beacon_block_header.ts";
import type { Withdrawal } from "./topics/payload_attributes.ts";

/** What an event is about, and how much of it the node had verified. */
export interface EventIdentity {
  /** The topic and the members that make the event this one; at most 512 characters. */
  readonly key: string;
  /** A digest of the members that the schema does not know; `""` where there are none. */
  readonly extra: string;
  /**
   * How far the node had verified what it reports. It only grows while an event stays the same one.
   * 0 is optimistic, 1 is verified; for `head_v2` it is 0 to 5, where the payload status counts too.
   * Topics that are never optimistic are always verified.
   */
  readonly stage: number;
}

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
  head_v2: ({ data }) => [data.slot, data.block],
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
    attestation_1.attesting_indices.join(),
    ...vote(attestation_1.data),
    attestation_1.signature,
    attestation_2.attesting_indices.join(),
    ...vote(attestation_2.data),
    attestation_2.signature,
  ],
  finalized_checkpoint: (data) => [data.epoch, data.block],
  // Clients count the depth in different ways.
  chain_reorg: (
    data,
  ) => [data.slot, data.old_head_block, data.new_head_block],
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
    message.blob_kzg_commitments.join(),
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
 * Finds out what an event is about, from what its members mean. Nodes that write it with another
 * order of members, in another case or with fewer optional members report the same event. An event
 * of an unknown topic is its text.
 *
 * It costs about as much as reading the event: call it once and hand the result on.
 */
export function identify(event: BeaconEvent<string>): EventIdentity {
  const { topic } = event;
  const partsOf = identityByTopic.get(topic);
  if (partsOf === undefined) {
    const name = isTopicName(topic) ? topic : digest(topic);
    return { key: `${name}/${digest(event.raw)}`, extra: "", stage: 1 };
  }
  const parts = partsOf(event.data).join("/");
  return {
    key: parts.length > MOST_UNITS
      ? `${topic}/${digest(parts)}`
      : ownCopy(`${topic}/${parts}`),
    extra: "",
    stage: stageOf(event as BeaconEvent),
  };
}

/**
 * Whether two reports are of the same event, however far verified. Members that the schema does not
 * know make a difference where both reports have some.
 */
export function isSameEvent(one: EventIdentity, other: EventIdentity): boolean {
  return one.key === other.key &&
    (one.extra === other.extra || one.extra === "" || other.extra === "");
}

/**
 * Makes a text that two events share only if they report the same: for message ids, for the `id` of
 * a server-sent event, for a store. It does not depend on the node, the time, the order of members
 * or the process that makes it. An optimistic report has another one than the verified report.
 *
 * It does not know what came before: a node whose head goes from A to B and back to A reports A
 * twice, with the same identity.
 *
 * @param event The event.
 * @returns One line of at most 600 characters of ASCII.
 *
 * @example
 * ```ts
 * import { eventIdentity, parseEventData } from "@org/beacon-sse";
 * import { assertEquals } from "@std/assert";
 *
 * const root = "0x9a2fefd2fdb57f74993c7780ea5b9030d2897b615b89f808011ca5aebed54eaf";
 * const raw = `{"slot":"10","block":"${root}"}`;
 * const event = {
 *   topic: "block_gossip" as const,
 *   data: parseEventData("block_gossip", raw),
 *   raw,
 *   node: "a",
 *   receivedAt: 0,
 * };
 * assertEquals(eventIdentity(event), `block_gossip/10/${root}`);
 * ```
 */
export function eventIdentity(event: BeaconEvent<string>): string {
  const { key, extra, stage } = identify(event);
  const verified = event.topic === "head_v2" ? 5 : 1;
  return key + (stage === verified ? "" : `/stage-${stage}`) +
    (extra === "" ? "" : `/${extra}`);
}

/** Whether the node had not verified the execution payload of what it reports. */
export function isOptimistic(event: BeaconEvent<string>): boolean {
  const { data } = event as BeaconEvent<"head" | "head_v2">;
  if (typeof data !== "object" || data === null) return false;
  const flags = "execution_optimistic" in data ? data : data.data;
  return flags?.execution_optimistic === true;
}

function stageOf(event: BeaconEvent): number {
  const verified = isOptimistic(event) ? 0 : 1;
  return event.topic === "head_v2"
    ? 3 * verified + PAYLOAD_STAGES[event.data.data.payload_status]
    : verified;
}

const PAYLOAD_STAGES = { pending: 0, empty: 1, full: 2 };
const MOST_UNITS = 480;

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
