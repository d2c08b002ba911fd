import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  seededFractions,
  seededWords,
  takeHex,
} from "../../src/testing/chain/random.ts";

Deno.test("seededWords() gives the same values for the same key", () => {
  const [one, other] = [seededWords(7, "plan", 3), seededWords(7, "plan", 3)];
  for (let i = 0; i < 100; i++) assertEquals(one(), other());
  assertNotEquals(seededWords(7, "plan", 3)(), seededWords(7, "plan", 4)());
  assertNotEquals(seededWords(7, "plan", 3)(), seededWords(8, "plan", 3)());
});

Deno.test("seededWords() does not collide on neighbouring keys", () => {
  const roots = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    for (let slot = 0; slot < 1_000; slot++) {
      roots.add(takeHex(seededWords(seed, slot), 32));
    }
  }
  assertEquals(roots.size, 20_000);
});

Deno.test("seededFractions() is uniform over neighbouring keys and within one", () => {
  for (const within of [true, false]) {
    const buckets = new Array(10).fill(0);
    const next = seededFractions("within");
    for (let i = 0; i < 20_000; i++) {
      const fraction = within ? next() : seededFractions("across", i)();
      buckets[Math.floor(fraction * 10)]++;
    }
    for (const count of buckets) {
      assertEquals(Math.abs(count - 2_000) < 200, true, `${buckets}`);
    }
  }
});

Deno.test("takeHex() takes whole bytes, also where words are longer", () => {
  assertMatch(takeHex(seededWords(1), 32), /^0x[0-9a-f]{64}$/);
  assertMatch(takeHex(seededWords(1), 5), /^0x[0-9a-f]{10}$/);
  assertEquals(takeHex(() => 0, 2), "0x0000");
});
