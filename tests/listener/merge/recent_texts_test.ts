import { assert, assertEquals, assertFalse } from "@std/assert";
import { RecentTexts } from "../../../src/listener/merge/recent_texts.ts";

/** Texts of one length that differ in one place only, where few of their units are looked at. */
const TEXTS = {
  "differ at the start": (number: number) => `${number}`.padEnd(600, "-"),
  "differ in the middle": (number: number) =>
    "-".repeat(293) + `${number}`.padEnd(307, "-"),
  "differ at the end": (number: number) => `${number}`.padStart(600, "-"),
};

for (const [how, textOf] of Object.entries(TEXTS)) {
  Deno.test(`RecentTexts.add() finds repeats of the latest 2048 texts that ${how}`, () => {
    const texts = new RecentTexts();
    const all = Array.from({ length: 5000 }, (_, number) => textOf(number));
    for (const text of all) assert(texts.add(text));
    for (const text of all.slice(-2048)) assertFalse(texts.add(text));
    assert(texts.add(all[0]!));
  });
}

Deno.test("RecentTexts keeps no more than 2048 texts", () => {
  const texts = new RecentTexts();
  for (let number = 0; number < 5000; number++) texts.add(`${number}`);
  assertEquals([...texts].length, 2048);
});
