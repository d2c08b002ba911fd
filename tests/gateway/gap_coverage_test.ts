/** Which gaps of nodes are gaps for a gateway's readers. */

import { assertEquals } from "@std/assert";
import { SlotClock } from "@org/beacon-sse";
import { GapCoverage } from "../../src/gateway/events/gap_coverage.ts";

const TOPICS = ["head", "block_gossip"];

const clock = new SlotClock({
  genesisTime: 0,
  eras: [{ epoch: 0, slotDurationMs: 1000, attestationDueBps: 3333 }],
  slotsPerEpoch: 32,
});

Deno.test("GapCoverage() reports lost gossip since the last event of a node that fell silent", () => {
  const coverage = new GapCoverage(() => clock, () => 5200);
  const node = "a";
  coverage.take({ type: "connected", node, at: 1000, topics: TOPICS });
  coverage.take({
    type: "disconnected",
    node,
    at: 10_000,
    reason: "idle",
    error: new Error("silent"),
    retryInMs: 1,
  });
  assertEquals(
    coverage.take({ type: "connected", node, at: 11_000, topics: TOPICS }),
    { from: 5, to: 11, topics: ["block_gossip"], reason: "reconnect" },
  );
});

Deno.test("GapCoverage() knows the slot in which a node's connection began", () => {
  const coverage = new GapCoverage(() => clock, () => undefined);
  assertEquals(coverage.since("a"), undefined);
  coverage.take({ type: "connected", node: "a", at: 7500, topics: TOPICS });
  assertEquals(coverage.since("a"), 7);
});
