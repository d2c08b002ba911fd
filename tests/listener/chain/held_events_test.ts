import { assertEquals } from "@std/assert";
import type { BeaconEvent } from "@org/beacon-sse";
import { parseEventData } from "../../../src/beacon/events/beacon_event.ts";
import { mergeRecovered } from "../../../src/listener/chain/held_events.ts";
import { block, chainReorg, head } from "../scripted_node.ts";

function event(
  topic: string,
  payload: Record<string, unknown>,
  recovered?: true,
): BeaconEvent<string> {
  const raw = JSON.stringify(payload);
  return {
    topic,
    data: parseEventData<string>(topic, raw),
    raw,
    node: "a",
    receivedAt: 1,
    slot: Number(payload.slot),
    ...(recovered && { recovered }),
  };
}

const own = {
  block: (slot: number) => event("block", block(slot)),
  head: (slot: number) => event("head", head(slot)),
  reorg: (slot: number) => event("chain_reorg", chainReorg(slot, 2)),
  gossip: (slot: number) => event("block_gossip", block(slot)),
  other: () => {
    const { slot: _none, ...rest } = event("sync_state", {});
    return rest as BeaconEvent<string>;
  },
};
const found = {
  block: (slot: number) => event("block", block(slot), true),
  head: (slot: number) => event("head", head(slot), true),
  reorg: (slot: number) => event("chain_reorg", chainReorg(slot, 2), true),
};

function merged(
  held: BeaconEvent<string>[],
  recovered: BeaconEvent<string>[],
): string[] {
  return mergeRecovered(held, recovered).map((
    { topic, slot, recovered },
  ) => `${recovered ? "+" : ""}${topic} ${slot}`);
}

Deno.test("mergeRecovered() puts what was missed in front of what came meanwhile", () => {
  assertEquals(
    merged([own.gossip(12), own.block(12), own.head(12)], [
      found.block(10),
      found.block(11),
      found.head(11),
    ]),
    ["+block 10", "+block 11", "block_gossip 12", "block 12", "head 12"],
  );
});

Deno.test("mergeRecovered() puts what the node dropped between what it did not", () => {
  assertEquals(
    merged([own.block(10), own.head(10), own.block(13)], [
      found.block(11),
      found.block(12),
      found.head(12),
    ]),
    ["block 10", "head 10", "+block 11", "+block 12", "+head 12", "block 13"],
  );
});

Deno.test("mergeRecovered() leaves out what is there already, and heads that later ones follow", () => {
  assertEquals(
    merged([own.head(10), own.block(10), own.reorg(11), own.head(11)], [
      found.block(10),
      found.block(11),
      found.reorg(11),
      found.head(11),
    ]),
    ["head 10", "block 10", "+block 11", "chain_reorg 11", "head 11"],
  );
});

Deno.test("mergeRecovered() puts a block first, then the reorg to it, then the head", () => {
  assertEquals(
    merged([], [found.head(11), found.reorg(11), found.block(11)]),
    ["+block 11", "+chain_reorg 11", "+head 11"],
  );
  assertEquals(
    merged([own.head(11)], [found.reorg(11), found.block(11)]),
    ["+block 11", "+chain_reorg 11", "head 11"],
  );
});

Deno.test("mergeRecovered() keeps the order of the node's own, whatever their slots", () => {
  assertEquals(
    merged([own.head(12), own.other(), own.gossip(9), own.block(12)], [
      found.block(11),
    ]),
    [
      "+block 11",
      "head 12",
      "sync_state undefined",
      "block_gossip 9",
      "block 12",
    ],
  );
});
