/** Log lines of the command, for people: time, level, node, message and error, and what to do. */

import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
} from "../beacon/http/errors.ts";
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
  const line = addHint(`${source}${message}${cause}`, error);
  return `${formatTime(now)} ${level.padEnd(5)} ${line}`;
}

/** What the runtimes report where a port does not speak TLS. */
const NO_TLS =
  /(?:client error \(Connect\): )?received corrupt message of type \w+|.*wrong version number.*/;

/**
 * A message on one line, with what a user can do about it.
 *
 * @param message The message.
 * @param error What it is about.
 */
export function addHint(message: string, error: Error | undefined): string {
  const text = printable(message.replace(/\s+/g, " "), 1000);
  if (error instanceof BeaconNetworkError && NO_TLS.test(text)) {
    return text.replace(NO_TLS, "the port does not speak TLS, try http://");
  }
  const hint = hintFor(error);
  return hint === undefined ? text : `${text} (${hint})`;
}

function hintFor(error: Error | undefined): string | undefined {
  if (error instanceof BeaconHttpError) {
    switch (error.status) {
      case 401:
      case 403:
        return 'a key may be given with --header "Name: value"';
      case 404:
      case 405:
        return "is this a beacon node's REST address?";
    }
  }
  return error instanceof BeaconProtocolError &&
      /content type|not JSON/.test(error.message)
    ? "is this a beacon node's REST address?"
    : undefined;
}
