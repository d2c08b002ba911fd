/**
 * What the command says about bad usage: one line that names the flag and the value, and never a
 * credential.
 */

import { printable } from "../values/printable.ts";

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
 * A value as it may appear in a message: in quotes, on one line, cut when it is long. People put a
 * URL behind the wrong flag too, so anything like one is redacted.
 */
export function quote(value: string): string {
  const text = /:\/\/|@/.test(value) ? redactUrl(value) : value;
  const cut = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return printable(JSON.stringify(cut), Infinity);
}

/**
 * Hides what may be secret in a URL, well-formed or not: userinfo, path and query. Scheme and host
 * remain.
 */
export function redactUrl(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? "";
  const at = text.lastIndexOf("@");
  const userinfo = at < 0 ? "" : "***@";
  const [host, separator] = text.slice(Math.max(scheme.length, at + 1)).split(
    /([/?#])/,
    2,
  );
  const isBare = separator === undefined ||
    text.endsWith(`${host}${separator}`);
  return `${scheme}${userinfo}${host}${separator ?? ""}${isBare ? "" : "***"}`;
}
