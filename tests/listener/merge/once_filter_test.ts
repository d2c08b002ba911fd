import { assert, assertEquals } from "@std/assert";
import { OnceFilter } from "../../../src/listener/merge/once_filter.ts";

const TOPICS = [
  "head",
  "block",
  "block_gossip",
  "single_attestation",
  "attester_slashing",
];

Deno.test("OnceFilter.accepts() takes the first node's word and no other's", () => {
  const once = new OnceFilter({ size: 3 }, TOPICS);
  assertEquals(
    ["1", "0", "2"].map((node) => once.accepts(node, "head", "7", 0, true)),
    [
      true,
      false,
      false,
    ],
  );
});

Deno.test("OnceFilter.accepts() takes a head that comes back, once for all nodes", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  const said: [string, string][] = [["0", "A"], ["1", "A"], ["0", "B"], [
    "0",
    "A",
  ], [
    "1",
    "B",
  ], ["1", "A"]];
  assertEquals(
    said.map(([node, head]) => once.accepts(node, "head", head, 0, true)),
    [
      true,
      false,
      true,
      true,
      false,
      false,
    ],
  );
});

Deno.test("OnceFilter.accepts() tells topics apart", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  assertEquals(once.accepts("0", "block", "7", 0, true), true);
  assertEquals(once.accepts("1", "block_gossip", "7", 0, true), true);
  assertEquals(once.accepts("1", "block", "7", 0, true), false);
});

for (
  const { nodes, everyMs, capacity } of [
    { nodes: 2, everyMs: 12_000, capacity: 2048 },
    { nodes: 2, everyMs: 1, capacity: 65_536 },
    { nodes: 64, everyMs: 1, capacity: 16_384 },
    { nodes: 1000, everyMs: 1, capacity: 2048 },
  ]
) {
  Deno.test(`OnceFilter.accepts() remembers ${capacity} identities of a topic for ${nodes} nodes, one every ${everyMs} ms`, () => {
    const once = new OnceFilter({ size: nodes }, TOPICS);
    for (let number = 0; number <= capacity; number++) {
      assert(once.accepts("0", "head", `${number}`, number * everyMs, true));
    }
    const end = capacity * everyMs;
    assertEquals(once.accepts("1", "head", "1", end, true), false);
    assertEquals(once.accepts("1", "head", "0", end, true), true);
  });
}

Deno.test("OnceFilter.accepts() keeps its counts when it grows", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  const say = (node: string, identity: string) =>
    once.accepts(node, "head", identity, 0, true);
  for (let number = 0; number < 2100; number++) {
    for (let times = 0; times <= number % 3; times++) {
      assert(say("0", `${number}`));
    }
  }
  for (let number = 0; number < 2100; number++) {
    for (let times = 0; times <= number % 3; times++) {
      assertEquals(say("1", `${number}`), false);
    }
    assert(say("1", `${number}`));
    assertEquals(say("0", `${number}`), false);
  }
});

Deno.test("OnceFilter.accepts() knows the attestations of a slot when a node sends them a slot late", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  const slot = (node: string, slot: number, receivedAt: number) =>
    Array.from(
      { length: 28_000 },
      (_, index) =>
        once.accepts(
          node,
          "single_attestation",
          `${slot} ${index}`,
          receivedAt,
          false,
        ),
    ).filter(Boolean).length;
  assertEquals(slot("0", 7, 84_000), 28_000);
  assertEquals(slot("0", 8, 96_000), 28_000);
  assertEquals(slot("1", 7, 96_000), 0);
  assertEquals(slot("1", 8, 108_000), 0);
});

Deno.test("OnceFilter.accepts() does not forget a head over a slot of attestations", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  assertEquals(once.accepts("0", "head", "7", 0, true), true);
  for (let index = 0; index < 30_000; index++) {
    once.accepts("0", "single_attestation", `${index}`, 0, true);
  }
  assertEquals(once.accepts("1", "head", "7", 0, true), false);
});

Deno.test("OnceFilter.accepts() tells long identities apart without keeping them", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  const long = "x".repeat(100_000);
  assertEquals(
    once.accepts("0", "attester_slashing", `${long}a`, 0, true),
    true,
  );
  assertEquals(
    once.accepts("1", "attester_slashing", `${long}b`, 0, true),
    true,
  );
  assertEquals(
    once.accepts("1", "attester_slashing", `a${long}`, 0, true),
    true,
  );
  assertEquals(
    once.accepts("1", "attester_slashing", `${long}a`, 0, true),
    false,
  );
});

Deno.test("OnceFilter.accepts() loses nothing that a node says again and again", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  for (let times = 0; times < 70_000; times++) {
    assertEquals(once.accepts("0", "sync_state", "{}", 0, true), true);
  }
});

Deno.test("OnceFilter.accepts() takes what cannot happen again once, however often a node says it", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  const say = (node: string) => once.accepts(node, "block", "7", 0, false);
  assertEquals([say("0"), say("0"), say("1"), say("1")], [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("OnceFilter.accepts() remembers a bounded number of what nobody asked for", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  for (let number = 0; number <= 2048; number++) {
    assert(once.accepts("0", `made up ${number % 7}`, `${number}`, 0, true));
  }
  assertEquals(once.accepts("1", "made up 1", "1", 0, true), false);
  assert(once.accepts("1", "made up 0", "0", 0, true));
});

Deno.test("OnceFilter.repeats() counts no more than what was delivered", () => {
  const once = new OnceFilter({ size: 2 }, TOPICS);
  assertEquals(once.repeats("0", "head", "7"), false);
  assert(once.accepts("1", "head", "7", 0, true));
  assertEquals([1, 2, 3].map(() => once.repeats("0", "head", "7")), [
    true,
    true,
    true,
  ]);
  assert(once.accepts("0", "head", "7", 0, true));
});
