/** What a reader that changes gateways has already, and what its own position says of it. */

import { assert, assertEquals } from "@std/assert";
import { eventIdentity, parseEventData } from "@org/beacon-sse";
import { HadEvents } from "../../src/gateway/events/had_events.ts";
import { OwnPosition } from "../../src/gateway/events/own_position.ts";
import { NO_DIGEST, parsePosition } from "../../src/gateway/events/position.ts";
import {
  digestForm,
  SlotDigests,
} from "../../src/gateway/events/slot_digest.ts";

const TOPICS = ["head", "chain_reorg", "block", "block_gossip"];
const ROOT = `0x${"ab".repeat(32)}`;
const OLD = `0x${"cd".repeat(32)}`;

/** An event as a gateway has it. */
function event(topic: string, slot: number, root = ROOT) {
  return { identity: `${topic}/${slot}/${root}`, ownSlot: slot, slot };
}

/** The digests of a reader that has these events, at a slot. */
function digestsOf(slot: number, events: readonly ReturnType<typeof event>[]) {
  const digests = new SlotDigests(1);
  for (const { identity, ownSlot } of events) {
    digests.moveTo(ownSlot);
    digests.add(ownSlot, digestForm(identity));
  }
  digests.moveTo(slot);
  return digests.value;
}

Deno.test("HadEvents() finds out from a block's root alone what a reader has of its slot", () => {
  const had = [event("block_gossip", 9), event("block", 9)];
  const events = new HadEvents(9, digestsOf(9, had), TOPICS);
  // This gateway is behind: the first that it receives of the block is the first of all.
  assert(events.take(event("block_gossip", 9)));
  assert(events.take(event("block", 9)));
  assert(!events.take(event("head", 9)));
});

Deno.test("HadEvents() knows what is optimistic from what is verified", () => {
  const optimistic = event("head", 9, `${ROOT}/stage-0`);
  const events = new HadEvents(9, digestsOf(9, [optimistic]), TOPICS);
  assert(!events.take(event("head", 9)));
  assert(events.take(optimistic));
});

Deno.test("HadEvents() finds the events of the slot before, which may come late", () => {
  const had = [event("block", 8), event("block", 9, OLD)];
  const events = new HadEvents(9, digestsOf(9, had), TOPICS);
  assert(events.take(event("block", 8)));
  assert(!events.take(event("head", 8)));
});

Deno.test("HadEvents() has everything of earlier slots, and nothing of later ones", () => {
  const events = new HadEvents(9, digestsOf(9, []), TOPICS);
  assert(events.take(event("block", 7)));
  assert(!events.take(event("block", 10)));
});

Deno.test("HadEvents() has a slot before that the gateway did not follow", () => {
  const events = new HadEvents(9, [NO_DIGEST, 0], TOPICS);
  assert(events.take(event("block", 8)));
});

Deno.test("HadEvents() takes a head that comes again for another one", () => {
  const heads = [event("head", 9), event("head", 9, OLD)];
  const events = new HadEvents(9, digestsOf(9, heads), TOPICS);
  heads.forEach((head) => events.learn(head));
  assert(heads.every((head) => events.take(head)));
  assert(!events.take(event("head", 9)));
});

Deno.test("HadEvents() takes one of two equal events where the reader has one", () => {
  const events = new HadEvents(9, digestsOf(9, [event("head", 9)]), TOPICS);
  events.learn(event("head", 9));
  events.learn(event("head", 9));
  assert(events.take(event("head", 9)));
  assert(!events.take(event("head", 9)));
});

Deno.test("HadEvents() finds a reorg whatever head it left", () => {
  const reorg = event("chain_reorg", 9, `${OLD}/${ROOT}`);
  const had = [event("block", 9), reorg, event("head", 9)];
  const events = new HadEvents(9, digestsOf(9, had), TOPICS);
  assert(events.take(event("block", 9)));
  assert(events.take(reorg));
});

Deno.test("HadEvents() makes events' forms as their identities are", () => {
  const payload = (topic: "block" | "block_gossip") =>
    JSON.stringify({
      slot: "9",
      block: ROOT,
      ...(topic === "block" && { execution_optimistic: true }),
    });
  for (const topic of ["block", "block_gossip"] as const) {
    const raw = payload(topic);
    const data = parseEventData(topic, raw);
    const identity = eventIdentity(
      { topic, data, raw, node: "a", receivedAt: 0 },
    );
    const had = { identity, ownSlot: 9, slot: 9 };
    const events = new HadEvents(9, digestsOf(9, [had]), TOPICS);
    events.learnBlock(9, ROOT);
    assert(events.has(topic, 9, ROOT), identity);
  }
});

Deno.test("SlotDigests() counts an event by its own slot, however late it comes", () => {
  const early = new SlotDigests(8);
  early.add(8, "block/8/a");
  early.moveTo(9);
  const late = new SlotDigests(8);
  late.moveTo(9);
  late.add(8, "block/8/a");
  assertEquals(late.value, early.value);
  late.add(7, "block/7/a");
  assertEquals(late.value, early.value);
});

Deno.test("OwnPosition() counts an event of a later slot once the reader has come to that slot", () => {
  const own = new OwnPosition("run", 8, [0, 0]);
  own.add(10, event("block", 10).identity);
  assertEquals(parsePosition(own.id).digests, [0, 0]);
  own.moveTo(10);
  assertEquals(
    parsePosition(own.id).digests,
    digestsOf(10, [event("block", 10)]),
  );
  assertEquals(own.until, 10);
});

Deno.test("HadEvents() knows no gap that ends with the reader's slot, though it was reported in the slot before", () => {
  const events = new HadEvents(9, digestsOf(9, []), TOPICS);
  const gap = { identity: undefined, ownSlot: undefined, slot: 8 };
  assert(events.take({ ...gap, gapTo: 8 }));
  assert(!events.take({ ...gap, gapTo: 9 }));
});
