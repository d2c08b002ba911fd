/**
 * Length in bytes of `text` as UTF-8. A surrogate pair counts 4 also where it is cut between two
 * pieces, given the code unit in front of this piece; a lone surrogate counts 3, as U+FFFD does.
 *
 * @param text The piece to measure.
 * @param previous The code unit that stands before it, 0 for none.
 * @returns Bytes.
 */
export function utf8Length(text: string, previous = 0): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (isLowSurrogate(unit) && isHighSurrogate(previous)) bytes += 1;
    else bytes += 3;
    previous = unit;
  }
  return bytes;
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}
