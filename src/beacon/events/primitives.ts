/**
 * How the Beacon API writes integers, hex, booleans and names in JSON
 * (https://github.com/ethereum/beacon-APIs/blob/master/types/primitive.yaml). A message here is
 * the rule alone; `parseEventData` puts the path in front of it and the value behind.
 */

import * as v from "@valibot/valibot";
import { ownCopy } from "../../values/own_copy.ts";

export interface Member<T> {
  /** Accepts what `read` accepts, and explains what it refuses; it costs several times as much. */
  readonly schema: v.GenericSchema<unknown, T>;
  /**
   * Reads a value of parsed JSON; `undefined` if it is refused. Objects and arrays are read in
   * place, so that members which are not declared stay as they are.
   */
  readonly read: (value: unknown) => T | undefined;
  /** How it stands in the text of a flat payload; a text may have a fixed length. */
  readonly text?: { kind: "text"; length?: number } | { kind: "boolean" };
  /** What is delivered where a node leaves the member out or sends `null`. */
  readonly absent?: { readonly value: T };
  /** Looks through its members, where it has any. */
  readonly search?: (data: unknown, path: string, found: Found) => void;
}

export interface Found {
  /** Which members are looked for: those for which it is true. */
  readonly isPart: (name: string) => boolean;
  /** Their values, in the order of the declaration. */
  readonly parts: unknown[];
  /** The members that are not declared, each with its path. */
  readonly unknown: string[];
}

const UINT64_DIGITS = 20;
const UINT64_MAX = "18446744073709551615";
/** In characters, `0x` included. */
const ROOT_LENGTH = 66;
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

function readUint(value: unknown): number | undefined {
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

function readRoot(value: unknown): string | undefined {
  if (typeof value !== "string" || value.length !== ROOT_LENGTH) {
    return undefined;
  }
  const place = (67 * value.charCodeAt(63) + 19 * value.charCodeAt(64) +
    value.charCodeAt(65)) & 255;
  const recent = recentRoots[place];
  if (value === recent) return recent;
  // It may be cut from a payload, which must not stay alive with it.
  const root = readHex(ownCopy(value), ROOT_LENGTH);
  return root === undefined ? undefined : recentRoots[place] = root;
}

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

/** A slot, epoch, index, depth or timestamp: a decimal string, delivered as a safe integer. */
export const uint: Member<number> = primitive(
  readUint,
  (value) =>
    isDigits(value)
      ? `must be at most ${Number.MAX_SAFE_INTEGER}`
      : "must be a decimal integer",
  { kind: "text" },
);

/** An amount or another uint64 that may exceed 2^53: a decimal string, delivered as it is. */
export const uint64: Member<string> = primitive(
  (value) =>
    isDigits(value) && (value.length < UINT64_DIGITS ||
        (value.length === UINT64_DIGITS && value <= UINT64_MAX))
      ? ownCopy(value)
      : undefined,
  (value) =>
    isDigits(value)
      ? `must be at most ${UINT64_MAX}`
      : "must be a decimal integer",
  { kind: "text" },
);

export const root: Member<string> = primitive(
  readRoot,
  "must be 0x and 64 hex digits",
  { kind: "text", length: ROOT_LENGTH },
);

export const signature: Member<string> = hex(192);

/** A BLS public key or KZG commitment, in lower case. */
export const pubkey: Member<string> = hex(96);

/** An execution address, in lower case, not in the mixed one of ERC-55. */
export const address: Member<string> = hex(40);

/** A bit list or vector: hex of whole bytes, in lower case. Preset and fork decide how many. */
export const bits: Member<string> = primitive(
  (value) =>
    typeof value === "string" && value.length >= 4 && value.length % 2 === 0
      ? readHex(value, value.length)
      : undefined,
  "must be 0x and an even number of hex digits",
);

/** Any name, since forks to come are not known. */
export const fork: Member<string> = primitive(
  (value) => typeof value === "string" && FORK.test(value) ? value : undefined,
  "must be a fork name in lower case",
);

export const boolean: Member<boolean> = primitive(
  (value) => typeof value === "boolean" ? value : undefined,
  "must be a boolean",
  { kind: "boolean" },
);

/** `execution_optimistic`: the specification reads an absent one as false. */
export const optimistic: Member<boolean> = {
  ...boolean,
  absent: { value: false },
};

export function oneOf<T extends string>(...names: readonly T[]): Member<T> {
  return primitive(
    (value) => names.find((name) => name === value),
    `must be one of (${names.map((name) => `"${name}"`).join(" | ")})`,
  );
}

export const anyObject: Member<Readonly<Record<string, unknown>>> = primitive(
  (value) => {
    if (!isJsonObject(value)) return undefined;
    dropPrototype(value);
    return value;
  },
  "must be an object",
);

export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Removes a member called `__proto__`, which a careless copy would take for its prototype. */
export function dropPrototype(value: JsonObject): void {
  if (Object.hasOwn(value, "__proto__")) delete value["__proto__"];
}

function hex(digits: number): Member<string> {
  return primitive(
    (value) => readHex(value, 2 + digits),
    `must be 0x and ${digits} hex digits`,
  );
}

function isDigits(value: unknown): value is string {
  return typeof value === "string" && DIGITS.test(value);
}

function primitive<T>(
  read: (value: unknown) => T | undefined,
  rule: string | ((value: unknown) => string),
  text?: Member<T>["text"],
): Member<T> {
  // One step, since checking first and converting next would read the value twice.
  const schema: v.GenericSchema<unknown, T> = v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset: { value }, addIssue, NEVER }) => {
      const output = read(value);
      if (output !== undefined) return output;
      addIssue({ message: typeof rule === "string" ? rule : rule(value) });
      return NEVER;
    }),
  );
  return text === undefined ? { schema, read } : { schema, read, text };
}
