/**
 * What the command says about bad usage: one line that names the flag and the value, and never a
 * credential.
 */

import { redactUrl } from "../beacon/http/redact_url.ts";
import { shown } from "../values/shown.ts";

/** The command line cannot be understood; the command exits with code 2. */
export class UsageError extends Error {
  /** @param message One line that names the flag and the value. */
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** The longest value that is repeated in a message, in UTF-16 code units. */
const MAX_QUOTED = 80;

/**
 * A value as a message shows it. People put a URL behind the wrong flag too, so what looks like one
 * is redacted.
 */
export function quote(value: string): string {
  return shown(/:\/\/|@/.test(value) ? redactUrl(value) : value, MAX_QUOTED);
}
