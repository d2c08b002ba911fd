import { assertEquals, assertRejects } from "@std/assert";
import {
  FaultProxy,
  playFaults,
  randomFaults,
  type ScheduledFault,
  SimulatedBeaconNode,
} from "@org/beacon-sse/testing";
import { EventReader } from "./event_reader.ts";
import { readerOf, STILL } from "./still_node.ts";

const FAST = { ...STILL, slotDurationMs: 20 };

/** A schedule of one fault. */
function at(
  slot: number,
  slots: number,
  fault: ScheduledFault["fault"],
): ScheduledFault {
  return { slot, slots, fault };
}

Deno.test("playFaults() causes faults in their order, and heals them", async () => {
  await using node = await SimulatedBeaconNode.start(FAST);
  await using proxy = await FaultProxy.start({ target: node.url });
  const response = await fetch(`${proxy.url}/eth/v1/events?topics=head`);
  const schedule = [
    at(4, 1, { type: "disconnect", inMidLine: true }),
    at(1, 2, { type: "wire-form", space: true }),
    at(0, 1, { type: "retry", value: "1" }),
    at(3, 1, { type: "retry", value: "3" }),
    at(2, 1, { type: "drip", bytes: 2 }),
  ];
  const before = structuredClone(schedule);
  assertEquals(await playFaults({ node, proxy }, schedule), 5);
  assertEquals(schedule, before);
  assertEquals([...node.faults, ...proxy.faults], []);
  assertEquals(
    await response.text(),
    'retry:1\n\nretry:3\n\nevent:head\ndata:{"slot":"1',
  );
});

Deno.test("playFaults() stops and heals when its signal is aborted", async () => {
  await using node = await SimulatedBeaconNode.start(FAST);
  const response = await fetch(`${node.url}/eth/v1/events?topics=head`);
  const stop = new AbortController();
  const playing = playFaults({ node }, [
    at(0, 1_000_000, { type: "wire-form", space: true }),
    at(0, 1, { type: "retry", value: "0" }),
    at(1_000_000, 1, { type: "hang" }),
  ], { signal: stop.signal });
  const reader = readerOf(response);
  assertEquals((await reader.read()).value, "retry:0\n\n");
  assertEquals(node.faults[0], { type: "wire-form", space: true });
  stop.abort();
  assertEquals(await playing, 2);
  assertEquals(node.faults, []);
  await reader.cancel();
  assertEquals(
    await playFaults({ node }, [at(0, 1, { type: "hang" })], stop),
    0,
  );
});

Deno.test("playFaults() plays in front of any node, the proxy alone", async () => {
  await using node = await SimulatedBeaconNode.start(STILL);
  await using proxy = await FaultProxy.start({ target: node.url });
  const types = ["refuse", "slam", "stall", "drip"] as const;
  const schedule = types.map((type, slot) => at(slot, 1, { type }));
  const options = { slotDurationMs: 5 };
  assertEquals(await playFaults({ proxy }, schedule, options), 4);
  // It listens again when the promise resolves.
  await using client = await EventReader.open(proxy.url, "head");
  node.emit("head", "1");
  assertEquals((await client.next())?.data, 1);
});

Deno.test("playFaults() plays random schedules that leave nothing behind", async () => {
  await using node = await SimulatedBeaconNode.start({
    slotDurationMs: 10,
    faults: [],
  });
  await using proxy = await FaultProxy.start({ target: node.url });
  const stop = new AbortController();
  const { signal } = stop;
  const client = (async () => {
    while (!signal.aborted) {
      const url = `${proxy.url}/eth/v1/events?topics=head,chain_reorg`;
      try {
        const impatient = AbortSignal.any([signal, AbortSignal.timeout(50)]);
        const response = await fetch(url, { signal: impatient });
        for await (const _ of response.body ?? []);
      } catch {
        // Tries again, as clients do.
      }
      await Promise.resolve();
    }
  })();
  const schedule = randomFaults({ seed: 11, count: 40, maxSlots: 2 });
  assertEquals(await playFaults({ node, proxy }, schedule), 40);
  assertEquals([...node.faults, ...proxy.faults], []);
  stop.abort();
  await client;
});

Deno.test("playFaults() refuses what has no place on the stage", async () => {
  await using node = await SimulatedBeaconNode.start(FAST);
  await using proxy = await FaultProxy.start({ target: node.url });
  const refuses = (
    stage: Parameters<typeof playFaults>[0],
    entry: ScheduledFault,
    errorClass: typeof TypeError | typeof RangeError,
    words: string,
  ) => assertRejects(() => playFaults(stage, [entry]), errorClass, words);
  await refuses(null as never, at(0, 1, { type: "slam" }), TypeError, "stage");
  await refuses({ node }, null as never, TypeError, "schedule must be");
  await refuses({ node }, at(0, 1, { type: "slam" }), TypeError, "got slam");
  await refuses({ proxy }, at(0, 1, { type: "hang" }), TypeError, "got hang");
  await refuses({}, at(0, 1, { type: "drip" }), TypeError, "got drip");
  const stage = { node, proxy };
  const slam = { type: "slam" } as const;
  await refuses(stage, at(-1, 1, slam), RangeError, "slot must be");
  await refuses(stage, at(0, 0, slam), RangeError, "slots must be");
  await refuses(stage, { fault: slam } as never, RangeError, "slot must be");
  await assertRejects(
    () => playFaults(stage, [], { slotDurationMs: 0 }),
    RangeError,
    "slotDurationMs",
  );
});
