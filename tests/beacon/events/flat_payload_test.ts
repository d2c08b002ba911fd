/** The readers of flat payloads against `JSON.parse` and the schemas, which they stand in for. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import * as v from "@valibot/valibot";
import {
  blockSchema,
  readBlock,
} from "../../../src/beacon/events/topics/block.ts";
import {
  blockGossipSchema,
  readBlockGossip,
} from "../../../src/beacon/events/topics/block_gossip.ts";
import {
  headSchema,
  readHead,
} from "../../../src/beacon/events/topics/head.ts";
import { TOPIC_EXAMPLES } from "./topic_examples.ts";

const READERS = {
  head: { read: readHead, schema: headSchema },
  block: { read: readBlock, schema: blockSchema },
  block_gossip: { read: readBlockGossip, schema: blockGossipSchema },
};

for (const [topic, { read, schema }] of Object.entries(READERS)) {
  const { payload, data } = TOPIC_EXAMPLES.find((example) =>
    example.topic === topic
  )!;
  const raw = JSON.stringify(payload);
  const members = Object.entries(payload as object);

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

  Deno.test(`the text reader of ${topic} leaves other forms to the schema`, () => {
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
        ...members.map(([name]) =>
          JSON.stringify({ ...payload as object, [name]: undefined })
        ),
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
      const value = { ...payload as object, slot };
      const { success, output } = v.safeParse(schema, value);
      assertEquals<unknown>(
        read(JSON.stringify(value)),
        success ? output : undefined,
        slot,
      );
    }
  });
}

Deno.test("a text reader keeps no payload alive for the root that it read", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const junk = "x".repeat(1024 * 1024);
  collectGarbage();
  const before = Deno.memoryUsage().heapUsed;
  for (let number = 0; number < 32; number++) {
    const root = `0x${number.toString(16).padStart(64, "0")}`;
    readBlock(JSON.stringify({ slot: "1", block: root, junk }));
  }
  collectGarbage();
  const grown = Deno.memoryUsage().heapUsed - before;
  assert(grown < 4 * 1024 * 1024, `${grown} bytes are alive`);
});
