/**
 * From the text of an event to its checked payload. Everything that a node sends passes here, up
 * to thousands a second.
 */

import * as v from "@valibot/valibot";
import { shown } from "../../values/shown.ts";
import {
  type AnyTopicRecord,
  type EventData,
  isTopicName,
  topicRecord,
} from "./topic.ts";

const ABORT_EARLY = { abortEarly: true };
/** The most characters of a refused value that a message shows. */
const EXCERPT_LENGTH = 57;
/** The rules of valibot's own schemas, by their type. */
const RULES: { readonly [type: string]: string } = {
  loose_object: "must be an object",
  array: "must be an array",
};

/**
 * Parses the payload of an event and checks it.
 *
 * Members keep the names of the Beacon API. Slots, epochs, indices and times become numbers,
 * amounts stay decimal strings, hex becomes lower-case. Members that are not known stay as the node
 * sent them; an optional member that is `null` is absent. The payload of an unknown topic is parsed
 * only.
 *
 * @param topic Topic of the event.
 * @param raw Payload as the node sent it.
 * @returns The payload, typed by the topic.
 * @throws {SyntaxError} If `raw` is not JSON.
 * @throws {TypeError} If a member is missing or wrong; the message names it.
 *
 * @example
 * ```ts
 * import { parseEventData } from "@org/beacon-sse";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const root = "0x9a2fefd2fdb57f74993c7780ea5b9030d2897b615b89f808011ca5aebed54eaf";
 * const block = parseEventData("block", `{"slot":"10","block":"${root}"}`);
 * assertEquals(block, { slot: 10, block: root, execution_optimistic: false });
 *
 * assertThrows(
 *   () => parseEventData("block", `{"slot":"ten","block":"${root}"}`),
 *   TypeError,
 *   'Cannot parse block event: slot must be a decimal integer, got "ten"',
 * );
 * ```
 */
export function parseEventData<T extends string>(
  topic: T,
  raw: string,
): EventData<T> {
  return readPayload(topic, raw, topicRecord(topic)) as EventData<T>;
}

/** The same, for a caller that has the topic's record already. */
export function readPayload(
  topic: string,
  raw: string,
  record: AnyTopicRecord | undefined,
): unknown {
  const read = record?.payload.readText?.(raw);
  if (read !== undefined) return read;
  let value: unknown;
  try {
    value = JSON.parse(raw);
  } catch (cause) {
    throw new SyntaxError(
      `Cannot parse ${label(topic)} event: payload must be JSON, got ${
        shown(raw, EXCERPT_LENGTH)
      }`,
      { cause },
    );
  }
  if (record === undefined) return value;
  const data = record.payload.read(value);
  if (data !== undefined) return data;
  // Parsed again, since a part of the value may have been read in place.
  const result = v.safeParse(
    record.payload.schema,
    JSON.parse(raw),
    ABORT_EARLY,
  );
  if (result.success) return result.output;
  throw new TypeError(
    `Cannot parse ${label(topic)} event: ${describe(result.issues[0])}`,
    { cause: new v.ValiError(result.issues) },
  );
}

/** Names the member, the rule that it breaks, and its value. */
function describe(issue: v.BaseIssue<unknown>): string {
  // A rule between members names them itself.
  if (issue.kind === "validation") return issue.message;
  const path = issue.path ?? [];
  const last = path.at(-1);
  if (last?.origin === "key" && !Array.isArray(last.input)) {
    return `${nameOf(path)} is missing`;
  }
  // An array passes valibot as an object that has no members.
  if (last?.origin === "key") {
    return `${nameOf(path.slice(0, -1))} must be an object, got an array`;
  }
  const rule = RULES[issue.type] ?? issue.message;
  return `${nameOf(path)} ${rule}, got ${shown(issue.input, EXCERPT_LENGTH)}`;
}

function nameOf(path: readonly v.IssuePathItem[]): string {
  return path.map(({ key }) => key).join(".") || "payload";
}

/** The topic, unless it could forge a line of the log: it comes from the node. */
function label(topic: string): string {
  return isTopicName(topic) ? topic : shown(topic, EXCERPT_LENGTH);
}
