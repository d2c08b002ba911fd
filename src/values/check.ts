/** How a wrong option is told, everywhere: what was to be done, the option, the rule, the value. */

/** @throws {TypeError} Always. */
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

/** @throws {TypeError} If the options are no object. */
export function checkObject(
  action: string,
  name: string,
  value: unknown,
): void {
  if (typeof value !== "object" || value === null) {
    refuse(action, name, "an object", value);
  }
}

/** @throws {TypeError} If a value is given that is no function. */
export function checkFunction(
  action: string,
  name: string,
  value: unknown,
): void {
  if (value !== undefined && typeof value !== "function") {
    refuse(action, name, "a function", value);
  }
}

/** @throws {TypeError} If a value is given that is no signal. */
export function checkSignal(action: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal)) {
    refuse(action, "signal", "an AbortSignal", value);
  }
}

/** @throws {RangeError} If a value is no positive integer, or above `most`. */
export function checkPositive(
  action: string,
  name: string,
  value: unknown,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (
    Number.isSafeInteger(value) && 1 <= Number(value) && Number(value) <= most
  ) {
    return;
  }
  const bound = most === Number.MAX_SAFE_INTEGER ? "" : ` of at most ${most}`;
  throw new RangeError(
    `Cannot ${action}: ${name} must be a positive integer${bound}, got ${
      shown(value)
    }`,
  );
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value.slice(0, MOST_UNITS));
    case "function":
      return "a function";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `an array of ${value.length}` : "an object";
    default:
      return String(value);
  }
}

const MOST_UNITS = 200;
