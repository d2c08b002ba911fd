import { assertEquals } from "@std/assert";
import { printable, shown } from "../../src/values/shown.ts";

Deno.test("printable() leaves printable text as it is", () => {
  const text = 'Beacon node: "head" \\ é漢💥 {}';
  assertEquals(printable(text), text);
  assertEquals(printable(""), "");
});

Deno.test("printable() escapes all control characters", () => {
  const units = [
    ...Array.from({ length: 0x20 }, (_, unit) => unit),
    ...Array.from({ length: 0x21 }, (_, unit) => 0x7f + unit),
  ];
  for (const unit of units) {
    assertEquals(
      printable(`a${String.fromCharCode(unit)}b`),
      `a\\u${unit.toString(16).padStart(4, "0")}b`,
    );
  }
});

Deno.test("printable() escapes what begins a new line", () => {
  assertEquals(
    printable("a\nb\r\nc\u0085d\u2028e\u2029f"),
    String.raw`a\u000ab\u000d\u000ac\u0085d\u2028e\u2029f`,
  );
});

Deno.test("printable() escapes what steers a terminal", () => {
  assertEquals(printable("\x1b[31mred"), String.raw`\u001b[31mred`);
  assertEquals(printable("\x9b31mred"), String.raw`\u009b31mred`);
});

Deno.test("printable() escapes what turns the direction of text", () => {
  for (const unit of "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") {
    const code = unit.charCodeAt(0).toString(16);
    assertEquals(printable(`a${unit}b`), `a\\u${code}b`);
  }
});

Deno.test("printable() cuts what is too long, and shows that it did", () => {
  assertEquals(printable("x".repeat(200)), "x".repeat(200));
  assertEquals(printable("x".repeat(201)), `${"x".repeat(200)}…`);
  assertEquals(printable("abc", 2), "ab…");
  assertEquals(printable("abc", 3), "abc");
});

Deno.test("printable() is bounded also where all is escaped", () => {
  assertEquals(printable("\0".repeat(1000), 10), `${"\\u0000".repeat(10)}…`);
});

Deno.test("shown() quotes text on one line, cut to a length", () => {
  assertEquals(shown('a"b\n'), String.raw`"a\"b\n"`);
  assertEquals(shown("\u009b31m"), String.raw`"\u009b31m"`);
  assertEquals(shown("abcd", 3), '"abc…"');
  assertEquals(shown("abc", 3), '"abc"');
  assertEquals(shown("\0".repeat(100), 10).length, 13);
});

Deno.test("shown() names the kind of what has no short form", () => {
  const table: [unknown, string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [NaN, "NaN"],
    [1n, "1"],
    [Symbol("a"), "Symbol(a)"],
    [{ secret: 1 }, "an object"],
    [["secret"], "an array of 1"],
    [() => "secret", "a function"],
  ];
  for (const [value, text] of table) assertEquals(shown(value), text);
});
