import { assert, assertEquals, assertThrows } from "@std/assert";
import { SlotClock, type SlotClockOptions } from "@org/beacon-sse";

const GENESIS = 1_606_824_023_000;

function mainnet(): SlotClock {
  return new SlotClock({
    genesisTime: GENESIS,
    slotsPerEpoch: 32,
    eras: [{ epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 }],
  });
}

/** From epoch 2 on slots are half as long, from epoch 3 on attestations are due earlier. */
function threeEras(): SlotClock {
  return new SlotClock({
    genesisTime: 1000,
    slotsPerEpoch: 4,
    eras: [
      { epoch: 0, slotDurationMs: 100, attestationDueBps: 3333 },
      { epoch: 2, slotDurationMs: 50, attestationDueBps: 3333 },
      { epoch: 3, slotDurationMs: 50, attestationDueBps: 2500 },
    ],
  });
}

Deno.test("SlotClock.slotAt() changes at the start of each slot", () => {
  const clock = mainnet();
  const table: [number, number][] = [
    [0, 0],
    [11_999, 0],
    [12_000, 1],
    [12_000 * 1_000_000 - 1, 999_999],
    [12_000 * 1_000_000, 1_000_000],
  ];
  for (const [time, slot] of table) {
    assertEquals(clock.slotAt(GENESIS + time), slot);
  }
});

Deno.test("SlotClock.slotAt() is negative before genesis", () => {
  const clock = mainnet();
  assertEquals(clock.slotAt(GENESIS - 1), -1);
  assertEquals(clock.slotAt(GENESIS - 12_000), -1);
  assertEquals(clock.slotAt(GENESIS - 12_001), -2);
  assertEquals(clock.slotAt(0), Math.floor(-GENESIS / 12_000));
});

Deno.test("SlotClock.slotStart() is the first millisecond of a slot", () => {
  const clock = mainnet();
  for (const slot of [-3, 0, 1, 31, 32, 9_999_999]) {
    const start = clock.slotStart(slot);
    assertEquals(start, GENESIS + slot * 12_000);
    assertEquals([clock.slotAt(start - 1), clock.slotAt(start)], [
      slot - 1,
      slot,
    ]);
  }
});

Deno.test("SlotClock.epochOf() has slotsPerEpoch slots an epoch", () => {
  const clock = mainnet();
  assertEquals([0, 31, 32, 63, 64, -1].map((slot) => clock.epochOf(slot)), [
    0,
    0,
    1,
    1,
    2,
    -1,
  ]);
});

Deno.test("SlotClock.attestationDueMs() rounds down to milliseconds", () => {
  const clock = mainnet();
  assertEquals(clock.attestationDueMs(7), 3999);
  assertEquals(clock.slotDurationMs(7), 12_000);
});

Deno.test("SlotClock() goes on at the end of an era without a gap or an overlap", () => {
  const clock = threeEras();
  const starts = Array.from(
    { length: 14 },
    (_, slot) => clock.slotStart(slot) - 1000,
  );
  assertEquals(
    starts,
    [0, 100, 200, 300, 400, 500, 600, 700, 800, 850, 900, 950, 1000, 1050],
  );
  for (let time = 900; time < 2200; time++) {
    const slot = clock.slotAt(time);
    assert(clock.slotStart(slot) <= time && time < clock.slotStart(slot + 1));
  }
});

Deno.test("SlotClock() has each era's slot length and deadline", () => {
  const clock = threeEras();
  const slots = [-1, 0, 7, 8, 11, 12, 1_000_000];
  assertEquals(
    slots.map((slot) => clock.slotDurationMs(slot)),
    [100, 100, 100, 50, 50, 50, 50],
  );
  assertEquals(
    slots.map((slot) => clock.attestationDueMs(slot)),
    [33, 33, 33, 16, 16, 12, 12],
  );
});

Deno.test("SlotClock() takes a deadline at either end of the slot", () => {
  const due = (attestationDueBps: number) =>
    new SlotClock({
      genesisTime: 0,
      slotsPerEpoch: 1,
      eras: [{ epoch: 0, slotDurationMs: 1, attestationDueBps }],
    }).attestationDueMs(5);
  assertEquals([due(0), due(9999), due(10_000)], [0, 0, 1]);
});

Deno.test("SlotClock() refuses bad options, naming option and value", () => {
  const era = { epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 };
  const good = { genesisTime: GENESIS, slotsPerEpoch: 32, eras: [era] };
  const table: [Partial<SlotClockOptions>, string, string][] = [
    [{ genesisTime: -1 }, "genesisTime", "-1"],
    [{ genesisTime: 0.5 }, "genesisTime", "0.5"],
    [{ genesisTime: NaN }, "genesisTime", "NaN"],
    [{ genesisTime: 2 ** 53 }, "genesisTime", "9007199254740992"],
    [{ slotsPerEpoch: 0 }, "slotsPerEpoch", "0"],
    [{ slotsPerEpoch: 1.5 }, "slotsPerEpoch", "1.5"],
    [{ eras: [] }, "eras", "undefined"],
    [{ eras: [{ ...era, epoch: 1 }] }, "eras", "1"],
    [{ eras: [{ ...era, slotDurationMs: 0 }] }, "slotDurationMs", "0"],
    [{ eras: [{ ...era, slotDurationMs: Infinity }] }, "slotDurationMs", "In"],
    [{ eras: [{ ...era, attestationDueBps: -1 }] }, "attestationDueBps", "-1"],
    [
      { eras: [{ ...era, attestationDueBps: 10_001 }] },
      "attestationDueBps",
      "10001",
    ],
    [{ eras: [era, era] }, "eras", "epoch 0"],
    [{ eras: [era, { ...era, epoch: 7 }, { ...era, epoch: 5 }] }, "eras", "5"],
    [{ eras: [era, { ...era, epoch: -7 }] }, "eras", "-7"],
    [{ eras: [era, { ...era, epoch: NaN }] }, "eras", "NaN"],
  ];
  for (const [options, name, value] of table) {
    const { message } = assertThrows(
      () => new SlotClock({ ...good, ...options }),
      RangeError,
      name,
    );
    assert(message.includes(value), message);
  }
});

Deno.test("SlotClock() refuses what is no object or array, naming it", () => {
  // deno-lint-ignore no-explicit-any -- what a user without types may pass
  const table: [any, string][] = [
    [undefined, "options"],
    [null, "options"],
    [{ genesisTime: 0, slotsPerEpoch: 32 }, "eras"],
    [{ genesisTime: 0, slotsPerEpoch: 32, eras: 5 }, "eras"],
    [{ genesisTime: 0, slotsPerEpoch: 32, eras: [null] }, "eras"],
  ];
  for (const [options, name] of table) {
    assertThrows(() => new SlotClock(options), TypeError, name);
  }
});

Deno.test("SlotClock() refuses an era that begins within an epoch", () => {
  const era = { epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 };
  assertThrows(
    () =>
      new SlotClock({
        genesisTime: GENESIS,
        slotsPerEpoch: 32,
        eras: [era, { ...era, epoch: 1.3 }],
      }),
    RangeError,
    "1.3",
  );
});
