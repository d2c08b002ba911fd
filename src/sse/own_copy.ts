/** A copy that does not refer to the text that it was cut from, and keeps none of it alive. */
export function ownCopy(text: string): string {
  // V8 makes shorter slices copies already.
  return text.length < 13 ? text : (" " + text).slice(1);
}
