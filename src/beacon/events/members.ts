/**
 * How a topic and the members of its payload are declared, once. The valibot schema, the quick reader of parsed JSON and
 * the quick reader of flat text follow from the declaration.
 */

import * as v from "@valibot/valibot";
import {
  dropPrototype,
  fork,
  type Found,
  isJsonObject,
  type JsonObject,
  type Member,
} from "./primitives.ts";

interface OptionalMember<T> extends Omit<Member<T>, "absent"> {
  readonly absent: { readonly value: undefined };
}

export interface Shape<T> extends Member<T> {
  /** Reads the usual text of a flat payload; `undefined` leaves it to `JSON.parse` and `read`. */
  readonly readText?: (raw: string) => T | undefined;
  /** Whether a payload without parts has members that are not declared. */
  readonly hasUnknown?: (data: object) => boolean;
}

/** Each member of an interface, and optional where it is. */
export type Members<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? OptionalMember<NonNullable<T[K]>>
    : Member<T[K]>;
};

/** A node may leave the member out, or send `null` for it. */
export function optional<T>(member: Member<T>): OptionalMember<T> {
  return { ...member, absent: { value: undefined } };
}

export function list<T>(member: Member<T>): Member<readonly T[]> {
  const { search } = member;
  return {
    schema: v.array(member.schema),
    read(value: unknown) {
      if (!Array.isArray(value)) return undefined;
      for (let index = 0; index < value.length; index++) {
        const read = member.read(value[index]);
        if (read === undefined) return undefined;
        value[index] = read;
      }
      return value;
    },
    ...(search && {
      search(data: unknown, path: string, found: Found) {
        for (const [index, each] of (data as T[]).entries()) {
          search(each, `${path}${index}.`, found);
        }
      },
    }),
  };
}

/** @param rule What is wrong between members; `undefined` where nothing is. */
export function object<T extends object>(
  declared: Members<T>,
  rule?: (data: T) => string | undefined,
): Shape<T> {
  const members = Object.entries(declared) as [string, AnyMember][];
  const byName = new Map(members);
  const names = members.map(([name]) => name);
  const readers = members.map(([, { read }]) => read);
  const shape: Member<T> = {
    schema: schemaOf(members, rule),
    read(value) {
      if (!isJsonObject(value)) return undefined;
      for (let index = 0; index < names.length; index++) {
        const name = names[index]!;
        const sent = value[name];
        if (sent !== undefined && sent !== null) {
          const data = readers[index]!(sent);
          if (data === undefined) return undefined;
          if (data !== sent) value[name] = data;
          continue;
        }
        const { absent } = byName.get(name)!;
        if (absent === undefined) return undefined;
        if (absent.value !== undefined) value[name] = absent.value;
        else if (sent === null) delete value[name];
      }
      dropPrototype(value);
      return rule?.(value as T) === undefined ? value as T : undefined;
    },
    search(data, path, found) {
      const values = data as JsonObject;
      for (const [name, { search }] of members) {
        const value = values[name];
        if (search === undefined) {
          if (found.isPart(name)) found.parts.push(value);
        } else if (value !== undefined) search(value, `${path}${name}.`, found);
      }
      for (const name in values) {
        if (byName.has(name)) continue;
        found.unknown.push(`${path}${name}:${canonical(values[name])}`);
      }
    },
  };
  const isFlat = members.every(([, { text, absent }]) =>
    text !== undefined || absent !== undefined
  );
  if (!isFlat) return shape;
  const atLeast =
    members.filter(([, { absent }]) =>
      absent?.value !== undefined || absent === undefined
    ).length;
  const hasUnknown = (data: object) => {
    let sent = 0;
    for (const _ in data) sent++;
    return sent > atLeast &&
      Object.keys(data).some((name) => !byName.has(name));
  };
  return { ...shape, readText: textReader(members, rule), hasUnknown };
}

/** A payload together with the fork that gives it its shape. */
export interface ForkVersioned<T> {
  /** Fork of the payload, in lower case: `"electra"`, `"gloas"`, … */
  readonly version: string;
  /** The payload itself. */
  readonly data: T;
}

/**
 * The envelope `{"version": <fork>, "data": …}` of topics whose payload differs by fork.
 *
 * @param forkOf The fork of a payload that a node sent without its envelope; `undefined` for what
 * is none.
 */
export function versioned<T>(
  data: Member<T>,
  forkOf?: (value: JsonObject) => string | undefined,
): Shape<ForkVersioned<T>> {
  const envelope = object<ForkVersioned<T>>({ version: fork, data });
  if (forkOf === undefined) return envelope;
  const wrapped = (value: unknown) => {
    if (!isJsonObject(value) || "version" in value) return value;
    const version = forkOf(value);
    return version === undefined ? value : { version, data: value };
  };
  return {
    ...envelope,
    schema: v.pipe(v.unknown(), v.transform(wrapped), envelope.schema),
    read: (value) => envelope.read(wrapped(value)),
  };
}

export interface TopicRecord<T extends string, Data> {
  readonly topic: T;
  readonly payload: Shape<Data>;
  /** The slot that an event belongs to; absent where its events are of no slot. */
  readonly slot?: (data: Data) => number;
  /**
   * The members that make an event this one and no other, at any depth: some, or all but some. Left
   * out is what one node may know and another not: `execution_optimistic`, `version`, states and
   * epochs that follow from the rest, and members that only some nodes send.
   */
  readonly identity:
    | { readonly only: readonly string[] }
    | { readonly allBut: readonly string[] };
}

export function defineTopic<const T extends string, Data>(
  record: TopicRecord<T, Data>,
): TopicRecord<T, Data> {
  return record;
}

// deno-lint-ignore no-explicit-any -- what a member is read as, only its declaration knows
type AnyMember = Member<any>;

function schemaOf<T>(
  members: readonly [string, AnyMember][],
  rule: ((data: T) => string | undefined) | undefined,
): v.GenericSchema<unknown, T> {
  const entries = members.map(([name, { schema, absent }]) => [
    name,
    absent === undefined
      ? schema
      : absent.value === undefined
      ? v.exactOptional(schema)
      : v.optional(schema, absent.value),
  ]);
  const optional = new Set(
    members.filter(([, { absent }]) => absent !== undefined)
      .map(([name]) => name),
  );
  const withoutNull = (value: unknown) =>
    isJsonObject(value)
      ? Object.fromEntries(
        Object.entries(value).filter(([name, member]) =>
          member !== null || !optional.has(name)
        ),
      )
      : value;
  return v.pipe(
    v.unknown(),
    v.transform(withoutNull),
    v.looseObject(Object.fromEntries(entries)),
    v.check(
      (data) => rule?.(data as T) === undefined,
      ({ input }) => rule!(input as T)!,
    ),
  ) as unknown as v.GenericSchema<unknown, T>;
}

/** JSON that does not depend on the order of members. */
function canonical(value: unknown): string {
  return JSON.stringify(
    value,
    (_, part) =>
      isJsonObject(part)
        ? Object.fromEntries(
          Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1),
        )
        : part,
  );
}

interface Place {
  name: string;
  read: AnyMember["read"];
  isText: boolean;
  /** How long its value is, where that is fixed. */
  length: number | undefined;
  isRequired: boolean;
  /** What stands in front of its value in the text. */
  label: string;
}

/**
 * Reads flat payloads straight from their text, written without white space as all clients do. It
 * takes half the time of `JSON.parse`. All that is of another form, or has members that are not
 * declared, is left to that.
 */
function textReader<T>(
  members: readonly [string, AnyMember][],
  rule: ((data: T) => string | undefined) | undefined,
): (raw: string) => T | undefined {
  const template: JsonObject = {};
  let required = 0;
  // Nodes differ in the order of members; each is looked for first where the last text had it.
  const order: Place[] = [];
  for (const [name, member] of members) {
    const { text, absent } = member;
    if (text === undefined) continue;
    const isText = text.kind === "text";
    const isRequired = absent === undefined;
    if (isRequired) required++;
    if (isRequired || absent.value !== undefined) {
      template[name] = absent?.value ?? (isText ? "" : false);
    }
    const length = text.kind === "text" ? text.length : undefined;
    const label = `"${name}":${isText ? '"' : ""}`;
    order.push({ name, read: member.read, isText, length, isRequired, label });
  }

  return (raw) => {
    const data = { ...template };
    let missing = required;
    let at = 0;
    let index = 0;
    do {
      if (raw.charCodeAt(at++) !== (index === 0 ? OPENING_BRACE : COMMA)) {
        return undefined;
      }
      const place = placeAt(raw, at, order, index++);
      if (place === undefined) return undefined;
      const { isText } = place;
      at += place.label.length;
      const end = valueEnd(raw, at, place);
      const sent = raw.slice(at, end);
      const value = isText
        ? place.read(sent)
        : sent === "true" || (sent === "false" ? false : undefined);
      if (value === undefined) return undefined;
      data[place.name] = value;
      if (place.isRequired) missing--;
      at = end;
      if (isText && raw.charCodeAt(at++) !== QUOTE) return undefined;
    } while (raw.charCodeAt(at) !== CLOSING_BRACE);
    return missing === 0 && at + 1 === raw.length &&
        rule?.(data as T) === undefined
      ? data as T
      : undefined;
  };
}

/** The member at a place of the text; it is moved to `index` of the order, whose earlier ones are taken. */
function placeAt(
  raw: string,
  at: number,
  order: Place[],
  index: number,
): Place | undefined {
  for (let other = index; other < order.length; other++) {
    const place = order[other]!;
    if (raw.slice(at, at + place.label.length) !== place.label) continue;
    if (other > index) {
      order[other] = order[index]!;
      order[index] = place;
    }
    return place;
  }
  return undefined;
}

function valueEnd(
  raw: string,
  at: number,
  { isText, length }: Place,
): number {
  if (!isText) return at + (raw.charCodeAt(at) === SMALL_T ? 4 : 5);
  return length === undefined
    ? Math.max(at, raw.indexOf('"', at))
    : at + length;
}

const SMALL_T = 0x74;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
