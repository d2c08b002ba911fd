import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertNotEquals,
} from "@std/assert";
import { SlotSchedule } from "../../src/testing/chain/slot_schedule.ts";

const RATES = {
  seed: 1,
  emptySlotRate: 0.05,
  lateBlockRate: 0.1,
  reorgRate: 0.05,
  maxReorgDepth: 4,
};
const SLOTS = Array.from({ length: 10_000 }, (_, slot) => slot);
const ATTESTATION_DUE = 1 / 3;

Deno.test("SlotSchedule() plans the same in whatever order", () => {
  const forwards = new SlotSchedule(RATES);
  const backwards = new SlotSchedule(RATES);
  const planned = SLOTS.map((slot) => forwards.plan(slot));
  assertEquals(
    SLOTS.toReversed().map((slot) => backwards.plan(slot)).reverse(),
    planned,
  );
  const other = new SlotSchedule({ ...RATES, seed: 2 });
  assertNotEquals(SLOTS.map((slot) => other.plan(slot)), planned);
});

Deno.test("SlotSchedule() keeps to the rates", () => {
  const plans = SLOTS.map((slot) => new SlotSchedule(RATES).plan(slot));
  const share = (count: number) => count / SLOTS.length;
  const empty = plans.filter((plan) => !plan.proposed).length;
  const late = plans.filter((plan) => plan.moments.gossip > ATTESTATION_DUE);
  const reorgs = plans.filter((plan) => plan.reorgDepth > 0);
  assertAlmostEquals(share(empty), 0.05, 0.01);
  assertAlmostEquals(share(late.length), 0.1, 0.015);
  assertAlmostEquals(share(reorgs.length), 0.05, 0.01);
  const depths = new Set(reorgs.map((plan) => plan.reorgDepth));
  assertEquals([...depths].sort(), [2, 3, 4]);
});

Deno.test("SlotSchedule() lets no rate change what another one decides", () => {
  const calm = new SlotSchedule({ ...RATES, reorgRate: 0, lateBlockRate: 0 });
  const wild = new SlotSchedule({ ...RATES, reorgRate: 1, lateBlockRate: 1 });
  for (const slot of SLOTS) {
    assertEquals(calm.plan(slot).proposed, wild.plan(slot).proposed);
  }
});

Deno.test("SlotSchedule() orders the moments, a block in time before attestations are due", () => {
  const schedule = new SlotSchedule(RATES);
  for (const slot of SLOTS) {
    for (const late of [false, true]) {
      const { gossip, import: imported, head } = schedule.moments(slot, late);
      assert(gossip > 0.05 && gossip < imported && imported < head && head < 1);
      assertEquals(late ? gossip > ATTESTATION_DUE : head < 0.3333, true);
    }
  }
});
