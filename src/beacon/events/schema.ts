/**
 * The leaves of every event schema: how the Beacon API writes integers, hex and fork names in JSON
 * (https://github.com/ethereum/beacon-APIs/blob/master/types/primitive.yaml). A message here is
 * the rule alone; `parseEventData` puts the path in front of it and the value behind.
 */

import * as v from "@valibot/valibot";
import { ownCopy } from "../../values/own_copy.ts";

/** A JSON object whose members are still to be checked. */
export interface JsonObject {
  /** Any member, unchecked. */
  readonly [name: string]: unknown;
}

/** Length of the longest decimal uint64. */
const UINT64_DIGITS = 20;
/** Largest uint64, 2^64 - 1. */
const UINT64_MAX = "18446744073709551615";
/** Lengths of the fixed hex strings, in characters, `0x` included. */
const ROOT_LENGTH = 66;
const SIGNATURE_LENGTH = 194;
const PUBKEY_LENGTH = 98;
const ADDRESS_LENGTH = 42;
const DIGITS = /^[0-9]+$/;
const FORK = /^[a-z][a-z0-9_]{0,31}$/;

/** Bits of a character in a hex string; a lower-case digit has both. */
const HEX_DIGIT = 1;
const LOWER_CASE = 2;
const hexDigits = new Uint8Array(128);
for (const digit of "0123456789abcdef") {
  hexDigits[digit.charCodeAt(0)] = HEX_DIGIT | LOWER_CASE;
}
for (const digit of "ABCDEF") hexDigits[digit.charCodeAt(0)] = HEX_DIGIT;

/**
 * Roots seen lately, each at a place given by some of its digits. A root rarely comes alone:
 * `block_gossip`, `block`, `head` and thousands of attestations name the same one, and to compare
 * costs a quarter of checking each digit.
 */
const recentRoots: string[] = new Array(256).fill("");

/** Whether a value is a JSON object (or an array, whose members are then found missing). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null;
}

/**
 * Reads a decimal string as a number; `undefined` for anything else, and for what is not a safe
 * integer.
 */
export function readUint(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const { length } = value;
  if (length === 0 || length > UINT64_DIGITS) return undefined;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    sum = sum * 10 + digit;
  }
  return sum <= Number.MAX_SAFE_INTEGER ? sum : undefined;
}

/** Reads a root or hash, 32 bytes of hex, in lower case; `undefined` for anything else. */
export function readRoot(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length !== ROOT_LENGTH) {
    return undefined;
  }
  const place = (67 * value.charCodeAt(63) + 19 * value.charCodeAt(64) +
    value.charCodeAt(65)) & 255;
  const recent = recentRoots[place];
  if (value === recent) return recent;
  const root = readHex(value, ROOT_LENGTH);
  // It may be cut from a payload, which must not stay alive with it.
  return root === undefined ? undefined : recentRoots[place] = ownCopy(root);
}

/** Reads a BLS signature, 96 bytes of hex, in lower case; `undefined` for anything else. */
export function readSignature(value: unknown): string | undefined {
  return readHex(value, SIGNATURE_LENGTH);
}

/** Reads a bit list or vector, hex of whole bytes, in lower case; `undefined` for anything else. */
export function readBits(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length < 4) return undefined;
  return value.length % 2 === 0 ? readHex(value, value.length) : undefined;
}

/** Reads hex of a given length, `0x` included, in lower case; `undefined` for anything else. */
function readHex(value: unknown, length: number): string | undefined {
  if (
    typeof value !== "string" || value.length !== length ||
    !value.startsWith("0x")
  ) {
    return undefined;
  }
  // Without a branch per digit, of which the processor would guess every other one wrong; and two
  // at a time, neither of which waits for the other. There are two to a byte.
  let even = HEX_DIGIT | LOWER_CASE;
  let odd = even;
  for (let at = 2; at < length; at += 2) {
    even &= hexDigits[value.charCodeAt(at)]!;
    odd &= hexDigits[value.charCodeAt(at + 1)]!;
  }
  const all = even & odd;
  if (all === 0) return undefined;
  return all === HEX_DIGIT ? value.toLowerCase() : value;
}

/** Reads the name of a fork; `undefined` for anything else. */
function readFork(value: unknown): string | undefined {
  return typeof value === "string" && FORK.test(value) ? value : undefined;
}

/** A slot, epoch, index, depth or timestamp: a decimal string, delivered as a safe integer. */
export const uint: v.GenericSchema<unknown, number> = leaf(
  readUint,
  (value) =>
    isDigits(value)
      ? `must be at most ${Number.MAX_SAFE_INTEGER}`
      : "must be a decimal integer",
);

/** An amount or another uint64 that may exceed 2^53: a decimal string, delivered as it is. */
export const uint64: v.GenericSchema<unknown, string> = leaf(
  readUint64,
  (value) =>
    isDigits(value)
      ? `must be at most ${UINT64_MAX}`
      : "must be a decimal integer",
);

/** A root or hash: 32 bytes of hex, delivered in lower case. */
export const root: v.GenericSchema<unknown, string> = leaf(
  readRoot,
  "must be 0x and 64 hex digits",
);

/** A BLS signature: 96 bytes of hex, delivered in lower case. */
export const signature: v.GenericSchema<unknown, string> = leaf(
  readSignature,
  "must be 0x and 192 hex digits",
);

/** A BLS public key or KZG commitment: 48 bytes of hex, delivered in lower case. */
export const pubkey: v.GenericSchema<unknown, string> = leaf(
  (value) => readHex(value, PUBKEY_LENGTH),
  "must be 0x and 96 hex digits",
);

/** An execution address: 20 bytes of hex, delivered in lower case, not in the mixed one of ERC-55. */
export const address: v.GenericSchema<unknown, string> = leaf(
  (value) => readHex(value, ADDRESS_LENGTH),
  "must be 0x and 40 hex digits",
);

/**
 * A bit list or bit vector: hex of whole bytes, delivered in lower case. How many depends on the
 * chain's preset and fork.
 */
export const bits: v.GenericSchema<unknown, string> = leaf(
  readBits,
  "must be 0x and an even number of hex digits",
);

/** The name of a fork, in lower case; open, since forks to come are not known. */
export const fork: v.GenericSchema<unknown, string> = leaf(
  readFork,
  "must be a fork name in lower case",
);

/**
 * An object whose members are delivered as they are, except that none is called `__proto__`, which
 * a careless copy would take for its prototype.
 */
export const looseObject: v.GenericSchema<
  unknown,
  Readonly<Record<string, unknown>>
> = v.pipe(
  leaf(
    (value) => isJsonObject(value) && !Array.isArray(value) ? value : undefined,
    "must be an object",
  ),
  v.record(v.string(), v.unknown()),
);

/** `execution_optimistic`: the specification reads an absent one as false. */
export const optimistic: v.GenericSchema<unknown, boolean> = v.optional(
  v.boolean(),
  false,
);

function readUint64(value: unknown): string | undefined {
  return isDigits(value) &&
      (value.length < UINT64_DIGITS ||
        (value.length === UINT64_DIGITS && value <= UINT64_MAX))
    ? value
    : undefined;
}

function isDigits(value: unknown): value is string {
  return typeof value === "string" && DIGITS.test(value);
}

/** Makes a schema of a reader. */
function leaf<T>(
  read: (value: unknown) => T | undefined,
  rule: string | ((value: unknown) => string),
): v.GenericSchema<unknown, T> {
  // One step, since checking first and converting next would read the value twice.
  return v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset: { value }, addIssue, NEVER }) => {
      const output = read(value);
      if (output !== undefined) return output;
      addIssue({ message: typeof rule === "string" ? rule : rule(value) });
      return NEVER;
    }),
  );
}
