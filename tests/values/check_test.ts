import { assertEquals, assertThrows } from "@std/assert";
import { checkInteger } from "../../src/values/check.ts";

Deno.test("checkInteger() passes an integer between the bounds", () => {
  const { MAX_SAFE_INTEGER } = Number;
  for (
    const [value, least, most] of [[1, 1], [0, 0, 0], [MAX_SAFE_INTEGER, 1]]
  ) {
    assertEquals(checkInteger("wait", "count", value, least!, most), undefined);
  }
});

Deno.test("checkInteger() names action, option, rule and value", () => {
  const table: [unknown, number, number | undefined, string][] = [
    [0, 1, undefined, "count must be a positive integer, got 0"],
    [-1, 0, undefined, "count must be an integer from 0 on, got -1"],
    [9, 1, 8, "count must be an integer from 1 to 8, got 9"],
    [1.5, 1, undefined, "got 1.5"],
    [2 ** 53, 1, undefined, "got 9007199254740992"],
    ["5", 1, undefined, 'got "5"'],
    [undefined, 1, undefined, "got undefined"],
  ];
  for (const [value, least, most, words] of table) {
    assertThrows(
      () => checkInteger("wait", "count", value, least, most),
      RangeError,
      words,
    );
  }
});
