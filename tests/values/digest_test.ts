import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { digest } from "../../src/values/digest.ts";

Deno.test("digest() is short, however long the text", () => {
  assert(digest("0x12,".repeat(100_000)).length < 40);
});

Deno.test("digest() differs where one unit differs", () => {
  const text = "0123456789".repeat(100);
  assertEquals(digest(text), digest(text));
  for (const at of [0, 499, 999]) {
    assertNotEquals(
      digest(text),
      digest(text.slice(0, at) + "x" + text.slice(at + 1)),
    );
  }
});
