/** Which slot the events of each topic belong to. */

import { assertEquals } from "@std/assert";
import { SLOTS } from "../../../src/beacon/events/event_slot.ts";
import type { KnownTopic } from "../../../src/beacon/events/topic.ts";
import { topicReader } from "../../../src/beacon/events/topic_reader.ts";
import { TOPIC_EXAMPLES } from "./topic_examples.ts";

/** The slots of the examples without a form, else of those with. */
const EXPECTED: Record<KnownTopic, number | undefined> = {
  head: 9649056,
  head_v2: 12000001,
  block: 9649056,
  block_gossip: 9649056,
  attestation: 9649056,
  single_attestation: 9649056,
  voluntary_exit: undefined,
  bls_to_execution_change: undefined,
  proposer_slashing: undefined,
  attester_slashing: undefined,
  finalized_checkpoint: undefined,
  chain_reorg: 9649056,
  contribution_and_proof: 9649056,
  light_client_finality_update: 9649056,
  light_client_optimistic_update: 9649056,
  payload_attributes: 9649057,
  data_column_sidecar: 13200001,
  execution_payload: 12000001,
  execution_payload_gossip: 12000001,
  execution_payload_available: 12000001,
  execution_payload_bid: 12000001,
  payload_attestation_message: 12000001,
  fast_confirmation: 12000001,
  proposer_preferences: undefined,
  blob_sidecar: 9649056,
};

for (const [topic, slot] of Object.entries(EXPECTED)) {
  Deno.test(`SLOTS tells the slot of ${topic}`, () => {
    const { data } = TOPIC_EXAMPLES.find((example) => example.topic === topic)!;
    assertEquals(SLOTS[topic as KnownTopic](data as never), slot);
  });
}

Deno.test("topicReader() knows no other topic, whatever its name", () => {
  for (
    const topic of ["weather_forecast", "__proto__", "constructor", "toString"]
  ) {
    assertEquals(topicReader(topic), undefined);
  }
});
