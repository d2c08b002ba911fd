import { assert, assertEquals, assertMatch } from "@std/assert";
import { SlotClock } from "../../src/beacon/slot_clock.ts";
import { PrettyPrinter } from "../../src/cli/pretty_line.ts";
import { GENESIS, makeEvent, root } from "./make_event.ts";

const clock = new SlotClock({
  genesisTime: GENESIS,
  slotsPerEpoch: 32,
  eras: [{ epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 }],
});
const plain = new PrettyPrinter({
  color: false,
  nodes: ["a"],
  topics: ["head", "chain_reorg", "block"],
});
const colored = new PrettyPrinter({
  color: true,
  nodes: ["a"],
  topics: ["head"],
});
const head = makeEvent("head", {
  slot: 70,
  block: root("abcd"),
  state: root("0002"),
  epoch_transition: false,
  execution_optimistic: false,
}, { slot: 70 });
const reorg = makeEvent("chain_reorg", {
  slot: 70,
  depth: 7,
  old_head_block: root("0001"),
  new_head_block: root("0002"),
  epoch: 2,
}, { slot: 70 });

Deno.test("PrettyPrinter.format() aligns time, slot, epoch, delay, topic and root", () => {
  assertEquals(
    plain.format(head, clock, 0.412),
    "03:18:05.412        70  2:06        +0.412s  head         0x1234…abcd",
  );
});

Deno.test("PrettyPrinter.format() leaves epoch and delay blank before the clock is known", () => {
  assertEquals(
    plain.format(head, undefined, undefined),
    "03:18:05.412        70                       head         0x1234…abcd",
  );
});

Deno.test("PrettyPrinter.format() shows the node where there are several", () => {
  const printer = new PrettyPrinter({
    color: false,
    nodes: ["a", "bbbb"],
    topics: ["head"],
  });
  const event = makeEvent("block_gossip", { slot: 70, block: root("abcd") }, {
    slot: 70,
    node: "a",
  });
  assertEquals(
    printer.format(event, clock, 12.5),
    "03:18:05.412        70  2:06       +12.500s  block_gossip  a     0x1234…abcd",
  );
});

Deno.test("PrettyPrinter.format() shows a reorg with depth, epoch and both heads", () => {
  assertEquals(
    plain.format(reorg, clock, 0.5),
    "03:18:05.412        70  2:06        +0.500s  chain_reorg  REORG depth 7 from epoch 1: 0x1234…0001 → 0x1234…0002",
  );
});

Deno.test("PrettyPrinter.format() colours the whole line of a reorg", () => {
  const line = plain.format(reorg, clock, 0.5);
  const printer = new PrettyPrinter({
    color: true,
    nodes: ["a"],
    topics: ["chain_reorg"],
  });
  assertEquals(printer.format(reorg, clock, 0.5), `\x1b[1;31m${line}\x1b[0m`);
});

Deno.test("PrettyPrinter.format() colours a delay by the attestation deadline", () => {
  const codes = [[0, 32], [3.998, 32], [3.999, 33], [7.997, 33], [7.998, 31], [
    12,
    31,
  ], [-0.1, 31]];
  for (const [delay, code] of codes) {
    const line = colored.format(head, clock, delay);
    assert(line.includes(`\x1b[${code}m`), `${delay}`);
  }
});

Deno.test("PrettyPrinter.format() writes no colours when they are off", () => {
  for (const event of [head, reorg]) {
    assert(!plain.format(event, clock, 12).includes("\x1b"));
  }
});

Deno.test("PrettyPrinter.format() tells epoch transitions, optimistic heads and recoveries", () => {
  const event = makeEvent("head", {
    slot: 64,
    block: root("abcd"),
    epoch_transition: true,
    execution_optimistic: true,
  }, { slot: 64, recovered: true });
  assertMatch(
    plain.format(event, clock, 1),
    /head {9}0x1234…abcd, epoch transition, optimistic \(recovered\)$/,
  );
});

Deno.test("PrettyPrinter.format() shows the payload status of a head_v2", () => {
  const data = {
    slot: 70,
    block: root("abcd"),
    epoch_transition: false,
    execution_optimistic: false,
    payload_status: "empty",
  };
  const event = makeEvent("head_v2", { version: "gloas", data }, { slot: 70 });
  assertMatch(plain.format(event, clock, 1), /0x1234…abcd, payload empty$/);
});

Deno.test("PrettyPrinter.format() shows a finalized checkpoint with its epoch", () => {
  const data = {
    block: root("abcd"),
    state: root("0001"),
    epoch: 3,
    execution_optimistic: false,
  };
  const line = plain.format(
    makeEvent("finalized_checkpoint", data),
    clock,
    undefined,
  );
  assertMatch(line, /finalized_checkpoint {2}finalized epoch 3: 0x1234…abcd$/);
});

Deno.test("PrettyPrinter.format() shows an excerpt of an unknown topic", () => {
  const data = { root: root("abcd"), list: [1, 2], text: "x".repeat(500) };
  const line = plain.format(makeEvent("new_topic", data), clock, undefined);
  assertMatch(
    line,
    /new_topic {4}\{"root":"0x1234…abcd","list":\[1,2\],"text":"x+…$/,
  );
  assert(line.length < 190);
});

Deno.test("PrettyPrinter.format() lets no control character of a node through", () => {
  const evil = '\x1b[2J\r\n\u009b\u2028\u202e{"x":"\u0000"}';
  for (const topic of ["head", "new_topic", evil]) {
    const event = makeEvent(topic, { block: evil, slot: 70 }, {
      raw: evil,
      node: evil,
    });
    const printer = new PrettyPrinter({
      color: false,
      nodes: ["a", "b"],
      topics: ["head"],
    });
    assert(
      !/[\p{Cc}\u2028\u202e]/u.test(
        printer.format(event, clock, 1),
      ),
    );
  }
});
