/** Log lines of the command, for people: time, level, node, message and error. */

import type { LogEntry } from "../listener/log.ts";
import { printable } from "../values/shown.ts";
import { formatTime } from "./pretty_line.ts";

/**
 * Formats a log entry as one line.
 *
 * @param entry What happened.
 * @param now When, in milliseconds.
 */
export function formatLogLine(
  entry: LogEntry,
  now: number = Date.now(),
): string {
  const { level, message, node, error } = entry;
  const source = node === undefined || message.includes(node)
    ? ""
    : `${node}: `;
  const cause = error === undefined || message.includes(error.message)
    ? ""
    : `: ${error.message}`;
  const line = `${source}${message}${cause}`.replace(/\s+/g, " ");
  return `${formatTime(now)} ${level.padEnd(5)} ${printable(line, 1000)}`;
}
