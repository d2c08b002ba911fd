/** One payload or more of each topic, as it is to be delivered and as a node sends it. */

import type {
  EventDataMap,
  KnownTopic,
} from "../../../src/beacon/events/topic.ts";

/** A payload of a topic. */
export type TopicExample = {
  [T in KnownTopic]: {
    /** Topic of the payload. */
    topic: T;
    /** What is special about it. */
    form?: string;
    /** The payload as a node sends it. */
    payload: unknown;
    /** The payload as it is to be delivered. */
    data: EventDataMap[T];
  };
}[KnownTopic];

/** An example whose payload, where it is not given, is the data with numbers as text, or what is in their envelope. */
type GivenExample<E extends TopicExample = TopicExample> = E extends unknown
  ? Omit<E, "payload"> & { payload?: unknown; isBare?: true }
  : never;

const BLOCK = hex("b1", 32);
const PARENT = hex("b0", 32);
const STATE = hex("5e", 32);
const BODY = hex("0d", 32);
const RANDAO = hex("a4", 32);
const HASH = hex("c7", 32);
const OTHER = hex("07", 32);
const SIGNATURE = hex("51", 96);
const PROOF = hex("9f", 96);
const PUBKEY = hex("8b", 48);
const COMMITMENT = hex("c0", 48);
const ADDRESS = hex("ad", 20);
const SYNC_BITS = hex("f7", 64);

const vote = {
  slot: 9649056,
  index: 0,
  beacon_block_root: BLOCK,
  source: { epoch: 301531, root: PARENT },
  target: { epoch: 301533, root: OTHER },
};
const header = {
  slot: 9649055,
  proposer_index: 1203344,
  parent_root: PARENT,
  state_root: STATE,
  body_root: BODY,
};
const execution = {
  block_number: "19000123",
  extra_data: "0x",
  base_fee_per_gas: "7",
};
const aggregate = {
  sync_committee_bits: SYNC_BITS,
  sync_committee_signature: SIGNATURE,
};
const bid = {
  message: {
    parent_block_hash: OTHER,
    parent_block_root: PARENT,
    block_hash: HASH,
    prev_randao: RANDAO,
    fee_recipient: ADDRESS,
    gas_limit: "60000000",
    builder_index: "18446744073709551615",
    slot: 12000001,
    value: "9007199254740993",
    execution_payment: "0",
    blob_kzg_commitments: [COMMITMENT, PUBKEY],
  },
  signature: SIGNATURE,
};
const payloadVote = {
  validator_index: 77,
  data: {
    beacon_block_root: BLOCK,
    slot: 12000001,
    payload_present: true,
    blob_data_available: false,
  },
  signature: SIGNATURE,
};

/** The examples, in the order of the topics. */
const EXAMPLES: readonly GivenExample[] = [
  {
    topic: "head",
    data: {
      slot: 9649056,
      block: BLOCK,
      state: STATE,
      epoch_transition: true,
      previous_duty_dependent_root: PARENT,
      current_duty_dependent_root: OTHER,
      execution_optimistic: true,
    },
  },
  {
    topic: "head_v2",
    data: {
      version: "gloas",
      data: {
        slot: 12000001,
        block: BLOCK,
        state: STATE,
        payload_status: "full",
        epoch_transition: false,
        current_epoch_dependent_root: PARENT,
        next_epoch_dependent_root: OTHER,
        execution_optimistic: false,
      },
    },
  },
  {
    topic: "block",
    data: { slot: 9649056, block: BLOCK, execution_optimistic: true },
  },
  {
    topic: "block_gossip",
    data: { slot: 9649056, block: BLOCK },
  },
  {
    topic: "attestation",
    data: {
      aggregation_bits: "0xffef03",
      data: vote,
      signature: SIGNATURE,
      committee_bits: "0x0100000000000080",
    },
  },
  {
    topic: "attestation",
    form: "before electra",
    data: { aggregation_bits: "0x03", data: vote, signature: SIGNATURE },
  },
  {
    topic: "single_attestation",
    data: {
      committee_index: 63,
      attester_index: 1999999,
      data: vote,
      signature: SIGNATURE,
    },
  },
  {
    topic: "attestation",
    form: "of one validator",
    data: {
      committee_index: 63,
      attester_index: 1999999,
      data: vote,
      signature: SIGNATURE,
    },
  },
  {
    topic: "voluntary_exit",
    data: {
      message: { epoch: 301533, validator_index: 42 },
      signature: SIGNATURE,
    },
  },
  {
    topic: "bls_to_execution_change",
    payload: {
      message: {
        validator_index: "42",
        from_bls_pubkey: PUBKEY,
        to_execution_address: "0x9Be8d619c56699667c1feDCD15f6b14D8B067F72",
      },
      signature: SIGNATURE,
    },
    data: {
      message: {
        validator_index: 42,
        from_bls_pubkey: PUBKEY,
        to_execution_address: "0x9be8d619c56699667c1fedcd15f6b14d8b067f72",
      },
      signature: SIGNATURE,
    },
  },
  {
    topic: "proposer_slashing",
    data: {
      signed_header_1: { message: header, signature: SIGNATURE },
      signed_header_2: {
        message: { ...header, body_root: OTHER },
        signature: PROOF,
      },
    },
  },
  {
    topic: "attester_slashing",
    data: {
      attestation_1: {
        attesting_indices: [7, 1999999],
        data: vote,
        signature: SIGNATURE,
      },
      attestation_2: {
        attesting_indices: [7],
        data: { ...vote, beacon_block_root: OTHER },
        signature: PROOF,
      },
    },
  },
  {
    topic: "finalized_checkpoint",
    data: {
      block: BLOCK,
      state: STATE,
      epoch: 301531,
      execution_optimistic: false,
    },
  },
  {
    topic: "chain_reorg",
    data: {
      slot: 9649056,
      depth: 2,
      old_head_block: OTHER,
      new_head_block: BLOCK,
      old_head_state: BODY,
      new_head_state: STATE,
      epoch: 301533,
      execution_optimistic: false,
    },
  },
  {
    topic: "chain_reorg",
    form: "of Nimbus, without epoch",
    payload: {
      slot: "2",
      depth: "1",
      old_head_block: OTHER,
      new_head_block: BLOCK,
      old_head_state: BODY,
      new_head_state: STATE,
    },
    data: {
      slot: 2,
      depth: 1,
      old_head_block: OTHER,
      new_head_block: BLOCK,
      old_head_state: BODY,
      new_head_state: STATE,
      execution_optimistic: false,
    },
  },
  {
    topic: "contribution_and_proof",
    data: {
      message: {
        aggregator_index: 997,
        contribution: {
          slot: 9649056,
          beacon_block_root: BLOCK,
          subcommittee_index: 3,
          aggregation_bits: hex("fd", 16),
          signature: SIGNATURE,
        },
        selection_proof: PROOF,
      },
      signature: SIGNATURE,
    },
  },
  {
    topic: "light_client_finality_update",
    form: "of altair",
    data: {
      version: "altair",
      data: {
        attested_header: { beacon: header },
        finalized_header: { beacon: { ...header, slot: 9648992 } },
        finality_branch: [OTHER, BODY, PARENT, STATE, BLOCK, RANDAO],
        sync_aggregate: aggregate,
        signature_slot: 9649056,
      },
    },
  },
  {
    topic: "light_client_optimistic_update",
    form: "of electra",
    data: {
      version: "electra",
      data: {
        attested_header: {
          beacon: header,
          execution,
          execution_branch: [OTHER, BODY],
        },
        sync_aggregate: aggregate,
        signature_slot: 9649056,
      },
    },
  },
  {
    topic: "light_client_finality_update",
    form: "of electra, without its envelope",
    isBare: true,
    data: {
      version: "electra",
      data: {
        attested_header: { beacon: header, execution },
        finalized_header: { beacon: header, execution },
        finality_branch: [OTHER, BODY, PARENT, STATE, BLOCK, RANDAO, HASH],
        sync_aggregate: aggregate,
        signature_slot: 9649057,
      },
    },
  },
  ...([
    ["altair", {}],
    ["capella", { execution }],
    ["deneb", { execution: { ...execution, blob_gas_used: "0" } }],
  ] as const).map(([version, more], index): GivenExample => ({
    topic: "light_client_optimistic_update",
    form: `of ${version}, without its envelope`,
    isBare: true,
    data: {
      version,
      data: {
        attested_header: { beacon: header, ...more },
        sync_aggregate: aggregate,
        signature_slot: 9649058 + index,
      },
    },
  })),
  {
    topic: "payload_attributes",
    form: "of electra",
    data: {
      version: "electra",
      data: {
        proposer_index: 1203344,
        proposal_slot: 9649057,
        parent_block_number: 19000123,
        parent_block_root: BLOCK,
        parent_block_hash: HASH,
        payload_attributes: {
          timestamp: 1702612307,
          prev_randao: RANDAO,
          suggested_fee_recipient: ADDRESS,
          withdrawals: [
            {
              index: "27000001",
              validator_index: 5,
              address: ADDRESS,
              amount: "15640",
            },
          ],
          parent_beacon_block_root: BLOCK,
        },
      },
    },
  },
  {
    topic: "payload_attributes",
    form: "of bellatrix",
    data: {
      version: "bellatrix",
      data: {
        proposer_index: 9,
        proposal_slot: 4700014,
        parent_block_root: BLOCK,
        parent_block_hash: HASH,
        payload_attributes: {
          timestamp: 1663224179,
          prev_randao: RANDAO,
          suggested_fee_recipient: ADDRESS,
        },
      },
    },
  },
  {
    topic: "data_column_sidecar",
    form: "with all that was ever in it",
    data: {
      block_root: BLOCK,
      index: 127,
      slot: 13200001,
      kzg_commitments: [COMMITMENT],
      versioned_hashes: [HASH],
    },
  },
  {
    topic: "execution_payload",
    data: {
      slot: 12000001,
      builder_index: "18446744073709551615",
      block_hash: HASH,
      block_root: BLOCK,
      execution_optimistic: false,
    },
  },
  {
    topic: "execution_payload_gossip",
    data: {
      slot: 12000001,
      builder_index: "42",
      block_hash: HASH,
      block_root: BLOCK,
    },
  },
  {
    topic: "execution_payload_available",
    data: { slot: 12000001, block_root: BLOCK },
  },
  {
    topic: "execution_payload_bid",
    data: {
      version: "gloas",
      data: {
        ...bid,
        message: { ...bid.message, execution_requests_root: OTHER },
      },
    },
  },
  {
    topic: "execution_payload_bid",
    form: "without its envelope",
    isBare: true,
    data: { version: "gloas", data: bid },
  },
  {
    topic: "payload_attestation_message",
    data: { version: "heze", data: payloadVote },
  },
  {
    topic: "payload_attestation_message",
    form: "without its envelope",
    isBare: true,
    data: { version: "gloas", data: payloadVote },
  },
  {
    topic: "fast_confirmation",
    data: { block: BLOCK, slot: 12000001, current_slot: 12000002 },
  },
  {
    topic: "proposer_preferences",
    data: {
      version: "gloas",
      data: {
        message: {
          dependent_root: PARENT,
          proposal_slot: 12000033,
          validator_index: 123,
          fee_recipient: ADDRESS,
          target_gas_limit: "60000000",
        },
        signature: SIGNATURE,
      },
    },
  },
  {
    topic: "blob_sidecar",
    data: {
      block_root: BLOCK,
      index: 5,
      slot: 9649056,
      kzg_commitment: COMMITMENT,
      versioned_hash: HASH,
    },
  },
];

/** The examples, in the order of the topics. */
export const TOPIC_EXAMPLES: readonly TopicExample[] = EXAMPLES.map(
  ({ isBare, ...example }) => {
    const data = isBare
      ? (example.data as { data: unknown }).data
      : example.data;
    return { payload: sent(data), ...example } as TopicExample;
  },
);

/** The example of a topic, that of a form if one is given. */
export function exampleOf(topic: string, form?: string): TopicExample {
  return TOPIC_EXAMPLES.find((example) =>
    example.topic === topic && (form ?? example.form) === example.form
  )!;
}

/** Data as a node sends them: with numbers as text. */
function sent(data: unknown): unknown {
  return JSON.parse(
    JSON.stringify(data),
    (_name, value) => typeof value === "number" ? String(value) : value,
  );
}

function hex(byte: string, length: number): string {
  return `0x${byte.repeat(length)}`;
}
