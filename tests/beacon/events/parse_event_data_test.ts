/** Payloads of every topic: what is delivered, what is refused, and with what error. */

import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertThrows,
} from "@std/assert";
import { parseEventData } from "../../../src/beacon/events/beacon_event.ts";
import {
  isKnownTopic,
  KNOWN_TOPICS,
} from "../../../src/beacon/events/topic.ts";
import {
  isOptional,
  membersOf,
  mistyped,
  replaced,
  valueAt,
  without,
} from "./payload_members.ts";
import { exampleOf, TOPIC_EXAMPLES } from "./topic_examples.ts";
import { needs } from "../../needs.ts";

const ROOT = `0x${"ab".repeat(32)}`;

for (const { topic, form, payload, data } of TOPIC_EXAMPLES) {
  const name = form === undefined ? topic : `${topic} ${form}`;

  Deno.test(`parseEventData() delivers ${name}`, () => {
    assertEquals<unknown>(parseEventData(topic, JSON.stringify(payload)), data);
  });

  Deno.test(`parseEventData() delivers ${name} whatever the case and order of its members`, () => {
    const raw = JSON.stringify(reversed(payload)).replaceAll(
      /"0x([0-9a-f]*)"/g,
      (_, digits: string) => `"0x${digits.toUpperCase()}"`,
    );
    const expected = JSON.parse(JSON.stringify(data));
    assertEquals(lowerCased(parseEventData(topic, raw)), lowerCased(expected));
  });

  Deno.test(`parseEventData() keeps the members that it does not know of ${name}`, () => {
    const more = { new_member: { deep: ["1"], Hex: "0xAB" } };
    const extended = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(extended);
      if (typeof value !== "object" || value === null) return value;
      const entries = Object.entries(value).map(([name, member]) =>
        name === "execution" ? [name, member] : [name, extended(member)]
      );
      return { ...Object.fromEntries(entries), ...more };
    };
    // What is delivered in an envelope has more objects than what was sent without it.
    const bare = "version" in data && !("version" in (payload as object));
    const expected = bare
      ? { version: data.version, data: extended(data.data) }
      : extended(data);
    const raw = JSON.stringify(extended(payload));
    assertEquals<unknown>(parseEventData(topic, raw), expected);
  });

  Deno.test(`parseEventData() leaves out an optional member of ${name} that is null`, () => {
    for (const path of membersOf(payload)) {
      if (!isOptional(topic, path)) continue;
      assertEquals<unknown>(
        parseEventData(topic, JSON.stringify(replaced(payload, path, null))),
        parseEventData(topic, JSON.stringify(without(payload, path))),
      );
    }
  });

  Deno.test(`parseEventData() refuses ${name} where a member is missing`, () => {
    refusesMissing(topic, payload);
  });

  Deno.test(`parseEventData() refuses ${name} where a member is mistyped`, () => {
    refusesMistyped(topic, payload);
  });

  Deno.test(`parseEventData() refuses ${name} that is no object`, () => {
    for (
      const [raw, got] of [["[]", "an array"], ["null", "null"], [
        '"{}"',
        '"{}"',
      ], ["1", "1"]]
    ) {
      assertThrows(
        () => parseEventData(topic, raw!),
        TypeError,
        `Cannot parse ${topic} event: payload must be an object, got ${got}`,
      );
    }
  });
}

Deno.test("parseEventData() has an example of every known topic", () => {
  assertEquals(
    new Set(TOPIC_EXAMPLES.map(({ topic }) => topic)),
    new Set(KNOWN_TOPICS),
  );
});

const references = readReferences();

for (const { topic, name, example } of references) {
  Deno.test(`parseEventData() passes the reference's ${name}`, () => {
    const raw = JSON.stringify(example);
    const data = parseEventData<string>(topic, raw);
    if (!isKnownTopic(topic)) return assertEquals(data, example);
    refusesMissing(topic, example);
    refusesMistyped(topic, example);
  });
}

Deno.test({
  name: "parseEventData() passes all of the reference's topics",
  ...needs("the reference of topics", references.length > 0),
  fn() {
    const topics = new Set(
      references.map(({ topic }) => topic).filter(isKnownTopic),
    );
    assertEquals(topics, new Set(KNOWN_TOPICS));
  },
});

Deno.test("parseEventData() names the value that is no integer", () => {
  assertThrows(
    () => parseEventData("head", `{"slot":"ten"}`),
    TypeError,
    'Cannot parse head event: slot must be a decimal integer, got "ten"',
  );
});

Deno.test("parseEventData() names the path of what is missing", () => {
  const { payload } = exampleOf("attestation");
  assertThrows(
    () =>
      parseEventData(
        "attestation",
        JSON.stringify(without(payload, ["data", "source", "epoch"])),
      ),
    TypeError,
    "Cannot parse attestation event: data.source.epoch is missing",
  );
});

Deno.test("parseEventData() names the largest number where a slot exceeds it", () => {
  assertThrows(
    () =>
      parseEventData(
        "block",
        `{"slot":"18446744073709551615","block":"${ROOT}"}`,
      ),
    TypeError,
    'slot must be at most 9007199254740991, got "18446744073709551615"',
  );
});

Deno.test("parseEventData() passes the largest safe slot", () => {
  const raw = `{"slot":"9007199254740991","block":"${ROOT}"}`;
  assertEquals(
    parseEventData("block_gossip", raw).slot,
    Number.MAX_SAFE_INTEGER,
  );
});

Deno.test("parseEventData() passes a reorg that reaches up to an epoch beyond slot 0", () => {
  for (const depth of [5, 37]) {
    const raw = reorg({ slot: "5", depth: String(depth) });
    assertEquals(parseEventData("chain_reorg", raw).depth, depth);
  }
});

Deno.test("parseEventData() refuses a reorg that reaches further beyond slot 0", () => {
  assertThrows(
    () => parseEventData("chain_reorg", reorg({ slot: "5", depth: "38" })),
    TypeError,
    "Cannot parse chain_reorg event: depth must not exceed slot by more than 32, got depth 38 and slot 5",
  );
});

Deno.test("parseEventData() refuses the depth of 2^64 - 2 that Caplin sent", () => {
  assertThrows(
    () =>
      parseEventData(
        "chain_reorg",
        reorg({ slot: "5", depth: "18446744073709551614" }),
      ),
    TypeError,
    "depth must be at most",
  );
});

Deno.test("parseEventData() passes forks that are not known yet", () => {
  const { payload } = exampleOf("head_v2");
  const raw = JSON.stringify(replaced(payload, ["version"], "osaka_2"));
  assertEquals(parseEventData("head_v2", raw).version, "osaka_2");
});

Deno.test("parseEventData() passes every payload status and no other", () => {
  const { payload } = exampleOf("head_v2");
  for (const status of ["empty", "full", "pending"]) {
    const raw = JSON.stringify(
      replaced(payload, ["data", "payload_status"], status),
    );
    assertEquals<string>(
      parseEventData("head_v2", raw).data.payload_status,
      status,
    );
  }
  assertThrows(
    () =>
      parseEventData(
        "head_v2",
        JSON.stringify(replaced(payload, ["data", "payload_status"], "half")),
      ),
    TypeError,
    'data.payload_status must be one of ("empty" | "full" | "pending"), got "half"',
  );
});

Deno.test("parseEventData() passes the bit vectors of the minimal preset", () => {
  const { payload } = exampleOf("contribution_and_proof");
  const path = ["message", "contribution", "aggregation_bits"];
  const data = parseEventData(
    "contribution_and_proof",
    JSON.stringify(replaced(payload, path, "0x7F")),
  );
  assertEquals(data.message.contribution.aggregation_bits, "0x7f");
});

Deno.test("parseEventData() refuses an envelope without its version", () => {
  for (
    const topic of [
      "execution_payload_bid",
      "head_v2",
      "light_client_optimistic_update",
    ] as const
  ) {
    const { data } = exampleOf(topic);
    assertThrows(
      () => parseEventData(topic, JSON.stringify(without(data, ["version"]))),
      TypeError,
      `Cannot parse ${topic} event: version is missing`,
    );
  }
});

Deno.test("parseEventData() names an array that should be an object", () => {
  assertThrows(
    () =>
      parseEventData("head_v2", `{"version":"gloas","data":[{"slot":"1"}]}`),
    TypeError,
    "Cannot parse head_v2 event: data must be an object, got an array",
  );
});

Deno.test("parseEventData() returns the payload of an unknown topic as parsed", () => {
  for (const raw of [`{"a":[1,"x",null]}`, "1", "null", `"text"`, "[]"]) {
    assertEquals(parseEventData("weather_forecast", raw), JSON.parse(raw));
  }
});

Deno.test("parseEventData() knows no topic that every object inherits", () => {
  for (
    const topic of ["__proto__", "constructor", "toString", "hasOwnProperty"]
  ) {
    assertEquals(parseEventData(topic, `{"slot":"1"}`), { slot: "1" });
  }
});

Deno.test("parseEventData() throws a SyntaxError for what is not JSON", () => {
  for (
    const raw of ["", "oops", "{", `{"slot":1,}`, "undefined", `{"slot":"1"} x`]
  ) {
    for (const topic of ["head", "weather_forecast"]) {
      const error = assertThrows(
        () => parseEventData(topic, raw),
        SyntaxError,
        `Cannot parse ${topic} event: payload must be JSON, got ${
          JSON.stringify(raw)
        }`,
      );
      assertInstanceOf(error.cause, SyntaxError);
    }
  }
});

Deno.test("parseEventData() keeps valibot's error as the cause", () => {
  const error = assertThrows(() => parseEventData("head", "{}"), TypeError);
  assertInstanceOf(error.cause, Error);
  assertEquals(error.cause.name, "ValiError");
});

Deno.test("parseEventData() keeps messages short whatever the payload", () => {
  const long = "x".repeat(1_000_000);
  for (
    const [topic, raw] of [
      ["head", long],
      ["head", `{"slot":"${long}"}`],
      ["head", `{"slot":"${"\\u0000".repeat(100_000)}"}`],
      [long, "{"],
      ["head_v2", `{"version":"${long}"}`],
    ]
  ) {
    const { message } = assertThrows(() => parseEventData(topic!, raw!), Error);
    assertLess(message.length, 200);
    const excerpt = message.slice(message.indexOf(", got ") + 6);
    assert(excerpt.length <= 60, excerpt);
  }
});

Deno.test("parseEventData() lets no payload and no topic forge a line of a log", () => {
  const evil = `\r\n\u001b[31m\u009b31m\u2028\u2029\u202eERROR`;
  for (
    const [topic, raw] of [
      ["head", evil],
      ["head", JSON.stringify({ slot: evil })],
      [evil, "{"],
      ["head", JSON.stringify({ slot: "1", block: evil })],
    ]
  ) {
    const { message } = assertThrows(() => parseEventData(topic!, raw!), Error);
    assert(/^[\x20-\x7e…]+$/.test(message), message);
  }
});

Deno.test("parseEventData() reads no member from a prototype that a payload names", () => {
  const block = `"slot":"1","block":"${ROOT}"`;
  assertThrows(
    () => parseEventData("block", `{"__proto__":{${block}}}`),
    TypeError,
    "slot is missing",
  );
  const data = parseEventData(
    "block",
    `{${block},"__proto__":{"evil":1},"constructor":{}}`,
  );
  assertEquals(Object.keys(data).toSorted(), [
    "block",
    "constructor",
    "execution_optimistic",
    "slot",
  ]);
  assertEquals(Object.getPrototypeOf(data), Object.prototype);
  assertEquals("evil" in data, false);
});

Deno.test("parseEventData() keeps the prototype of an execution header that names another", () => {
  const topic = "light_client_optimistic_update";
  const { payload } = exampleOf(topic, "of electra");
  const raw = JSON.stringify(payload).replace(
    `"execution":{`,
    `"execution":{"__proto__":{"evil":1},`,
  );
  const { data } = parseEventData(topic, raw);
  assertEquals("evil" in data.attested_header.execution!, false);
});

Deno.test("parseEventData() survives deep nesting", () => {
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  assertThrows(
    () => parseEventData("head", "[".repeat(200_000)),
    SyntaxError,
    "must be JSON",
  );
  for (
    const raw of [deep, `{"slot":${deep}}`, `{"slot":"1","block":${deep}}`]
  ) {
    assertThrows(
      () => parseEventData("head", raw),
      Error,
      "Cannot parse head event: ",
    );
  }
});

Deno.test("parseEventData() separates roots that differ in one digit", () => {
  for (let place = 2; place < ROOT.length; place++) {
    const root = `${ROOT.slice(0, place)}0${ROOT.slice(place + 1)}`;
    const bad = `${ROOT.slice(0, place)}g${ROOT.slice(place + 1)}`;
    for (const block of [ROOT, root, ROOT]) {
      assertEquals(
        parseEventData("block", `{"slot":"1","block":"${block}"}`).block,
        block,
      );
    }
    assertThrows(
      () => parseEventData("block", `{"slot":"1","block":"${bad}"}`),
      TypeError,
      "block must be",
    );
  }
});

/** Asserts that no required member may be left out, and any optional one may. */
function refusesMissing(topic: string, payload: unknown): void {
  for (const path of membersOf(payload)) {
    if (Array.isArray(valueAt(payload, path.slice(0, -1)))) continue;
    const raw = JSON.stringify(without(payload, path));
    if (isOptional(topic, path)) parseEventData(topic, raw);
    else {assertRefused(
        topic,
        raw,
        new RegExp(`: ([a-z]+[.])?${path.join("[.]")} is missing$`),
      );}
  }
}

/** Asserts that every member has to be of its type. */
function refusesMistyped(topic: string, payload: unknown): void {
  const data = parseEventData(topic, JSON.stringify(payload));
  // A payload without its envelope is delivered in one.
  const bare = Object.hasOwn(data as object, "version") &&
    !Object.hasOwn(payload as object, "version");
  for (const path of membersOf(payload)) {
    const to = bare ? ["data", ...path] : path;
    for (
      const wrong of mistyped(path, valueAt(payload, path), valueAt(data, to))
    ) {
      if (wrong === null && isOptional(topic, path)) continue;
      const raw = JSON.stringify(replaced(payload, path, wrong));
      assertRefused(
        topic,
        raw,
        new RegExp(`: ${to.join("[.]")} must be [^,]+, got .{1,60}$`),
      );
    }
  }
}

function assertRefused(topic: string, raw: string, expected: RegExp): void {
  try {
    parseEventData(topic, raw);
  } catch (error) {
    assertInstanceOf(error, TypeError);
    assert(
      error.message.startsWith(`Cannot parse ${topic} event: `),
      error.message,
    );
    assert(
      expected.test(error.message),
      `${error.message} does not match ${expected}`,
    );
    return;
  }
  throw new Error(`Not refused: ${topic} ${raw}`);
}

/** The same value with the members of each object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).reverse().map((
      [name, member],
    ) => [name, reversed(member)]),
  );
}

/** The same value with the execution headers, which are delivered as sent, in lower case. */
function lowerCased(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value),
    (name, member) =>
      name === "execution"
        ? JSON.parse(JSON.stringify(member).toLowerCase())
        : member,
  );
}

function reorg(fields: { slot: string; depth: string }): string {
  return JSON.stringify({
    ...fields,
    old_head_block: ROOT,
    new_head_block: ROOT,
    old_head_state: ROOT,
    new_head_state: ROOT,
  });
}

/** The examples of the reference, where it is at hand. */
function readReferences(): { topic: string; name: string; example: unknown }[] {
  let text;
  try {
    text = Deno.readTextFileSync(
      new URL("../../../../shared/reference/topics.json", import.meta.url),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const topics: Reference[] = JSON.parse(text);
  return topics.flatMap(({ topic, example, variants = [] }) => [
    { topic, name: topic, example },
    ...variants.map(({ fork, example }) => ({
      topic,
      name: `${topic} (${fork})`,
      example,
    })),
  ]);
}

interface Reference {
  topic: string;
  example: unknown;
  variants?: { fork: string; example: unknown }[];
}
