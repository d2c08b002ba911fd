/** What the command reports of bad usage: one line that names the flag and the value. */

import { redactUrl } from "../beacon/http/redact_url.ts";
import { shown } from "../values/shown.ts";

/** The command line cannot be understood; the command exits with code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "UsageError";
  }
}

/** @throws {UsageError} Always: the flag must be something else. */
export function refuse(flag: string, rule: string, value: string): never {
  throw new UsageError(`${flag} must be ${rule}, got ${quote(value)}`);
}

/**
 * A value as it may appear in a message. People put a URL behind the wrong flag too, so what looks
 * like one is redacted.
 */
export function quote(value: string): string {
  return shown(/:\/\/|@/.test(value) ? redactUrl(value) : value, 80);
}
