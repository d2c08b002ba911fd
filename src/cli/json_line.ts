/** Events for programs: one JSON object per line. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";

/**
 * Formats an event as one line of JSON, without the line feed:
 * `{"topic","node","receivedAt","delay"?,"recovered"?,"data"}`. `data` is the payload as the node
 * sent it, down to the spaces; only what would break the line or speak to a terminal is written
 * differently, with the same meaning.
 *
 * @param event The event.
 * @param delay Seconds from the start of its slot to its arrival, where both are known; negative
 *   where the node's clock, ours, or the genesis time disagree.
 */
export function formatJsonLine(
  event: BeaconEvent,
  delay: number | undefined,
): string {
  const topic = escapeUnsafe(JSON.stringify(event.topic));
  const node = escapeUnsafe(JSON.stringify(event.node));
  const delayed = delay === undefined ? "" : `,"delay":${delay}`;
  const recovered = event.recovered === true ? ',"recovered":true' : "";
  const head =
    `{"topic":${topic},"node":${node},"receivedAt":${event.receivedAt}`;
  return `${head}${delayed}${recovered},"data":${formatPayload(event.raw)}}`;
}

/** The payload as it stands in the line; a payload that is not JSON becomes a JSON string. */
function formatPayload(raw: string): string {
  return escapeUnsafe(isJson(raw) ? raw : JSON.stringify(raw));
}

/** What JSON allows between its tokens or in its strings, and a line or a terminal does not bear. */
const UNSAFE = /[\n\r\u007f-\u009f\u2028\u2029]/g;

/** In valid JSON line feeds stand between tokens only, the other characters in strings only. */
function escapeUnsafe(json: string): string {
  return json.replace(
    UNSAFE,
    (c) => c === "\n" || c === "\r" ? " " : escapeUnit(c),
  );
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
