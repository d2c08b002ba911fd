import { assertEquals } from "@std/assert";
import { PageModel, type PageRace } from "../../../src/gateway/page/model.ts";

const CLOCK = {
  genesisTime: 1_000_000,
  slotDurationMs: 12_000,
  slotsPerEpoch: 8,
  attestationDueMs: 4000,
  aggregateDueMs: 8000,
};

function modelWith(slots: readonly (readonly [slot: number, root: string])[]) {
  const model = new PageModel();
  model.clock = CLOCK;
  for (const [slot, root] of slots) addHead(model, slot, root);
  return model;
}

function addHead(model: PageModel, slot: number, root: string): void {
  model.addEvent(
    `e-${model.events.length}-${slot}`,
    "head",
    JSON.stringify({
      slot: String(slot),
      block: root,
      previous_duty_dependent_root: "0xp",
      current_duty_dependent_root: "0xc",
    }),
    model.startOf(slot) + 500,
  );
}

function race(slot: number, root: string, rest: Partial<PageRace>): PageRace {
  return {
    topic: "head",
    slot,
    root,
    first: "a",
    firstAt: CLOCK.genesisTime + slot * CLOCK.slotDurationMs + 1000,
    lags: { a: 0 },
    missing: [],
    ...rest,
  };
}

function kinds(model: PageModel, from: number, to: number, slot: number) {
  return model.slots(from, to, model.events.length, model.startOf(slot) + 1)
    .map(({ kind }) => kind);
}

Deno.test("PageModel.slots() separates missed slots from those that it does not know and that are to come", () => {
  const model = modelWith([[3, "0x3"], [5, "0x5"]]);
  assertEquals(kinds(model, 2, 7, 6), [
    "unknown",
    "early",
    "missed",
    "early",
    "waiting",
    "future",
  ]);
});

Deno.test("PageModel.slots() calls a head late from the attestation deadline on", () => {
  const model = modelWith([[3, "0x3"], [4, "0x4"]]);
  model.addRaces([
    race(3, "0x3", { firstAt: model.startOf(3) + 3999 }),
    race(4, "0x4", { firstAt: model.startOf(4) + 4000 }),
  ]);
  assertEquals(
    model.slots(3, 4, 2, model.startOf(5)).map(({ kind, delayMs }) => [
      kind,
      delayMs,
    ]),
    [["early", 3999], ["late", 4000]],
  );
});

Deno.test("PageModel.slots() marks the blocks that a reorg left, and only those", () => {
  const model = modelWith([[3, "0x3"], [4, "0x4"], [5, "0x5"]]);
  for (
    const [root, parent] of [["0x4", "0x3"], ["0x5", "0x3"], ["0x3", "0x2"]]
  ) model.parents.set(root!, parent!);
  model.addEvent(
    "r",
    "chain_reorg",
    JSON.stringify({
      slot: "5",
      depth: "2",
      old_head_block: "0x4",
      new_head_block: "0x5",
    }),
    0,
  );
  assertEquals(kinds(model, 3, 5, 6), ["early", "reorged", "early"]);
});

Deno.test("PageModel.slots() shows the ring as it was after fewer events", () => {
  const model = modelWith([[3, "0x3"], [4, "0x4"]]);
  const [, view] = model.slots(3, 4, 1, model.startOf(4) + 1);
  assertEquals(view!.kind, "waiting");
});

Deno.test("PageModel.addEvent() takes an event once and keeps a bounded number", () => {
  const model = new PageModel(2);
  for (const id of ["a", "b", "b", "c"]) model.addEvent(id, "head", "{}", 0);
  assertEquals(model.events.map(({ id }) => id), ["b", "c"]);
});

Deno.test("PageModel.addEvent() takes all events of one position", () => {
  const model = new PageModel();
  model.addEvent("a", "block", "{}", 0);
  model.addEvent("a", "head", "{}", 0);
  model.addEvent("a", "head", `{"slot":"1"}`, 0);
  assertEquals(model.events.length, 3);
});

Deno.test("PageModel.addEvent() keeps a payload that is no JSON for the raw tail", () => {
  const model = new PageModel();
  model.addEvent("a", "head", "<b>", 0);
  model.addEvent("b", "head", "null", 0);
  assertEquals(model.events.map(({ raw, slot }) => [raw, slot]), [
    ["<b>", undefined],
    ["null", undefined],
  ]);
  model.clock = CLOCK;
  assertEquals(model.changes(2), []);
});

Deno.test("PageModel.lag() gives percentiles, the share of firsts, and the last head of a node", () => {
  const model = modelWith([]);
  model.addRaces([
    race(1, "0x1", { lags: { a: 0, b: 40 } }),
    race(2, "0x2", { lags: { a: 0, b: 10 } }),
    race(3, "0x3", { lags: { b: 0 }, first: "b", missing: ["a"] }),
  ]);
  const { sorted, p50, p95, firstShare, headRoot } = model.lag("b");
  assertEquals([sorted, p50, p95, firstShare, headRoot], [
    [0, 10, 40],
    10,
    40,
    1 / 3,
    "0x3",
  ]);
  assertEquals(model.lag("a").headRoot, "0x2");
});

Deno.test("PageModel.changes() reports reorgs, changed duties, gaps and checkpoints, the latest first", () => {
  const model = modelWith([[3, "0x3"]]);
  model.addEvent(
    "d",
    "head",
    JSON.stringify({
      slot: "4",
      block: "0x4",
      previous_duty_dependent_root: "0xother",
      current_duty_dependent_root: "0xc",
    }),
    0,
  );
  model.addEvent(
    "g",
    "gap",
    JSON.stringify({
      from: "1",
      to: "2",
      topics: ["head"],
      reason: "reconnect",
    }),
    0,
  );
  model.addEvent(
    "f",
    "finalized_checkpoint",
    JSON.stringify({ epoch: "1", block: "0x1" }),
    0,
  );
  assertEquals(model.changes(9).map(({ kind, text }) => [kind, text]), [
    ["finalized", "Epoch 1 is finalized at 0x1."],
    ["gap", "Slots 1 to 2: events of head may be missing (reconnect)."],
    ["duties", "Slot 4: the duties of epoch 0 changed."],
  ]);
});

Deno.test("PageModel.branches() puts a side branch into a lane of its own, with the nodes at its head", () => {
  const model = modelWith([[3, "0x3"], [4, "0x4"], [5, "0x5"]]);
  for (const [root, parent] of [["0x4", "0x3"], ["0x5", "0x3"]]) {
    model.parents.set(root!, parent!);
  }
  model.nodes = ["a", "b"].map((name) => ({
    name,
    state: "connected",
    topics: [],
    missingTopics: [],
    reconnects: 0,
    gaps: 0,
  }));
  model.addRaces([
    race(4, "0x4", { lags: { a: 0, b: 5 } }),
    race(5, "0x5", { lags: { a: 0 } }),
  ]);
  assertEquals(
    model.branches(32, 3).map(({ root, lane, nodes }) => [root, lane, nodes]),
    [["0x3", 0, []], ["0x4", 1, ["b"]], ["0x5", 0, ["a"]]],
  );
});

Deno.test("PageModel.branches() takes a new head for a child of the head before until its parent is known", () => {
  const model = modelWith([[3, "0x3"], [4, "0x4"]]);
  const lanes = () =>
    model.branches(32, 9).map(({ root, parent, lane }) => [root, parent, lane]);
  model.parents.set("0x4", "0x3");
  addHead(model, 5, "0x5");
  assertEquals(lanes(), [
    ["0x3", undefined, 0],
    ["0x4", "0x3", 0],
    ["0x5", "0x4", 0],
  ]);
  model.parents.set("0x5", "0x3");
  assertEquals(lanes(), [
    ["0x3", undefined, 0],
    ["0x4", "0x3", 1],
    ["0x5", "0x3", 0],
  ]);
});

Deno.test("PageModel.branches() holds as many slots as it is to, a block before its head included", () => {
  const model = modelWith([[3, "0x3"], [4, "0x4"]]);
  model.addEvent("b", "block", `{"slot":"5","block":"0x5"}`, 0);
  assertEquals(model.branches(2, 9).map(({ slot }) => slot), [4, 5]);
});
