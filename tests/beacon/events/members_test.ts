/**
 * What follows from a declaration of members: the reader of text, the reader of JSON and the schema
 * agree on every payload.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import * as v from "@valibot/valibot";
import { list, object, optional } from "../../../src/beacon/events/members.ts";
import { boolean, root, uint } from "../../../src/beacon/events/primitives.ts";
import {
  type AnyTopicRecord,
  KNOWN_TOPICS,
  type KnownTopic,
  topicRecord,
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

const FLAT: KnownTopic[] = [
  "head",
  "block",
  "block_gossip",
  "finalized_checkpoint",
  "chain_reorg",
  "data_column_sidecar",
  "execution_payload",
  "execution_payload_gossip",
  "execution_payload_available",
  "fast_confirmation",
];

Deno.test("object() reads the text of every flat topic", () => {
  const read = KNOWN_TOPICS.filter((topic) =>
    topicRecord(topic)!.payload.readText
  );
  assertEquals(FLAT.filter((topic) => !read.includes(topic)), []);
});

Deno.test("object() must declare each member of an interface, with its type", () => {
  interface Sample {
    readonly slot: number;
    readonly epoch?: number;
  }
  object<Sample>({ slot: uint, epoch: optional(uint) });
  // @ts-expect-error a member is missing
  object<Sample>({ slot: uint });
  // @ts-expect-error a member is not in the interface
  object<Sample>({ slot: uint, epoch: optional(uint), block: root });
  // @ts-expect-error a slot is a number
  object<Sample>({ slot: root, epoch: optional(uint) });
  // @ts-expect-error what is optional in one place is so in the other
  object<Sample>({ slot: optional(uint), epoch: optional(uint) });
  // @ts-expect-error and the other way round
  const wrong = object<Sample>({ slot: uint, epoch: uint });
  assert(wrong.schema);
});

for (const { topic, form, payload, data } of TOPIC_EXAMPLES) {
  const { schema, read } = topicRecord(topic)!.payload;
  const name = form === undefined ? topic : `${topic} ${form}`;

  Deno.test(`the reader of ${name} reads what its schema accepts, and no more`, () => {
    assertEquals(v.parse(schema, payload), data);
    assertEquals(read(copied(payload)), data);
    const paths = [...membersOf(payload)];
    const variants = [
      null,
      "text",
      [],
      ...paths.map((path) => without(payload, path)),
      ...paths.map((path) => replaced(payload, path, null)),
      ...paths.flatMap((path) =>
        mistyped(path, valueAt(payload, path), undefined).map((wrong) =>
          replaced(payload, path, wrong)
        )
      ),
      { ...payload as object, new_member: { deep: [1] } },
    ];
    for (const variant of variants) {
      const { success, output } = v.safeParse(schema, variant);
      assertEquals(
        read(copied(variant)),
        success ? output : undefined,
        JSON.stringify(variant),
      );
    }
  });
}

for (const topic of FLAT) {
  const { readText: read, schema } = topicRecord(topic)!
    .payload as Required<AnyTopicRecord["payload"]>;
  const example = exampleOf(topic);
  const payload = withoutArrays(example.payload);
  const data = withoutArrays(example.data);
  const uintMember = "slot" in payload ? "slot" : "epoch";
  const raw = JSON.stringify(payload);
  const members = Object.entries(payload);

  Deno.test(`the text reader of ${topic} reads its members in any order`, () => {
    for (let first = 0; first < members.length; first++) {
      const turned = [...members.slice(first), ...members.slice(0, first)];
      for (const order of [turned, turned.toReversed(), members]) {
        assertEquals<unknown>(
          read(JSON.stringify(Object.fromEntries(order))),
          data,
        );
      }
    }
  });

  Deno.test(`the text reader of ${topic} reads capitals in lower case`, () => {
    const capitals = raw.replaceAll(
      /"0x(\w+)"/g,
      (_, digits: string) => `"0x${digits.toUpperCase()}"`,
    );
    assertEquals<unknown>(read(capitals), data);
  });

  Deno.test(`the text reader of ${topic} leaves other forms to the reader of JSON`, () => {
    for (
      const other of [
        JSON.stringify(payload, undefined, 1),
        ` ${raw}`,
        `${raw} `,
        `${raw}${raw}`,
        `[${raw}]`,
        `${raw.slice(0, -1)},"new_field":1}`,
        `{"new_field":"1",${raw.slice(1)}`,
        raw.slice(0, -1),
        "{}",
        "",
        ...members.filter(([name]) => !isOptional(topic, [name])).map((
          [name],
        ) => JSON.stringify({ ...payload, [name]: undefined })),
        ...members.map(([name, value]) =>
          `${raw.slice(0, -1)},"${name}":${JSON.stringify(value)}}`
        ),
      ]
    ) assertEquals(read(other), undefined, other);
  });

  Deno.test(`the text reader of ${topic} reads no text otherwise than its schema`, () => {
    let reads = 0;
    const units = [
      ...'{}",:\\ \n019afAFgx-+.e\u0000é💥',
      "true",
      "false",
      "0x",
    ];
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor(state / 0x80000000 * below);
    };
    for (let run = 0; run < 20_000; run++) {
      let text = raw;
      for (let edits = random(3); edits >= 0; edits--) {
        const at = random(text.length + 1);
        const removed = random(3);
        text = text.slice(0, at) +
          (random(4) ? units[random(units.length)] : "") +
          text.slice(at + removed);
      }
      const result = read(text);
      if (result === undefined) continue;
      reads++;
      assertEquals<unknown>(result, v.parse(schema, JSON.parse(text)), text);
    }
    assert(reads > 100, `only ${reads} texts were read`);
  });

  Deno.test(`the text reader of ${topic} takes integers as its schema does`, () => {
    for (
      const slot of [
        "0",
        "007",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "00009007199254740991",
        "000000000000000000001",
        "18446744073709551615",
        "-1",
        "1.0",
        "1e3",
        "+1",
        "",
        " 1",
        "0x1",
      ]
    ) {
      const value = { ...payload, [uintMember]: slot };
      const { success, output } = v.safeParse(schema, value);
      assertEquals<unknown>(
        read(JSON.stringify(value)),
        success ? output : undefined,
        slot,
      );
    }
  });
}

Deno.test("the text reader leaves out what is optional and not sent", () => {
  const { readText } = object<{ a: number; b?: number; c?: readonly string[] }>(
    {
      a: uint,
      b: optional(uint),
      c: optional(list(root)),
    },
  );
  assertEquals(readText!('{"a":"1","b":"2"}'), { a: 1, b: 2 });
  assertEquals(readText!('{"a":"1"}'), { a: 1 });
  assertEquals(readText!('{"b":"2","a":"1"}'), { a: 1, b: 2 });
  assertEquals(readText!('{"b":"2"}'), undefined);
  assertEquals(readText!('{"a":"1","c":[]}'), undefined);
});

Deno.test("object() reads no member from a prototype that a payload names", () => {
  const { read } = object<{ a: boolean }>({ a: boolean });
  assertEquals(read(JSON.parse('{"__proto__":{"a":true}}')), undefined);
  const data = read(JSON.parse('{"a":true,"__proto__":{"b":1}}'))!;
  assertEquals(Object.keys(data), ["a"]);
  assertEquals(Object.getPrototypeOf(data), Object.prototype);
});

Deno.test("a text reader keeps no payload alive for the root that it read", () => {
  const { readText } = topicRecord("block")!.payload;
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const junk = "x".repeat(1024 * 1024);
  collectGarbage();
  const before = Deno.memoryUsage().heapUsed;
  for (let number = 0; number < 32; number++) {
    const root = `0x${number.toString(16).padStart(64, "0")}`;
    readText!(` {"slot":"1","block":"${root}","junk":"${junk}"}`.slice(1));
  }
  collectGarbage();
  const grown = Deno.memoryUsage().heapUsed - before;
  assert(grown < 4 * 1024 * 1024, `${grown} bytes are alive`);
});

/** A copy in which no object occurs twice, as in parsed JSON. */
function copied(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** The flat part of a payload. */
function withoutArrays(payload: unknown): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(payload as object).filter(([, value]) =>
      !Array.isArray(value)
    ),
  );
}
