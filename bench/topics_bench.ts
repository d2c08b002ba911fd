/** `parseEventData`, which parses and checks, against `JSON.parse`, which only parses. */

import { type KnownTopic, parseEventData } from "@org/beacon-sse";
import { SseDecoder } from "@org/beacon-sse/sse";
import { assertEquals } from "@std/assert";
import { createCorpus, cutCorpus, SMOKE } from "./corpus.ts";

const TOPICS: KnownTopic[] = [
  "head",
  "block",
  "block_gossip",
  "single_attestation",
  "attestation",
  "light_client_optimistic_update",
  "payload_attributes",
];

const MOST_EVENTS = 500;

const payloads = new Map<string, string[]>();
const decoder = new SseDecoder();
for (const { text } of cutCorpus(createCorpus("mix"), "64 KiB")) {
  for (const { type, data } of decoder.push(text)) {
    const all = payloads.get(type) ?? [];
    payloads.set(type, all);
    // A copy: a piece of a chunk of text is not what the listener parses.
    if (all.length < MOST_EVENTS) all.push(structuredClone(data));
  }
}

for (const topic of TOPICS) {
  const all = payloads.get(topic)!;
  const ways = {
    "JSON.parse": (raw: string) => JSON.parse(raw) as object,
    parseEventData: (raw: string) => parseEventData(topic, raw) as object,
  };
  for (const [who, parse] of Object.entries(ways)) {
    assertEquals(new Set(all.map((raw) => keys(parse(raw)))).size, 1);
    Deno.bench(who, {
      ...SMOKE,
      group: `${topic}, ${all.length} events of ${all[0]!.length} characters`,
      baseline: who === "JSON.parse",
    }, () => {
      let parsed = 0;
      for (const raw of all) {
        if (typeof parse(raw) === "object") parsed++;
      }
      if (parsed !== all.length) throw new Error(`${who} lost an event`);
    });
  }
}

/** All events of a topic have the same members, or one was not understood. */
function keys(data: object): string {
  return Object.keys(data).join();
}
