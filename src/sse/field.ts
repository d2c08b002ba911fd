/** The fields of an event stream's lines, recognised by how a line begins. */

/** What a line is: one of the standard's four fields, a comment, or a line to ignore. */
export type Field = "data" | "event" | "id" | "retry" | "comment" | "unknown";

/**
 * The field of the line `text[start, end)`, which must not be empty.
 *
 * @param isWhole Whether the line ends at `end`; otherwise more text may follow.
 * @returns `undefined` if more text could change the answer.
 */
export function fieldAt(
  text: string,
  start: number,
  end: number,
  isWhole: boolean,
): Field | undefined {
  const field = fieldOfInitial(text.charCodeAt(start));
  if (field === "comment" || field === "unknown") return field;
  const nameEnd = start + field.length;
  const compared = Math.min(nameEnd, end);
  for (let at = start + 1; at < compared; at++) {
    if (text.charCodeAt(at) !== field.charCodeAt(at - start)) return "unknown";
  }
  if (nameEnd < end) {
    return text.charCodeAt(nameEnd) === COLON ? field : "unknown";
  }
  if (!isWhole) return undefined;
  return nameEnd === end ? field : "unknown";
}

/** How far into its line the value of a field begins; the optional space is not counted. */
export function valueOffset(field: Field): number {
  return field === "comment" ? 1 : field.length + 1;
}

function fieldOfInitial(unit: number): Field {
  switch (unit) {
    case 0x64:
      return "data";
    case 0x65:
      return "event";
    case 0x69:
      return "id";
    case 0x72:
      return "retry";
    case COLON:
      return "comment";
    default:
      return "unknown";
  }
}

const COLON = 0x3a;
