import { assertEquals, assertThrows } from "@std/assert";
import { parseDuration, parseNodeUrl } from "../../src/cli/flag_values.ts";
import { UsageError } from "../../src/cli/usage_error.ts";

const GOOD: Record<string, number> = {
  "500ms": 500,
  "1ms": 1,
  "30s": 30_000,
  "1.5s": 1500,
  "2m": 120_000,
  "1h": 3_600_000,
  "1m30s": 90_000,
  "1h2m3s4ms": 3_723_004,
  "90s": 90_000,
  "2147483647ms": 2 ** 31 - 1,
};

for (const [text, milliseconds] of Object.entries(GOOD)) {
  Deno.test(`parseDuration() reads ${text} as ${milliseconds} ms`, () => {
    assertEquals(parseDuration("--for", text), milliseconds);
  });
}

const BAD = [
  "",
  "30",
  "s",
  "-1s",
  "1 s",
  "30s1m",
  "1s1s",
  "1d",
  "1S",
  "0s",
  "0.1ms",
  "2147483648ms",
  "597h",
  "1e3s",
  ".5s",
  "1.s",
  "٣s",
  "1s\n",
];

for (const text of BAD) {
  Deno.test(`parseDuration() refuses ${JSON.stringify(text)}`, () => {
    assertThrows(
      () => parseDuration("--for", text),
      UsageError,
      "--for must be",
    );
  });
}

Deno.test("parseNodeUrl() takes a URL that was pasted with spaces around it", () => {
  assertEquals(parseNodeUrl(" http://h:1/x \n").href, "http://h:1/x");
});
