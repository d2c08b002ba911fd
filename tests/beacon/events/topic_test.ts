/** Names of topics: which are known, and which can be asked for. */

import { assert, assertEquals, assertFalse, assertThrows } from "@std/assert";
import {
  isKnownTopic,
  isTopicName,
  KNOWN_TOPICS,
} from "../../../src/beacon/events/topic.ts";
import type {
  EventData,
  KnownTopic,
  Topic,
} from "../../../src/beacon/events/topic.ts";
import type { HeadEvent } from "../../../src/beacon/events/topics/head.ts";
import type { Equal } from "./equal_types.ts";

Deno.test("KNOWN_TOPICS has each topic once, those of the specification first", () => {
  assertEquals(KNOWN_TOPICS.length, 25);
  assertEquals(new Set(KNOWN_TOPICS).size, 25);
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
