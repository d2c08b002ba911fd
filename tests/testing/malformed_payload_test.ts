import { assertEquals, assertThrows } from "@std/assert";
import { parseEventData } from "../../src/beacon/events/beacon_event.ts";
import { malformedPayload } from "../../src/testing/node/stream_frames.ts";

const GOOD = `{"slot":"12","block":"0x${"ab".repeat(32)}"}`;

Deno.test("malformedPayload() is refused for any topic that the simulated node sends", () => {
  const topics = ["head", "head_v2", "block", "block_gossip", "chain_reorg"];
  parseEventData("block_gossip", GOOD);
  const payloads = new Set<string>();
  for (let n = 0; n < 26; n++) {
    const payload = malformedPayload(n, GOOD);
    payloads.add(payload);
    for (const topic of topics) {
      assertThrows(() => parseEventData(topic, payload), Error);
    }
  }
  assertEquals(payloads.size, 13);
});
