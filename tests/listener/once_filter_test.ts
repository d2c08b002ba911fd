import { assertEquals } from "@std/assert";
import { OnceFilter } from "../../src/listener/once_filter.ts";

Deno.test("OnceFilter.accepts() takes the first node's word and no other's", () => {
  const once = new OnceFilter(3);
  assertEquals([1, 0, 2].map((node) => once.accepts(node, "head", "7")), [
    true,
    false,
    false,
  ]);
});

Deno.test("OnceFilter.accepts() takes a head that comes back, once for all nodes", () => {
  const once = new OnceFilter(2);
  const said: [number, string][] = [[0, "A"], [1, "A"], [0, "B"], [0, "A"], [
    1,
    "B",
  ], [1, "A"]];
  assertEquals(said.map(([node, head]) => once.accepts(node, "head", head)), [
    true,
    false,
    true,
    true,
    false,
    false,
  ]);
});

Deno.test("OnceFilter.accepts() tells topics apart", () => {
  const once = new OnceFilter(2);
  assertEquals(once.accepts(0, "block", "7"), true);
  assertEquals(once.accepts(1, "block_gossip", "7"), true);
  assertEquals(once.accepts(1, "block", "7"), false);
});

for (
  const { nodes, capacity } of [
    { nodes: 2, capacity: 16_384 },
    { nodes: 1000, capacity: 2048 },
  ]
) {
  Deno.test(`OnceFilter.accepts() remembers ${capacity} identities of a topic for ${nodes} nodes`, () => {
    const once = new OnceFilter(nodes);
    for (let slot = 0; slot <= capacity; slot++) {
      assertEquals(once.accepts(0, "head", `${slot}`), true);
    }
    assertEquals(once.accepts(1, "head", "1"), false);
    assertEquals(once.accepts(1, "head", "0"), true);
  });
}

Deno.test("OnceFilter.accepts() knows the attestations of a slot when a node sends them a slot late", () => {
  const once = new OnceFilter(2);
  const slot = (node: number, slot: number) =>
    Array.from(
      { length: 28_000 },
      (_, index) =>
        once.accepts(node, "single_attestation", `${slot} ${index}`),
    );
  slot(0, 7);
  slot(0, 8);
  assertEquals(slot(1, 7).filter(Boolean).length, 0);
  assertEquals(slot(1, 8).filter(Boolean).length, 0);
});

Deno.test("OnceFilter.accepts() does not forget a head over a slot of attestations", () => {
  const once = new OnceFilter(2);
  assertEquals(once.accepts(0, "head", "7"), true);
  for (let index = 0; index < 30_000; index++) {
    once.accepts(0, "single_attestation", `${index}`);
  }
  assertEquals(once.accepts(1, "head", "7"), false);
});

Deno.test("OnceFilter.accepts() tells long identities apart without keeping them", () => {
  const once = new OnceFilter(2);
  const long = "x".repeat(100_000);
  assertEquals(once.accepts(0, "attester_slashing", `${long}a`), true);
  assertEquals(once.accepts(1, "attester_slashing", `${long}b`), true);
  assertEquals(once.accepts(1, "attester_slashing", `a${long}`), true);
  assertEquals(once.accepts(1, "attester_slashing", `${long}a`), false);
});

Deno.test("OnceFilter.accepts() loses nothing that a node says again and again", () => {
  const once = new OnceFilter(2);
  for (let times = 0; times < 70_000; times++) {
    assertEquals(once.accepts(0, "sync_state", "{}"), true);
  }
});
