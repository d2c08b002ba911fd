/** The forms that the WHATWG standard allows for one and the same event stream. */

import type { EventMessage } from "../node/event_connection.ts";
import type { WireFormFault } from "./stream_fault.ts";

/** How messages are written. */
export type WireForm = Pick<WireFormFault, "lineEnd" | "space">;

const LINE_ENDS = { lf: "\n", crlf: "\r\n", cr: "\r" };

/** Writes a message with its blank line, in UTF-8. */
export function encodeMessage(
  { event, data, comment, retry }: EventMessage,
  { lineEnd = "lf", space = false }: WireForm = {},
): Uint8Array<ArrayBuffer> {
  const end = LINE_ENDS[lineEnd];
  const lines: string[] = [];
  const add = (name: string, text: string | undefined): void => {
    if (text === undefined) return;
    for (const line of text.split(/\r\n|\r|\n/)) {
      lines.push(`${name}:${space ? " " : ""}${line}${end}`);
    }
  };
  add("", comment);
  add("event", event);
  add("data", data);
  add("retry", retry?.toString());
  return new TextEncoder().encode(lines.join("") + end);
}
