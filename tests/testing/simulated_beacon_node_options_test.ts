import {
  assertAlmostEquals,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import {
  SimulatedBeaconNode,
  type SimulatedBeaconNodeOptions,
} from "@org/beacon-sse/testing";
import { getJson } from "./still_node.ts";

const WRONG: [
  SimulatedBeaconNodeOptions,
  typeof RangeError | typeof TypeError,
][] = [
  [{ port: 65_536 }, RangeError],
  [{ port: -1 }, RangeError],
  [{ seed: -1 }, RangeError],
  [{ seed: 1.5 }, RangeError],
  [{ seed: "x" as unknown as number }, RangeError],
  [{ slotDurationMs: 0 }, RangeError],
  [{ slotDurationMs: NaN }, RangeError],
  [{ slotDurationMs: 86_400_001 }, RangeError],
  [{ slotsPerEpoch: 0 }, RangeError],
  [{ startSlot: -1 }, RangeError],
  [{ startSlot: 2 ** 50 }, RangeError],
  [{ genesisTime: 1_500 }, RangeError],
  [{ genesisTime: 1e15 }, RangeError],
  [{ emptySlotRate: 1.1 }, RangeError],
  [{ lateBlockRate: -0.1 }, RangeError],
  [{ reorgRate: NaN }, RangeError],
  [{ reorgRate: "1" as unknown as number }, TypeError],
  [{ maxReorgDepth: 1 }, RangeError],
  [{ attestationsPerSlot: 0.5 }, RangeError],
  [{ keepAliveMs: -1 }, RangeError],
  [{ maxQueuedEvents: 0 }, RangeError],
  [{ hostname: 7 as unknown as string }, TypeError],
  [{ topics: "head" as unknown as string[] }, TypeError],
];

for (const [options, errorClass] of WRONG) {
  const [[name, value]] = Object.entries(options) as [[string, unknown]];
  Deno.test(`SimulatedBeaconNode.start() refuses ${name} ${value}`, async () => {
    const error = await assertRejects(
      () => SimulatedBeaconNode.start(options),
      errorClass,
    );
    assertStringIncludes(error.message, name);
    assertStringIncludes(error.message, String(value));
  });
}

Deno.test("SimulatedBeaconNode() refuses options that are none", async () => {
  const none = null as never;
  const refusal = "options must be an object, got null";
  await assertRejects(
    () => SimulatedBeaconNode.start(none),
    TypeError,
    refusal,
  );
  await using node = await SimulatedBeaconNode.start({ autoplay: false });
  await assertRejects(() => node.produceBlock(none), TypeError, refusal);
  assertThrows(() => node.reorg(none), TypeError, refusal);
});

Deno.test("SimulatedBeaconNode.start() refuses both ways to place genesis", async () => {
  const options = { genesisTime: 1_000, startSlot: 3 };
  await assertRejects(
    () => SimulatedBeaconNode.start(options),
    TypeError,
    "startSlot",
  );
});

Deno.test("SimulatedBeaconNode.start() refuses a port that is taken", async () => {
  await using node = await SimulatedBeaconNode.start({ autoplay: false });
  const port = Number(new URL(node.url).port);
  await assertRejects(
    () => SimulatedBeaconNode.start({ port }),
    Deno.errors.AddrInUse,
  );
});

Deno.test("SimulatedBeaconNode.start() begins in the middle of a chain with a finalized past", async () => {
  const before = Date.now();
  await using node = await SimulatedBeaconNode.start({
    autoplay: false,
    slotDurationMs: 2_000,
  });
  assertEquals(node.genesisTime % 1_000, 0);
  const nextSlotAt = node.genesisTime + 101 * node.slotDurationMs;
  assertEquals(nextSlotAt >= before && nextSlotAt < Date.now() + 1_000, true);
  assertEquals(node.head.slot, 100);
  assertEquals(node.finalized.epoch, 10);
});

Deno.test("SimulatedBeaconNode.start() takes the genesis of a long chain", async () => {
  const genesisTime = 1_606_824_023_000;
  const options = {
    genesisTime,
    slotDurationMs: 12_000,
    slotsPerEpoch: 32,
    emptySlotRate: 0,
    reorgRate: 0,
  };
  await using node = await SimulatedBeaconNode.start({
    ...options,
    autoplay: false,
  });
  await using other = await SimulatedBeaconNode.start({
    ...options,
    autoplay: false,
  });
  assertAlmostEquals(node.head.slot, node.slot, 1);
  // A slot may begin between the two.
  const headers = `${other.url}/eth/v1/beacon/headers`;
  const { data } = await getJson(`${headers}/${node.head.slot}`);
  assertEquals(data.root, node.head.root);
});
