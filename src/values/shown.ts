/** How values and foreign text are shown in messages, on one line and bounded. */

/** A value, as an error message shows it: at most so many characters of a text. */
export function shown(value: unknown, most = 200): string {
  switch (typeof value) {
    case "string": {
      const json = JSON.stringify(value.slice(0, most + 1)).slice(1, -1);
      const text = printable(json, Infinity);
      return text.length > most ? `"${text.slice(0, most)}…"` : `"${text}"`;
    }
    case "function":
      return "a function";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `an array of ${value.length}` : "an object";
    default:
      return String(value);
  }
}

/**
 * At most so many characters of foreign text. Control characters are escaped, so that it can
 * neither forge a line of a log nor steer a terminal.
 */
export function printable(text: string, most = 200): string {
  const excerpt = text.length > most ? `${text.slice(0, most)}…` : text;
  return excerpt.replace(
    // deno-lint-ignore no-control-regex -- these are the characters to escape
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
