/** Events for programs: one JSON object per line. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";

/**
 * Formats an event as one line of JSON, without the line feed:
 * `{"topic","node","receivedAt","delay"?,"recovered"?,"data"}`. `data` is the payload as the node
 * sent it, down to the spaces; only what would break the line or steer a terminal is written
 * differently, with the same meaning. A payload that is not JSON becomes a JSON string.
 *
 * @param delay Seconds from the start of its slot to its arrival, where both are known.
 */
export function formatJsonLine(
  { topic, node, receivedAt, recovered, raw }: BeaconEvent,
  delay: number | undefined,
): string {
  const head = JSON.stringify({ topic, node, receivedAt, delay, recovered });
  const data = isJson(raw) ? raw : JSON.stringify(raw);
  return escapeUnsafe(`${head.slice(0, -1)},"data":${data}}`);
}

/** What JSON allows between its tokens or in its strings, and a line or a terminal does not bear. */
const UNSAFE = /[\n\r\u007f-\u009f\u2028\u2029]/g;

/** In valid JSON line feeds stand between tokens only, the other characters in strings only. */
function escapeUnsafe(json: string): string {
  return json.replace(
    UNSAFE,
    (unit) =>
      unit === "\n" || unit === "\r"
        ? " "
        : `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
