/** The leaves of the schemas, and that the short cuts past schemas lead to the same place. */

import { assert, assertEquals, assertFalse } from "@std/assert";
import * as v from "@valibot/valibot";
import {
  address,
  bits,
  fork,
  looseObject,
  pubkey,
  root,
  signature,
  uint,
  uint64,
} from "../../../src/beacon/events/schema.ts";
import {
  attestationSchema,
  readAttestation,
} from "../../../src/beacon/events/topics/attestation.ts";
import {
  readSingleAttestation,
  singleAttestationSchema,
} from "../../../src/beacon/events/topics/single_attestation.ts";
import {
  membersOf,
  mistyped,
  replaced,
  valueAt,
  without,
} from "./payload_members.ts";
import { TOPIC_EXAMPLES } from "./topic_examples.ts";

Deno.test("uint delivers decimal strings as numbers", () => {
  for (
    const [text, number] of [["0", 0], ["7", 7], ["007", 7], [
      "9007199254740991",
      Number.MAX_SAFE_INTEGER,
    ]]
  ) {
    assertEquals(v.parse(uint, text), number);
  }
});

Deno.test("uint refuses what is not exactly a safe integer in decimal", () => {
  for (
    const value of [
      "9007199254740992",
      "18446744073709551615",
      "99999999999999999999",
      "000000000000000000001",
      "1".repeat(400),
      "-0",
      "1.0",
      "1e3",
      "0x1",
      " 1",
      "1\n",
      "",
      "٣",
      "Infinity",
      1,
      1n,
      null,
    ]
  ) assertFalse(v.is(uint, value), String(value));
});

Deno.test("uint64 keeps decimal strings up to 2^64 - 1", () => {
  for (const text of ["0", "9007199254740993", "18446744073709551615"]) {
    assertEquals(v.parse(uint64, text), text);
  }
  for (
    const value of [
      "18446744073709551616",
      "99999999999999999999",
      "100000000000000000000",
      "-1",
      "1\n",
      "",
      1,
    ]
  ) {
    assertFalse(v.is(uint64, value), String(value));
  }
});

for (
  const [name, schema, bytes] of [
    ["root", root, 32],
    ["signature", signature, 96],
    ["pubkey", pubkey, 48],
    ["address", address, 20],
  ] as const
) {
  Deno.test(`${name} delivers ${bytes} bytes of hex in lower case`, () => {
    for (const byte of ["ab", "AB", "aB", "09", "90"]) {
      assertEquals(
        v.parse(schema, `0x${byte.repeat(bytes)}`),
        `0x${byte.toLowerCase().repeat(bytes)}`,
      );
    }
    // One upper-case letter anywhere is enough.
    for (let place = 0; place < 2 * bytes; place++) {
      const text = `0x${"a".repeat(place)}F${
        "a".repeat(2 * bytes - place - 1)
      }`;
      assertEquals(v.parse(schema, text), text.toLowerCase());
    }
  });

  Deno.test(`${name} refuses another length and other characters anywhere`, () => {
    for (
      const length of [
        0,
        1,
        2 * bytes - 2,
        2 * bytes - 1,
        2 * bytes + 1,
        2 * bytes + 2,
      ]
    ) {
      assertFalse(v.is(schema, `0x${"a".repeat(length)}`));
    }
    assertFalse(v.is(schema, `0X${"a".repeat(2 * bytes)}`));
    assertFalse(v.is(schema, "a".repeat(2 * bytes + 2)));
    for (
      const wrong of [
        "/",
        ":",
        "@",
        "G",
        "`",
        "g",
        "x",
        " ",
        "\n",
        "\0",
        "\u0130",
        "\u{ff21}",
        "\ud800",
      ]
    ) {
      for (let place = 0; place < 2 * bytes; place++) {
        const text = `0x${"a".repeat(place)}${wrong}${
          "a".repeat(2 * bytes - place - 1)
        }`;
        assertFalse(v.is(schema, text), `${JSON.stringify(wrong)} at ${place}`);
      }
    }
  });
}

Deno.test("bits delivers whole bytes of hex, at least one", () => {
  for (const text of ["0x01", "0xFf03", `0x${"7f".repeat(16384)}`]) {
    assertEquals(v.parse(bits, text), text.toLowerCase());
  }
  for (const value of ["0x", "0x1", "0x123", "01", "0xg1", "", 1, null]) {
    assertFalse(v.is(bits, value), String(value));
  }
});

Deno.test("fork takes any name in lower case", () => {
  for (const name of ["phase0", "gloas", "heze", "eip7732_devnet"]) {
    assert(v.is(fork, name));
  }
  for (
    const value of [
      "",
      "Gloas",
      "0phase",
      "a b",
      "a\n",
      "a".repeat(33),
      1,
      null,
    ]
  ) assertFalse(v.is(fork, value));
});

Deno.test("looseObject delivers members as they are, and no prototype", () => {
  const value = JSON.parse(`{"a":{"b":[1]},"__proto__":{"evil":1}}`);
  assertEquals(v.parse(looseObject, value), { a: { b: [1] } });
  for (const value of [[], null, "x", 1]) assertFalse(v.is(looseObject, value));
});

for (
  const [topic, schema, read] of [[
    "attestation",
    attestationSchema,
    readAttestation,
  ], [
    "single_attestation",
    singleAttestationSchema,
    readSingleAttestation,
  ]] as const
) {
  Deno.test(`the short cut of ${topic} reads what its schema passes, and no more`, () => {
    for (
      const { payload, data } of TOPIC_EXAMPLES.filter((example) =>
        example.topic === topic
      )
    ) {
      assertEquals<unknown>(v.parse(schema, payload), data);
      assertEquals<unknown>(read(payload), data);
      const paths = [...membersOf(payload)];
      const variants = [
        null,
        "text",
        [],
        ...paths.map((path) => without(payload, path)),
        ...paths.flatMap((path) =>
          mistyped(path, valueAt(payload, path), valueAt(data, path)).map((
            wrong,
          ) => replaced(payload, path, wrong))
        ),
      ];
      for (const variant of variants) {
        const { success, output } = v.safeParse(schema, variant);
        assertEquals<unknown>(read(variant), success ? output : undefined);
      }
    }
  });
}
