/** Checks of options. A wrong one ends in an error that names the action, the option, the rule and the value. */

import { nearest } from "./nearest.ts";
import { shown } from "./shown.ts";

export function refuse(
  action: string,
  name: string,
  rule: string,
  value: unknown,
): never {
  throw new TypeError(
    `Cannot ${action}: ${name} must be ${rule}, got ${shown(value)}`,
  );
}

export function checkObject(
  action: string,
  name: string,
  value: unknown,
): void {
  if (typeof value !== "object" || value === null) {
    refuse(action, name, "an object", value);
  }
}

/**
 * Refuses a name that no option has: it would be ignored silently. The error has the nearest known
 * one.
 */
export function checkNames(
  action: string,
  name: string,
  options: object,
  known: Readonly<Record<string, true>>,
): void {
  for (const given of Object.keys(options)) {
    if (Object.hasOwn(known, given)) continue;
    const meant = nearest(given, Object.keys(known));
    throw new TypeError(
      `Cannot ${action}: ${name} must have known names only, got ${
        shown(given)
      }${meant === undefined ? "" : `; did you mean ${shown(meant)}?`}`,
    );
  }
}

export function checkFunction(
  action: string,
  name: string,
  value: unknown,
): void {
  if (value !== undefined && typeof value !== "function") {
    refuse(action, name, "a function", value);
  }
}

export function checkSignal(action: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    refuse(action, "signal", "an AbortSignal", value);
  }
}

export function checkInteger(
  action: string,
  name: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  const number = Number.isSafeInteger(value) ? Number(value) : NaN;
  if (least <= number && number <= most) return;
  const rule = most !== Number.MAX_SAFE_INTEGER
    ? `an integer from ${least} to ${most}`
    : least === 1
    ? "a positive integer"
    : `an integer from ${least} on`;
  throw new RangeError(
    `Cannot ${action}: ${name} must be ${rule}, got ${shown(value)}`,
  );
}
