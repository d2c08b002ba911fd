/**
 * Text from a node, fit for a log line: control characters are escaped, so that no line can be
 * forged and no terminal be steered, and the length is bounded.
 *
 * @param text Text of unknown origin.
 * @param length The most characters to keep.
 * @returns One line.
 */
export function printable(text: string, length = 200): string {
  const excerpt = text.length > length ? `${text.slice(0, length)}…` : text;
  return excerpt.replace(
    // deno-lint-ignore no-control-regex -- these are what is to be escaped
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
