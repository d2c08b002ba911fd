/** Log lines of the command, for people: time, level, node, message and error, and what to do. */

import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
} from "../beacon/http/errors.ts";
import type { LogEntry } from "../listener/log.ts";
import { printable } from "../values/shown.ts";
import { formatTime } from "./pretty_line.ts";

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
  /(?:client error \(Connect\): )?received corrupt message of type \w+|\w+:error:\w+:SSL routines:\w+:wrong version number:\S*\s?/;

/** A message about an error on one line, with what a user can do about it. */
export function addHint(message: string, error: Error | undefined): string {
  const text = printable(message.replace(/\s+/g, " "), 1000);
  if (error instanceof BeaconNetworkError && NO_TLS.test(text)) {
    return text.replace(NO_TLS, "the port does not speak TLS, try http://");
  }
  const hint = hintFor(error);
  return hint === undefined ? text : `${text} (${hint})`;
}

function hintFor(error: Error | undefined): string | undefined {
  const status = error instanceof BeaconHttpError ? error.status : 0;
  if (status === 401 || status === 403) {
    return 'a key may be given with --header "Name: value"';
  }
  const isOther = error instanceof BeaconProtocolError &&
    /content type|not JSON/.test(error.message);
  return status === 404 || status === 405 || isOther
    ? "is this a beacon node's REST address?"
    : undefined;
}
