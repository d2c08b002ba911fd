import { assert, assertEquals } from "@std/assert";
import { hash } from "../../../src/values/digest.ts";
import { PlaceIndex } from "../../../src/listener/merge/place_index.ts";

Deno.test("PlaceIndex.find() knows what is in a ring, and nothing that left it", () => {
  const index = new PlaceIndex(8);
  const inRing: string[] = [];
  for (let turn = 0; turn < 100; turn++) {
    const place = turn % 8;
    if (index.isUsed(place)) {
      index.remove(place);
      assertEquals(index.find(hash(inRing.shift()!)), undefined);
    }
    inRing.push(`text ${turn}`);
    index.add(hash(`text ${turn}`), place);
    for (const [age, text] of inRing.toReversed().entries()) {
      assertEquals(index.find(hash(text)), (turn - age) % 8);
    }
  }
});

Deno.test("PlaceIndex.doubled() turns the ring and has room for as many again", () => {
  const index = new PlaceIndex(4);
  for (let place = 0; place < 4; place++) index.add(hash(`${place}`), place);
  const doubled = index.doubled(3);
  assertEquals(["3", "0", "1", "2"].map((text) => doubled.find(hash(text))), [
    0,
    1,
    2,
    3,
  ]);
  assert(!doubled.isUsed(4));
});
