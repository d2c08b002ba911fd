import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  type Fault,
  NODE_FAULT_TYPES,
  WIRE_FAULT_TYPES,
} from "@org/beacon-sse/testing";
import { checkFault } from "../../src/testing/faults/fault.ts";

const ALL = [...NODE_FAULT_TYPES, ...WIRE_FAULT_TYPES];

const WRONG: [unknown, typeof RangeError | typeof TypeError, string][] = [
  [undefined, TypeError, "it must be an object, got undefined"],
  [{}, TypeError, "type must be one of status, hang"],
  [{ type: "explode" }, TypeError, "got explode"],
  [{ type: "toString" }, TypeError, "got toString"],
  [{ type: "hang", afterBytes: 1 }, TypeError, "hang has no option afterBytes"],
  [{ type: "hang", toString: 1 }, TypeError, "hang has no option toString"],
  [{ type: "status" }, TypeError, "status of status must be an integer"],
  [{ type: "status", status: 199 }, RangeError, "from 200 to 599, got 199"],
  [{ type: "status", status: 600 }, RangeError, "got 600"],
  [{ type: "status", status: 500, body: 1 }, TypeError, "body of status"],
  [{ type: "status", status: 500, bodyBytes: -1 }, RangeError, "got -1"],
  [{ type: "status", status: 500, bodyBytes: NaN }, RangeError, "got NaN"],
  [
    { type: "status", status: 500, retryAfter: "a\nb" },
    RangeError,
    'a header\'s value, got "a\\nb"',
  ],
  [
    { type: "status", status: 500, headers: { "a b": "c" } },
    RangeError,
    "headers of status",
  ],
  [{ type: "status", status: 500, headers: null }, TypeError, "got null"],
  [
    { type: "status", status: 500, headers: "x" },
    TypeError,
    "headers of status",
  ],
  [{ type: "hang", endpoint: "moon" }, RangeError, 'got "moon"'],
  [{ type: "hang", times: 0 }, RangeError, "times of hang"],
  [{ type: "hang", times: 1.5 }, RangeError, "got 1.5"],
  [{ type: "hang", times: "1" }, TypeError, 'got "1"'],
  [{ type: "other-chain", root: "0x12" }, RangeError, "root of other-chain"],
  [{ type: "refuse-topics" }, TypeError, "topics of refuse-topics"],
  [{ type: "refuse-topics", topics: [] }, RangeError, "one at least"],
  [{ type: "refuse-topics", topics: [1] }, RangeError, "array of texts"],
  [{ type: "joined-topics", answer: "empty" }, RangeError, 'got "empty"'],
  [{ type: "wire-form", lineEnd: "\n" }, RangeError, "one of lf, crlf, cr"],
  [{ type: "wire-form", space: 1 }, TypeError, "true or false, got 1"],
  [{ type: "drip", bytes: 0 }, RangeError, "bytes of drip"],
  [{ type: "drop" }, TypeError, "events of drop"],
  [{ type: "retry", value: "1\n" }, RangeError, "one line"],
  [{ type: "endless-frame", prefix: "a\rb" }, RangeError, "prefix"],
  [{ type: "giant-event", indices: 1e7 }, RangeError, "got 10000000"],
  [{ type: "branch-switch", depth: 0 }, RangeError, "depth of branch-switch"],
  [{ type: "clock-skew", byMs: 1e9 }, RangeError, "byMs of clock-skew"],
  [{ type: "reset", afterBytes: Infinity }, RangeError, "got Infinity"],
  [{ type: "stall", ms: -1 }, RangeError, "ms of stall"],
];

for (const [fault, errorClass, words] of WRONG) {
  Deno.test(`checkFault() refuses ${JSON.stringify(fault)}`, () => {
    const error = assertThrows(
      () => checkFault(fault as Fault, ALL),
      errorClass,
    );
    assertStringIncludes(error.message, words);
  });
}

Deno.test("checkFault() takes only the types that it is given", () => {
  assertThrows(
    () => checkFault({ type: "slam" }, NODE_FAULT_TYPES),
    TypeError,
    "got slam",
  );
  checkFault({ type: "drip" }, NODE_FAULT_TYPES);
  checkFault({ type: "drip" }, WIRE_FAULT_TYPES);
  assertEquals(new Set(ALL).size, ALL.length - 1);
});
