/** What the listener's events show to be missing for a gateway's readers. */

import { assertEquals } from "@std/assert";
import { parseEventData } from "@org/beacon-sse";
import {
  MissingEvents,
  type MissingEventsOptions,
} from "../../src/gateway/events/missing_events.ts";

type Nodes = ReturnType<MissingEventsOptions["access"]["nodes"]>;

/** Nodes by name: whether each has everything, and up to which slot. */
function missingEvents(
  states: Record<string, [isComplete: boolean, completeSlot?: number]>,
  startSlot = 100,
): MissingEvents {
  const nodes = Object.entries(states).map((
    [name, [isComplete, completeSlot]],
  ) => ({
    endpoint: { name },
    isComplete,
    completeSlot,
    snapshot: () => ({ reconnects: 0 }),
  }));
  return new MissingEvents({
    access: {
      nodes: () => nodes as unknown as Nodes,
      topics: ["head", "chain_reorg", "block", "block_gossip"],
    },
    startSlot: () => startSlot,
  });
}

/** A `block_gossip`, a `block` or a `head`. */
function event(
  topic: "block_gossip" | "block" | "head",
  slot: number,
  { node = "a", recovered = false } = {},
) {
  const root = `0x${slot.toString(16).padStart(64, "0")}`;
  const raw = JSON.stringify({
    slot: String(slot),
    block: root,
    state: root,
    epoch_transition: false,
    previous_duty_dependent_root: root,
    current_duty_dependent_root: root,
    execution_optimistic: false,
  });
  return {
    topic,
    slot,
    raw,
    data: parseEventData(topic, raw),
    node,
    receivedAt: 0,
    ...(recovered && { recovered: true as const }),
  };
}

const TOPICS = ["head", "chain_reorg", "block"];

Deno.test("MissingEvents() reports what a node's open recovery has not found before the node's next event", () => {
  const missing = missingEvents({ a: [false, 103] });
  const reason = "it may still be recovered";
  assertEquals(missing.before(event("block", 107)), [
    { from: 104, to: 106, topics: TOPICS, reason },
  ]);
  assertEquals(missing.before(event("head", 107)), []);
  assertEquals(missing.before(event("block", 108)), []);
});

Deno.test("MissingEvents() reports everything since the start where no node has had a head", () => {
  const missing = missingEvents({ a: [false], b: [false] });
  const [gap] = missing.before(event("head", 104));
  assertEquals([gap!.from, gap!.to], [100, 103]);
});

Deno.test("MissingEvents() reports no gap where the node has everything", () => {
  const missing = missingEvents({ a: [true, 103], b: [false, 90] });
  assertEquals(missing.before(event("block", 107)), []);
});

Deno.test("MissingEvents() reports no gap where another node has what is missing", () => {
  const missing = missingEvents({ a: [false, 90], b: [true, 106] });
  assertEquals(missing.before(event("block", 107)), []);
});

Deno.test("MissingEvents() reports no gap before what is recovered", () => {
  const missing = missingEvents({ a: [false, 103] });
  assertEquals(missing.before(event("head", 107, { recovered: true })), []);
});

Deno.test("MissingEvents() reports the heads between those that are recovered", () => {
  const missing = missingEvents({ a: [true, 110] });
  for (const slot of [104, 105, 106]) {
    missing.before(event("block", slot, { recovered: true }));
  }
  const reason = "of the heads that were missed only the last one is recovered";
  assertEquals(missing.before(event("head", 106, { recovered: true })), [
    { from: 104, to: 105, topics: ["head"], reason },
  ]);
  assertEquals(missing.before(event("head", 107)), []);
});

Deno.test("MissingEvents() reports no head as missing that came before its block was recovered", () => {
  const missing = missingEvents({ a: [true, 110] });
  missing.before(event("head", 104));
  missing.before(event("block", 104, { recovered: true }));
  assertEquals(missing.before(event("head", 105)), []);
});

Deno.test("MissingEvents() reports the head that was lost after its block had come", () => {
  const missing = missingEvents({ a: [true, 110] });
  missing.before(event("block", 104));
  missing.before(event("block", 105, { recovered: true }));
  const [gap] = missing.before(event("head", 105, { recovered: true }));
  assertEquals([gap?.from, gap?.to, gap?.topics], [104, 104, ["head"]]);
});

Deno.test("MissingEvents() reports no head of a block beside the chain where nothing is recovered", () => {
  const missing = missingEvents({ a: [true, 110] });
  missing.before(event("block", 104));
  assertEquals(missing.before(event("head", 105)), []);
  missing.before(event("block", 106, { recovered: true }));
  assertEquals(missing.before(event("head", 106, { recovered: true })), []);
});

Deno.test("MissingEvents() reports the gossip of a block that is recovered without it", () => {
  const missing = missingEvents({ a: [true, 110] });
  missing.before(event("block_gossip", 104));
  assertEquals(missing.before(event("block", 104, { recovered: true })), []);
  assertEquals(missing.before(event("block", 105, { recovered: true })), [{
    from: 105,
    to: 105,
    topics: ["block_gossip"],
    reason: "gossip is not recovered",
  }]);
});

Deno.test("MissingEvents() reports the gossip of a block that came as its node's connection began", () => {
  const missing = missingEvents({ a: [true, 110] });
  missing.before(event("block_gossip", 104), 104);
  assertEquals(missing.before(event("block", 104), 104), []);
  const [gap] = missing.before(event("block", 105), 105);
  assertEquals([gap?.from, gap?.topics], [105, ["block_gossip"]]);
  assertEquals(missing.before(event("block", 106), 105), []);
});

Deno.test("MissingEvents() reports no gossip of the slot of the gateway's start", () => {
  const missing = missingEvents({ a: [true, 110] });
  assertEquals(missing.before(event("block", 100), 100), []);
});

Deno.test("MissingEvents() reports no gossip that a gap of a node has reported", () => {
  const missing = missingEvents({ a: [true, 110] });
  missing.addGap({ from: 103, to: 105, topics: ["block_gossip"], reason: "" });
  assertEquals(missing.before(event("block", 104, { recovered: true })), []);
  const [gap] = missing.before(event("block", 106, { recovered: true }));
  assertEquals(gap?.from, 106);
});

Deno.test("MissingEvents() knows what is recovered late from before the start", () => {
  const missing = missingEvents({ a: [true, 110] });
  const late = event("block", 100, { recovered: true });
  assertEquals(missing.isOfBefore(late, 110), true);
  assertEquals(missing.isOfBefore(late, 101), false);
  assertEquals(missing.isOfBefore(event("block", 100), 110), false);
  const later = event("block", 101, { recovered: true });
  assertEquals(missing.isOfBefore(later, 110), false);
});

Deno.test("MissingEvents() takes what fills a gap that was reported, however late", () => {
  const missing = missingEvents({ a: [false] });
  missing.before(event("block", 104));
  const late = event("block", 100, { recovered: true });
  assertEquals(missing.isOfBefore(late, 110), false);
});
