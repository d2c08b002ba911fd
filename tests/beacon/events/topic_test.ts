/** Names of topics: which are known, and which can be requested. */

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  isKnownTopic,
  isTopicName,
  KNOWN_TOPICS,
  topicRecord,
} from "../../../src/beacon/events/topic.ts";
import type {
  EventData,
  KnownTopic,
  Topic,
} from "../../../src/beacon/events/topic.ts";
import type { HeadEvent } from "../../../src/beacon/events/topics/head.ts";
import type { Equal } from "./equal_types.ts";
import { exampleOf } from "./topic_examples.ts";

/** The slots of the examples without a form, else of those with. */
const SLOTS: Record<KnownTopic, number | undefined> = {
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

Deno.test("KNOWN_TOPICS has each topic once, those of the specification first", () => {
  assertEquals(new Set(KNOWN_TOPICS).size, KNOWN_TOPICS.length);
  assertEquals(KNOWN_TOPICS[0], "head");
  assertEquals(KNOWN_TOPICS.at(-2), "proposer_preferences");
  assertEquals(KNOWN_TOPICS.at(-1), "blob_sidecar");
});

Deno.test("KNOWN_TOPICS cannot be changed", () => {
  assertThrows(() => (KNOWN_TOPICS as KnownTopic[]).push("head"), TypeError);
});

Deno.test("isKnownTopic() accepts every known topic and nothing else", () => {
  assert(KNOWN_TOPICS.every(isKnownTopic));
  for (
    const topic of [
      "",
      "Head",
      "head ",
      "late_head",
      "__proto__",
      "constructor",
    ]
  ) {
    assertFalse(isKnownTopic(topic));
  }
});

Deno.test("isTopicName() accepts names that only some nodes know", () => {
  for (const name of [...KNOWN_TOPICS, "sync_state", "late_head", "X9"]) {
    assert(isTopicName(name));
  }
});

Deno.test("isTopicName() refuses what would change the request", () => {
  for (
    const name of [
      "",
      "a,b",
      "a&topics=b",
      "a b",
      "a\n",
      "hëad",
      "a".repeat(65),
      1,
      null,
      undefined,
    ]
  ) {
    assertFalse(isTopicName(name));
  }
});

Deno.test("EventData is typed by the topic, and unknown for an unknown one", () => {
  const known: Equal<EventData<"head">, HeadEvent> = true;
  const unknown: Equal<EventData<"weather_forecast">, unknown> = true;
  const any: Equal<EventData<string>, unknown> = true;
  assert(known && unknown && any);
});

Deno.test("Topic admits known and unknown names", () => {
  const topics: Topic[] = ["head", "weather_forecast"];
  assertEquals(topics.filter(isKnownTopic) satisfies KnownTopic[], ["head"]);
});

for (const [topic, slot] of Object.entries(SLOTS)) {
  Deno.test(`topicRecord() has the name of ${topic} and finds the slot of its events`, () => {
    const { data } = exampleOf(topic);
    const record = topicRecord(topic)!;
    assertEquals(record.topic, topic);
    assertEquals(record.slot?.(data), slot);
  });
}

Deno.test("topicRecord() knows no other topic, whatever its name", () => {
  for (
    const topic of ["weather_forecast", "__proto__", "constructor", "toString"]
  ) {
    assertEquals(topicRecord(topic), undefined);
  }
});
