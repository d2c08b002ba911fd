/** How integers, hex, booleans and names are read, by the quick reader and by the schema. */

import { assertEquals } from "@std/assert";
import * as v from "@valibot/valibot";
import {
  address,
  anyObject,
  bits,
  boolean,
  fork,
  type Member,
  pubkey,
  root,
  signature,
  uint,
  uint64,
} from "../../../src/beacon/events/primitives.ts";

/** Asserts what a value is read as, `undefined` where it is refused. */
function assertRead<T>(member: Member<T>, value: unknown, expected?: T): void {
  assertEquals(member.read(value), expected, String(value));
  const { success, output } = v.safeParse(member.schema, value);
  assertEquals(success ? output : undefined, expected, String(value));
}

Deno.test("uint delivers decimal strings as numbers", () => {
  for (
    const text of ["0", "7", "007", String(Number.MAX_SAFE_INTEGER)]
  ) {
    assertRead(uint, text, Number(text));
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
  ) assertRead(uint, value);
});

Deno.test("uint64 keeps decimal strings up to 2^64 - 1", () => {
  for (const text of ["0", "9007199254740993", "18446744073709551615"]) {
    assertRead(uint64, text, text);
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
    assertRead(uint64, value);
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
      assertRead(
        schema,
        `0x${byte.repeat(bytes)}`,
        `0x${byte.toLowerCase().repeat(bytes)}`,
      );
    }
    // One upper-case letter anywhere is enough.
    for (let place = 0; place < 2 * bytes; place++) {
      const text = `0x${"a".repeat(place)}F${
        "a".repeat(2 * bytes - place - 1)
      }`;
      assertRead(schema, text, text.toLowerCase());
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
      assertRead(schema, `0x${"a".repeat(length)}`);
    }
    assertRead(schema, `0X${"a".repeat(2 * bytes)}`);
    assertRead(schema, "a".repeat(2 * bytes + 2));
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
        assertRead(schema, text);
      }
    }
  });
}

Deno.test("bits delivers whole bytes of hex, at least one", () => {
  for (const text of ["0x01", "0xFf03", `0x${"7f".repeat(16384)}`]) {
    assertRead(bits, text, text.toLowerCase());
  }
  for (const value of ["0x", "0x1", "0x123", "01", "0xg1", "", 1, null]) {
    assertRead(bits, value);
  }
});

Deno.test("fork takes any name in lower case", () => {
  for (const name of ["phase0", "gloas", "heze", "eip7732_devnet"]) {
    assertRead(fork, name, name);
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
  ) assertRead(fork, value);
});

Deno.test("anyObject delivers members as they are, and no prototype", () => {
  const value = JSON.parse(`{"a":{"b":[1]},"__proto__":{"evil":1}}`);
  assertRead(anyObject, value, { a: { b: [1] } });
  for (const value of [[], null, "x", 1]) assertRead(anyObject, value);
});

Deno.test("boolean refuses text", () => {
  assertRead(boolean, true, true);
  assertRead(boolean, false, false);
  for (const value of ["true", 1, null, {}]) assertRead(boolean, value);
});
