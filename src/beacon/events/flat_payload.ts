/**
 * Reads the payloads that come most often straight from their text: a flat JSON object of integers,
 * roots and booleans, written without white space as all clients do. It takes half the time of
 * `JSON.parse` and a schema, which read whatever is of another form.
 */

import { readRoot, readUint } from "./schema.ts";

/** What a member is: a decimal integer in quotes, a root in quotes, or a boolean. */
type Kind = "uint" | "root" | "boolean";

/** The kinds of a payload's members. */
export type Kinds<T> = {
  readonly [K in keyof T]-?: T[K] extends number ? "uint"
    : T[K] extends string ? "root"
    : "boolean";
};

/**
 * Makes a reader.
 *
 * @param kinds The members; each of them must be there.
 * @param make Makes the payload of them.
 * @returns Reads a text; `undefined` if it is of another form, has other members, or a member is
 * not what it must be.
 */
export function flatReader<T extends object>(
  kinds: Kinds<T>,
  make: (values: T) => T,
): (raw: string) => T | undefined {
  const values: Record<string, number | string | boolean> = {};
  // Nodes differ in the order of members; each is looked for first where the last text had it.
  const order: Member[] = [];
  for (const [name, kind] of Object.entries<Kind>(kinds)) {
    values[name] = kind === "uint" ? 0 : kind === "root" ? "" : false;
    order.push({
      name,
      kind,
      label: `"${name}":${kind === "boolean" ? "" : '"'}`,
    });
  }

  return (raw) => {
    let at = 0;
    for (let index = 0; index < order.length; index++) {
      if (raw.charCodeAt(at++) !== (index === 0 ? OPENING_BRACE : COMMA)) {
        return undefined;
      }
      const member = memberAt(raw, at, order, index);
      if (member === undefined) return undefined;
      at += member.label.length;
      const end = valueEnd(raw, at, member.kind);
      const value = readValue(raw.slice(at, end), member.kind);
      if (value === undefined) return undefined;
      values[member.name] = value;
      at = end;
      if (member.kind !== "boolean" && raw.charCodeAt(at++) !== QUOTE) {
        return undefined;
      }
    }
    return raw.charCodeAt(at) === CLOSING_BRACE && at + 1 === raw.length
      ? make(values as T)
      : undefined;
  };
}

interface Member {
  name: string;
  kind: Kind;
  /** What stands in front of its value. */
  label: string;
}

/** The member that stands there; it is moved to `index` of the order, whose earlier ones are taken. */
function memberAt(
  raw: string,
  at: number,
  order: Member[],
  index: number,
): Member | undefined {
  for (let place = index; place < order.length; place++) {
    const member = order[place]!;
    if (raw.slice(at, at + member.label.length) !== member.label) continue;
    if (place > index) {
      order[place] = order[index]!;
      order[index] = member;
    }
    return member;
  }
  return undefined;
}

/** Where a value ends that begins there, if it is what it must be. */
function valueEnd(raw: string, at: number, kind: Kind): number {
  switch (kind) {
    case "uint":
      return Math.max(at, raw.indexOf('"', at));
    case "root":
      return at + ROOT_LENGTH;
    case "boolean":
      return at + (raw.charCodeAt(at) === SMALL_T ? 4 : 5);
  }
}

/** A value; `undefined` if it is not what it must be. */
function readValue(
  text: string,
  kind: Kind,
): number | string | boolean | undefined {
  switch (kind) {
    case "uint":
      return readUint(text);
    case "root":
      return readRoot(text);
    case "boolean":
      return text === "true" || (text === "false" ? false : undefined);
  }
}

const ROOT_LENGTH = 66;
const SMALL_T = 0x74;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
