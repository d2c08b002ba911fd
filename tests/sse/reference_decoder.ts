/**
 * The event stream interpretation of the WHATWG HTML standard, step by step over the whole text:
 * slow, and simple enough to be checked against the standard by eye. The judge in the fuzz tests.
 */

import type { ServerSentEvent } from "@org/beacon-sse/sse";

/** What a decoder may report about a whole stream. */
export interface Decoded {
  events: ServerSentEvent[];
  comments: string[];
  retries: number[];
  oversized: number;
  lastEventId: string;
}

/** Decodes a whole stream; events over the cap are left out and counted. */
export function decodeReference(
  stream: string,
  maxEventBytes = Infinity,
): Decoded {
  const decoded: Decoded = {
    events: [],
    comments: [],
    retries: [],
    oversized: 0,
    lastEventId: "",
  };
  const lines = stream.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/);
  const unterminated = lines.pop()!;
  let data: string[] = [];
  let type = "";
  let id = "";
  let idBuffer = "";
  let skipping = false;

  function readLine(line: string, isTerminated: boolean) {
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (colon === 0) {
      if (isTerminated) decoded.comments.push(value.slice(0, 1024));
      return;
    }
    // Of an unterminated line, a field is known by its colon only.
    const known = ["data", "event", "id", "retry"].includes(field) &&
      (isTerminated || colon > 0);
    if (skipping || !known) return;
    const lineFeed = field === "data" && data.length > 0 ? 1 : 0;
    if (
      bytes(data.join("\n")) + bytes(type) + bytes(id) + lineFeed +
          bytes(value) > maxEventBytes
    ) {
      decoded.oversized++;
      skipping = true;
      data = [];
      type = id = "";
      idBuffer = decoded.lastEventId;
      return;
    }
    if (!isTerminated) return;
    if (field === "data") data.push(value);
    if (field === "event") type = value;
    if (field === "id" && !value.includes("\0")) id = idBuffer = value;
    if (field === "retry" && /^[0-9]+$/.test(value)) {
      decoded.retries.push(Number(value));
    }
  }

  for (const line of lines) {
    if (line !== "") {
      readLine(line, true);
      continue;
    }
    if (!skipping) {
      decoded.lastEventId = idBuffer;
      if (data.length > 0) {
        decoded.events.push({
          type: type || "message",
          data: data.join("\n"),
          lastEventId: idBuffer,
        });
      }
    }
    data = [];
    type = id = "";
    skipping = false;
  }
  if (unterminated !== "") readLine(unterminated, false);
  return decoded;
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
