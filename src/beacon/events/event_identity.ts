/**
 * What makes two reports the same event, so that an event that several nodes report is delivered
 * once.
 */

import { digest, type Hash, hash, joinHashes } from "../../values/digest.ts";
import type { BeaconEvent } from "./beacon_event.ts";
import type { Found } from "./primitives.ts";
import { type AnyTopicRecord, isTopicName, topicRecord } from "./topic.ts";

export interface EventIdentity {
  /** The topic and the members that make the event this one; at most 512 characters. */
  readonly key: string;
  /** A digest of the members that the schema does not know; `""` where there are none. */
  readonly extra: string;
  /**
   * How far the node had verified what it reports. It only grows while an event stays the same one.
   * 0 is optimistic, 1 is verified; for `head_v2` it is 0 to 5, where the payload status counts too.
   * Topics that are never optimistic are always verified.
   */
  readonly stage: number;
}

/**
 * Finds out what an event is about, from what its members mean: their order, case, and optional
 * members do not matter. An event of an unknown topic, or with a malformed payload, is its text.
 *
 * It costs about as much as reading the event; {@linkcode markOf} costs less.
 */
export function identify(event: BeaconEvent<string>): EventIdentity {
  const { topic, raw } = event;
  const record = topicRecord(topic);
  const data = record && dataOf(event);
  if (record === undefined || data === undefined) {
    const name = isTopicName(topic) ? topic : digest(topic);
    return { key: `${name}/${digest(raw)}`, extra: "", stage: 1 };
  }
  const { parts, extra } = search(record, data, raw);
  const text = parts.join("/");
  const key = `${topic}/${text.length > MOST_UNITS ? digest(text) : text}`;
  return { key, extra, stage: stageOf(event as BeaconEvent) };
}

/** An {@linkcode EventIdentity} in numbers, to compare with thousands of others. */
export interface EventMark extends Omit<EventIdentity, "key"> {
  /** Of what makes the event this one; the topic is not part of it. */
  readonly hash: Hash;
}

/** The same without a text. An event that no subscriber wants parsed is not parsed: it is its text. */
export function markOf(event: BeaconEvent<string>): EventMark {
  const { topic, raw } = event;
  const record = Object.hasOwn(event, "data") ? topicRecord(topic) : undefined;
  if (record === undefined) return { hash: hash(raw), extra: "", stage: 1 };
  const { identity, payload } = record;
  const data = event.data as Record<string, unknown>;
  const stage = stageOf(event as BeaconEvent);
  // Almost all events of the chain are flat and of members that are declared.
  const names = "only" in identity && payload.readText !== undefined
    ? identity.only
    : undefined;
  if (names !== undefined && payload.hasUnknown?.(data) === false) {
    let all = hashOf(data[names[0]!]);
    for (let index = 1; index < names.length; index++) {
      all = joinHashes(all, hashOf(data[names[index]!]));
    }
    return { hash: all, extra: "", stage };
  }
  const { parts, extra } = search(record, data, raw);
  const all = names?.map((name) => data[name]) ?? parts;
  return { hash: all.map(hashOf).reduce(joinHashes), extra, stage };
}

/** The events of a block have its slot and its root one after the other. */
function hashOf(part: unknown): Hash {
  const last = typeof part === "string" ? lastText : lastOther;
  if (part !== last.part) {
    last.part = part;
    last.hash = hash(String(part));
  }
  return last.hash;
}

const lastText = { part: "" as unknown, hash: hash("") };
const lastOther = { part: 0 as unknown, hash: hash("0") };

/**
 * Makes a text that two events share only if they report the same: for message ids, for the `id` of
 * a server-sent event, for a store. It does not depend on the node, the time, the order of members
 * or the process that makes it. An optimistic report has another one than the verified report.
 *
 * It does not know what came before: a node whose head goes from A to B and back to A reports A
 * twice, with the same identity.
 *
 * @param event The event.
 * @returns One line of at most 600 characters of ASCII.
 *
 * @example
 * ```ts
 * import { eventIdentity, parseEventData } from "@org/beacon-sse";
 * import { assertEquals } from "@std/assert";
 *
 * const root = "0x9a2fefd2fdb57f74993c7780ea5b9030d2897b615b89f808011ca5aebed54eaf";
 * const raw = `{"slot":"10","block":"${root}"}`;
 * const event = {
 *   topic: "block_gossip" as const,
 *   data: parseEventData("block_gossip", raw),
 *   raw,
 *   node: "a",
 *   receivedAt: 0,
 * };
 * assertEquals(eventIdentity(event), `block_gossip/10/${root}`);
 * ```
 */
export function eventIdentity(event: BeaconEvent<string>): string {
  const { key, extra, stage } = identify(event);
  return key + (stage === lastStageOf(event.topic) ? "" : `/stage-${stage}`) +
    (extra === "" ? "" : `/${extra}`);
}

/** The stage that is reached when all is verified. */
export function lastStageOf(topic: string): number {
  return topic === "head_v2" ? 5 : 1;
}

export function isOptimistic(event: BeaconEvent<string>): boolean {
  const { data } = event as BeaconEvent<"head" | "head_v2">;
  if (typeof data !== "object" || data === null) return false;
  const flags = "execution_optimistic" in data ? data : data.data;
  return flags?.execution_optimistic === true;
}

function dataOf(event: BeaconEvent<string>): unknown {
  try {
    return event.data;
  } catch {
    // It was not parsed before, and is malformed.
    return undefined;
  }
}

function search(
  { identity, payload }: AnyTopicRecord,
  data: unknown,
  raw: string,
): { parts: unknown[]; extra: string } {
  const isPart = "only" in identity
    ? (name: string) => identity.only.includes(name)
    : (name: string) => !identity.allBut.includes(name);
  const found: Found = { isPart, parts: [], unknown: [] };
  try {
    payload.search!(data, "", found);
  } catch {
    // Unknown members are nested too deep to be written again.
    found.unknown.push(raw);
  }
  const { parts, unknown } = found;
  return {
    parts,
    extra: unknown.length === 0 ? "" : digest(unknown.sort().join()),
  };
}

/** See {@linkcode EventIdentity.stage}. */
export function stageOf(event: BeaconEvent): number {
  const verified = isOptimistic(event) ? 0 : 1;
  return event.topic === "head_v2"
    ? 3 * verified + PAYLOAD_STAGES[event.data.data.payload_status]
    : verified;
}

const PAYLOAD_STAGES = { pending: 0, empty: 1, full: 2 };
const MOST_UNITS = 480;
