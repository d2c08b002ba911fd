import {
  assert,
  assertEquals,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import {
  type Fault,
  NODE_FAULT_TYPES,
  randomFaults,
  type RandomFaultsOptions,
  WIRE_FAULT_TYPES,
} from "@org/beacon-sse/testing";
import { checkFault } from "../../src/testing/faults/fault.ts";

const ALL = [...NODE_FAULT_TYPES, ...WIRE_FAULT_TYPES];

Deno.test("randomFaults() draws the same schedule from the same seed, as JSON", () => {
  const schedule = randomFaults({ seed: 7, count: 50 });
  assertEquals(schedule.length, 50);
  assertEquals(randomFaults({ seed: 7, count: 50 }), schedule);
  assertEquals(JSON.parse(JSON.stringify(schedule)), schedule);
  assertEquals(randomFaults({ seed: 7, count: 20 }), schedule.slice(0, 20));
  assertNotEquals(randomFaults({ seed: 8, count: 50 }), schedule);
});

Deno.test("randomFaults() draws the same on every machine", () => {
  assertEquals(randomFaults({ seed: 1, count: 3 }), [
    { slot: 1, slots: 2, fault: { type: "padded-event", bytes: 126_248 } },
    { slot: 6, slots: 1, fault: { type: "duplicate" } },
    {
      slot: 8,
      slots: 2,
      fault: { type: "content-type", contentType: "text/html" },
    },
  ]);
});

Deno.test("randomFaults() draws valid faults of all types, one after another", () => {
  const seen = new Set<Fault["type"]>();
  for (let seed = 0; seed < 50; seed++) {
    let free = 0;
    for (const { slot, slots, fault } of randomFaults({ seed })) {
      checkFault(fault, ALL);
      assert(slot >= free && slot <= free + 3, `${slot} after ${free}`);
      assert(slots >= 1 && slots <= 4, `${slots}`);
      free = slot + slots;
      seen.add(fault.type);
    }
  }
  assertEquals(seen, new Set(ALL));
});

Deno.test("randomFaults() keeps to the types and lengths that it is given", () => {
  const schedule = randomFaults({
    seed: 3,
    count: 100,
    types: ["slam", "reset"],
    maxSlots: 1,
    maxPauseSlots: 0,
  });
  assertEquals(
    schedule.map(({ slot, slots }) => [slot, slots]),
    Array.from({ length: 100 }, (_, n) => [n, 1]),
  );
  assertEquals(
    new Set(schedule.map(({ fault }) => fault.type)),
    new Set(["slam", "reset"] as const),
  );
});

Deno.test("randomFaults() refuses wrong options", () => {
  const refuses = (
    options: unknown,
    errorClass: typeof RangeError | typeof TypeError,
    words: string,
  ) =>
    assertThrows(
      () => randomFaults(options as RandomFaultsOptions),
      errorClass,
      words,
    );
  refuses({}, RangeError, "seed must be an integer from 0 on, got undefined");
  refuses(
    { seed: -1 },
    RangeError,
    "seed must be an integer from 0 on, got -1",
  );
  refuses({ seed: 1, count: 0.5 }, RangeError, "count");
  refuses(null as never, TypeError, "options must be an object, got null");
  refuses({ seed: 1, maxSlots: 0 }, RangeError, "maxSlots");
  refuses({ seed: 1, maxPauseSlots: -1 }, RangeError, "maxPauseSlots");
  refuses({ seed: 1, types: [] }, TypeError, "types");
  refuses({ seed: 1, types: ["explode"] }, RangeError, "got explode");
});
