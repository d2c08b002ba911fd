import { assert, assertEquals } from "@std/assert";
import { hash } from "../../../src/values/digest.ts";
import { OnceFilter } from "../../../src/listener/merge/once_filter.ts";

const TOPICS = ["head", "block", "block_gossip", "single_attestation"];
const NODES = Array.from({ length: 3 }, (_, number) => ({ number }));

interface Reported {
  node?: number;
  topic?: string;
  key: string;
  stage?: number;
  extra?: string;
  at?: number;
  recurs?: boolean;
}

function reporter(once = new OnceFilter(TOPICS)) {
  const report = (
    { node = 0, topic = "head", key, stage = 1, extra = "", at = 0, recurs }:
      Reported,
  ) => ({
    node: NODES[node]!,
    topic,
    mark: { hash: hash(key), extra, stage },
    receivedAt: at,
    recurs: recurs ?? topic === "head",
  });
  return {
    add: (reported: Reported) => once.add(report(reported)),
    addLate: (reported: Reported) => once.addLate(report(reported)),
  };
}

/** What each of these reports is, in order. */
function novelties(...reports: Reported[]): string[] {
  return reports.map(reporter().add);
}

Deno.test("OnceFilter.add() delivers the first node's report and no other's", () => {
  assertEquals(
    novelties({ node: 1, key: "7" }, { key: "7" }, { node: 2, key: "7" }),
    ["new", "duplicate", "duplicate"],
  );
});

Deno.test("OnceFilter.add() delivers a head that comes back, once for all nodes", () => {
  assertEquals(
    novelties(
      { key: "A" },
      { node: 1, key: "A" },
      { key: "B" },
      { key: "A" },
      { node: 1, key: "B" },
      { node: 1, key: "A" },
    ),
    ["new", "duplicate", "new", "again", "duplicate", "duplicate"],
  );
});

Deno.test("OnceFilter.add() delivers once what a node repeats in a row", () => {
  assertEquals(
    novelties({ key: "A" }, { key: "A" }, { key: "B" }, { key: "B" }),
    ["new", "duplicate", "new", "duplicate"],
  );
});

Deno.test("OnceFilter.add() delivers what cannot recur once, however often a node reports it", () => {
  const topic = "block";
  assertEquals(
    novelties(
      { topic, key: "7" },
      { topic, key: "8" },
      { topic, key: "7" },
      { topic, node: 1, key: "7" },
    ),
    ["new", "new", "duplicate", "duplicate"],
  );
});

for (const topic of ["head", "block"]) {
  Deno.test(`OnceFilter.add() delivers a ${topic} again when it is verified, and never back`, () => {
    assertEquals(
      novelties(
        { topic, key: "7", stage: 0 },
        { topic, node: 1, key: "7", stage: 1 },
        { topic, node: 2, key: "7", stage: 0 },
        { topic, key: "7", stage: 1 },
      ),
      ["new", "again", "duplicate", "duplicate"],
    );
  });
}

Deno.test("OnceFilter.add() delivers an optimistic head that comes back after a verified one", () => {
  assertEquals(
    novelties({ key: "A" }, { key: "B" }, { key: "A", stage: 0 }),
    ["new", "new", "again"],
  );
});

Deno.test("OnceFilter.add() takes what a node verifies later for the same, though it reported others in between", () => {
  assertEquals(
    novelties(
      { key: "A" },
      { node: 1, key: "A", stage: 0 },
      { node: 1, key: "B" },
      { node: 1, key: "A", stage: 1 },
      { node: 1, key: "B" },
      { node: 1, key: "A", stage: 1 },
    ),
    ["new", "duplicate", "new", "duplicate", "again", "again"],
  );
});

Deno.test("OnceFilter.add() distinguishes reports by unknown members where both have some", () => {
  const topic = "block";
  assertEquals(
    novelties(
      { topic, key: "7", extra: "x" },
      { topic, node: 1, key: "7" },
      { topic, node: 1, key: "7", extra: "y" },
      { topic, node: 2, key: "7", extra: "y" },
    ),
    ["new", "duplicate", "new", "duplicate"],
  );
});

Deno.test("OnceFilter.add() distinguishes topics", () => {
  assertEquals(
    novelties(
      { topic: "block", key: "7" },
      { topic: "block_gossip", node: 1, key: "7" },
      { topic: "block", node: 1, key: "7" },
    ),
    ["new", "new", "duplicate"],
  );
});

for (
  const { nodes, everyMs, capacity } of [
    { nodes: 2, everyMs: 12_000, capacity: 2048 },
    { nodes: 2, everyMs: 1, capacity: 65_536 },
    { nodes: 64, everyMs: 1, capacity: 16_384 },
    { nodes: 1000, everyMs: 1, capacity: 2048 },
  ]
) {
  Deno.test(`OnceFilter.add() remembers ${capacity} heads of ${nodes} nodes, one every ${everyMs} ms`, () => {
    const once = new OnceFilter(TOPICS);
    const add = (node: object, key: string, receivedAt: number) =>
      once.add({
        node,
        topic: "head",
        mark: { hash: hash(key), extra: "", stage: 1 },
        receivedAt,
        recurs: true,
      });
    const first = {};
    for (let node = 1; node < nodes; node++) add({}, "none", 0);
    for (let number = 1; number <= capacity; number++) {
      assertEquals(add(first, `${number}`, number * everyMs), "new");
    }
    const end = capacity * everyMs;
    assertEquals(add({}, "1", end), "duplicate");
    assertEquals(add({}, "none", end), "new");
  });
}

Deno.test("OnceFilter.add() keeps its counts when it grows", () => {
  const { add } = reporter();
  const round = (node: number) => {
    for (let number = 0; number < 2100; number++) {
      add({ node, key: `${number}` });
    }
  };
  round(0);
  round(0);
  const again = (node: number, number: number) =>
    add({ node, key: `${number}` });
  round(1);
  for (let number = 0; number < 2100; number++) {
    assertEquals(again(1, number), "duplicate");
  }
  for (let number = 0; number < 2100; number++) {
    assertEquals(again(1, number), "again");
    assertEquals(again(0, number), "duplicate");
  }
});

Deno.test("OnceFilter.add() knows the attestations of a slot when a node sends them a slot late", () => {
  const { add } = reporter();
  const slot = (node: number, slot: number, at: number) =>
    Array.from(
      { length: 28_000 },
      (_, index) =>
        add({ node, topic: "single_attestation", key: `${slot} ${index}`, at }),
    ).filter((novelty) => novelty === "new").length;
  assertEquals(slot(0, 7, 84_000), 28_000);
  assertEquals(slot(0, 8, 96_000), 28_000);
  assertEquals(slot(1, 7, 96_000), 0);
  assertEquals(slot(1, 8, 108_000), 0);
});

Deno.test("OnceFilter.add() does not forget a head over a slot of attestations", () => {
  const { add } = reporter();
  assertEquals(add({ key: "7" }), "new");
  for (let index = 0; index < 30_000; index++) {
    add({ topic: "single_attestation", key: `${index}` });
  }
  assertEquals(add({ node: 1, key: "7" }), "duplicate");
});

Deno.test("OnceFilter.add() remembers a bounded number of what was not requested", () => {
  const { add } = reporter();
  const made = (number: number) => ({
    topic: `made up ${number % 7}`,
    key: `${number}`,
  });
  for (let number = 0; number <= 2048; number++) {
    assertEquals(add(made(number)), "new");
  }
  assertEquals(add({ ...made(1), node: 1 }), "duplicate");
  assertEquals(add({ ...made(0), node: 1 }), "new");
});

Deno.test("OnceFilter.addLate() counts no more than what was delivered", () => {
  const { add, addLate } = reporter();
  assertEquals(add({ node: 1, key: "7" }), "new");
  assertEquals(
    ["7", "8", "7", "9", "7"].map((key) => addLate({ key })),
    ["duplicate", "new", "duplicate", "new", "duplicate"],
  );
  assertEquals([add({ key: "8" }), add({ key: "7" })], ["again", "again"]);
});

Deno.test("OnceFilter.forget() forgets how often a removed node reported a head", () => {
  const once = new OnceFilter(TOPICS);
  const { add } = reporter(once);
  for (const key of ["A", "B", "A"]) add({ key });
  once.forget(NODES[0]!);
  assertEquals(
    ["A", "B", "A"].map((key) => add({ key })),
    ["duplicate", "duplicate", "duplicate"],
  );
  assert(once.has("head", { hash: hash("A"), extra: "", stage: 1 }));
});
