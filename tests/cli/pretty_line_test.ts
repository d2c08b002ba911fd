import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { type BeaconEvent, KNOWN_TOPICS } from "@org/beacon-sse";
import { SlotClock } from "../../src/beacon/slot_clock.ts";
import {
  PrettyPrinter,
  type PrettyPrinterOptions,
} from "../../src/cli/pretty_line.ts";
import { GENESIS, makeEvent, root } from "./make_event.ts";

const clock = new SlotClock({
  genesisTime: GENESIS,
  slotsPerEpoch: 32,
  eras: [{ epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 }],
});
/** Prints events as a terminal of a width shows them, or a file. */
function print(
  events: BeaconEvent | BeaconEvent[],
  { delay = 0.412, known = true, ...options }: Partial<
    PrettyPrinterOptions & { delay: number | undefined; known: boolean }
  > = {},
): string[] {
  const printer = new PrettyPrinter({
    color: false,
    width: () => Infinity,
    nodes: ["a"],
    topics: ["head", "chain_reorg", "block", "block_gossip"],
    ...options,
  });
  return [events].flat().flatMap((event) =>
    known
      ? printer.format(event, clock, event.slot && delay)
      : printer.format(event, undefined, undefined)
  );
}

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

Deno.test("PrettyPrinter.format() aligns time, slot, epoch, delay, topic and root below a header", () => {
  assertEquals(print([head, head]), [
    "TIME (UTC)        SLOT      EPOCH    DELAY  TOPIC         EVENT",
    "03:18:05.412        70       2+06   +0.412  head          0x1234…abcd",
    "03:18:05.412        70       2+06   +0.412  head          0x1234…abcd",
  ]);
});

Deno.test("PrettyPrinter.format() leaves epoch and delay blank before the clock is known", () => {
  assertEquals(
    print(head, { known: false })[1],
    "03:18:05.412        70                      head          0x1234…abcd",
  );
});

Deno.test("PrettyPrinter.format() shows the node where there are several", () => {
  const event = makeEvent("block_gossip", { slot: 70, block: root("abcd") }, {
    slot: 70,
    node: "a",
  });
  assertEquals(
    print(event, { nodes: ["a", "bbbb"], delay: 12.5 })[1],
    "03:18:05.412        70       2+06  +12.500  block_gossip  a     0x1234…abcd",
  );
});

const mainnet = makeEvent("head", {
  slot: 14_012_345,
  block: root("abcd"),
  epoch_transition: true,
  execution_optimistic: true,
}, { slot: 14_012_345, recovered: true });
const deepReorg = makeEvent("chain_reorg", {
  slot: 14_012_345,
  depth: 2,
  old_head_block: root("0001"),
  new_head_block: root("0002"),
}, { slot: 14_012_345 });
const unknown = makeEvent("new_topic", { root: root("abcd"), list: [1, 2] });

Deno.test("PrettyPrinter.format() fits a terminal of 80 columns", () => {
  assertEquals(print([mainnet, deepReorg, unknown], { width: () => 80 }), [
    "TIME (UTC)        SLOT      EPOCH    DELAY  TOPIC         EVENT",
    "03:18:05.412  14012345  437885+25   +0.412  head          0x1234…abcd, recovered",
    "03:18:05.412  14012345  437885+25   +0.412  chain_reorg   depth 2, epoch 437885",
    '03:18:05.412                                new_topic     {"root":…',
  ]);
});

Deno.test("PrettyPrinter.format() fits a terminal of 60 columns", () => {
  assertEquals(print([mainnet, deepReorg], { width: () => 60 }), [
    "UTC          SLOT   DELAY TOPIC        EVENT",
    "03:18:05 14012345  +0.412 head         0x1234…abcd",
    "03:18:05 14012345  +0.412 chain_reorg  depth 2, epoch 437885",
  ]);
});

Deno.test("PrettyPrinter.format() leaves out time and delay where a terminal of 40 columns has no room", () => {
  assertEquals(print([mainnet, deepReorg], { width: () => 40 }), [
    "    SLOT TOPIC        EVENT",
    "14012345 head         0x1234…abcd",
    "14012345 chain_reorg  depth 2",
  ]);
});

Deno.test("PrettyPrinter.format() never exceeds the width, whatever topics and nodes there are", () => {
  const nodes = ["http://validators-1.example.org:5052", "http://b:5052"];
  for (const topics of [["head"], [...KNOWN_TOPICS]]) {
    for (const width of [60, 80, 100, 120]) {
      for (const event of [mainnet, deepReorg, unknown]) {
        const lines = print({ ...event, node: nodes[0]! } as BeaconEvent, {
          width: () => width,
          nodes,
          topics,
          delay: -1234.5,
        });
        for (const line of lines) assert(line.length <= width, line);
      }
    }
  }
});

Deno.test("PrettyPrinter.format() cuts the names of nodes at their front, between words", () => {
  const nodes = ["http://127.0.0.1:5051", "http://127.0.0.1:5052"];
  const event = { ...head, node: nodes[1]! } as BeaconEvent;
  const [, line] = print(event, { width: () => 80, nodes });
  assertStringIncludes(line!, "  ….0.0.1:5052  ");
});

Deno.test("PrettyPrinter.format() prints the header again where the width has changed", () => {
  let width = 80;
  const printer = new PrettyPrinter({
    color: false,
    width: () => width,
    nodes: ["a"],
    topics: ["head"],
  });
  const lines = () => printer.format(head, clock, 1).length;
  const before = [lines(), lines()];
  width = 60;
  assertEquals([...before, lines(), lines()], [2, 1, 2, 1]);
});

Deno.test("PrettyPrinter.format() shows a reorg with depth, epoch and both heads", () => {
  assertEquals(
    print(reorg)[1],
    "03:18:05.412        70       2+06   +0.412  chain_reorg   depth 7, epoch 1, 0x1234…0001 → 0x1234…0002",
  );
});

Deno.test("PrettyPrinter.format() colours the whole line of a reorg", () => {
  const [, line] = print(reorg);
  assertEquals(
    print(reorg, { color: true })[1],
    `\x1b[1m\x1b[31m${line}\x1b[39m\x1b[22m`,
  );
});

Deno.test("PrettyPrinter.format() colours a delay by the attestation deadline", () => {
  const codes = [[0, 32], [3.998, 32], [3.999, 33], [7.997, 33], [7.998, 31], [
    12,
    31,
  ], [-0.1, 31]] as const;
  for (const [delay, code] of codes) {
    const [, line] = print(head, { color: true, delay });
    assertStringIncludes(line!, `\x1b[${code}m`);
  }
});

Deno.test("PrettyPrinter.format() shows epoch transitions, optimistic heads and recoveries", () => {
  assertMatch(
    print(mainnet)[1]!,
    /head {10}0x1234…abcd, recovered, new epoch, optimistic$/,
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
  assertMatch(print(event)[1]!, /0x1234…abcd, payload empty$/);
});

Deno.test("PrettyPrinter.format() shows a finalized checkpoint with its epoch", () => {
  const data = { block: root("abcd"), state: root("0001"), epoch: 3 };
  const topics = ["finalized_checkpoint"];
  const [, line] = print(makeEvent("finalized_checkpoint", data), { topics });
  assertMatch(line!, /finalized_checkpoint {2}epoch 3, 0x1234…abcd$/);
});

Deno.test("PrettyPrinter.format() shows an excerpt of an unknown topic", () => {
  const data = { root: root("abcd"), list: [1, 2], text: "x".repeat(500) };
  const [, line] = print(makeEvent("new_topic", data));
  assertMatch(
    line!,
    /new_topic {5}\{"root":"0x1234…abcd","list":\[1,2\],"text":"x+…$/,
  );
  assert(line!.length < 190);
});

Deno.test("PrettyPrinter.format() lets no control character of a node through", () => {
  const evil = '\x1b[2J\r\n\u009b\u2028\u202e{"x":"\u0000"}';
  for (const topic of ["head", "new_topic", evil]) {
    const event = makeEvent(topic, { block: evil, slot: 70 }, {
      raw: evil,
      node: evil,
    });
    const text = print(event, { nodes: ["a", "b"] }).join("");
    assert(!/[\p{Cc}\u2028\u202e]/u.test(text));
  }
});
