import { assert, assertEquals } from "@std/assert";
import { formatJsonLine } from "../../src/cli/json_line.ts";
import { GENESIS, makeEvent } from "./make_event.ts";

const RECEIVED_AT = GENESIS + 70 * 12_000 + 412;
const HEAD =
  `{"topic":"head","node":"http://localhost:5052","receivedAt":${RECEIVED_AT}`;

function lineOf(raw: string): string {
  return formatJsonLine(makeEvent("head", {}, { raw }), undefined);
}

Deno.test("formatJsonLine() embeds the payload as the node sent it", () => {
  const raw =
    '{ "slot" : "70", "x": 18446744073709551615, "slot": 1.0, "é": "\\u00e9\\n" }';
  assertEquals(
    formatJsonLine(makeEvent("head", {}, { raw }), 0.412),
    `${HEAD},"delay":0.412,"data":${raw}}`,
  );
});

Deno.test("formatJsonLine() leaves out an unknown delay", () => {
  assertEquals(lineOf("{}"), `${HEAD},"data":{}}`);
});

Deno.test("formatJsonLine() keeps a negative delay", () => {
  assertEquals(
    formatJsonLine(makeEvent("head", {}), -0.25),
    `${HEAD},"delay":-0.25,"data":{}}`,
  );
});

Deno.test("formatJsonLine() marks what was recovered", () => {
  const event = makeEvent("head", {}, { recovered: true });
  assertEquals(
    formatJsonLine(event, 1),
    `${HEAD},"delay":1,"recovered":true,"data":{}}`,
  );
});

Deno.test("formatJsonLine() keeps a payload of several data lines on one line", () => {
  const line = lineOf('{\n  "slot": "70",\n  "n": 18446744073709551615\n}');
  assertEquals(
    line,
    `${HEAD},"data":{   "slot": "70",   "n": 18446744073709551615 }}`,
  );
});

Deno.test("formatJsonLine() turns a payload that is not JSON into a string", () => {
  for (
    const raw of [
      "",
      "nonsense",
      '{"a":1',
      '{}},"topic":"forged"',
      "1}\n{",
      '"a\nb"',
    ]
  ) {
    assertEquals(JSON.parse(lineOf(raw)).data, raw);
    assert(!lineOf(raw).includes("\n"));
  }
});

Deno.test("formatJsonLine() escapes what a terminal or a line splitter would act on", () => {
  const raw = '{"a":"\u009b31m\u007f\u2028\u2029\u0085"}';
  const line = lineOf(raw);
  assertEquals(
    line,
    `${HEAD},"data":{"a":"\\u009b31m\\u007f\\u2028\\u2029\\u0085"}}`,
  );
  assertEquals(JSON.parse(line).data, JSON.parse(raw));
});

Deno.test("formatJsonLine() escapes the topic and the node", () => {
  const line = formatJsonLine(
    makeEvent('x","y":"', {}, { node: 'a"b\u009b' }),
    undefined,
  );
  const { topic, node } = JSON.parse(line);
  assertEquals([topic, node], ['x","y":"', 'a"b\u009b']);
  assert(!line.includes("\u009b"));
});
