/**
 * A short stand-in for a long text: eleven characters that two texts share by chance only, once in
 * 2^64. It is no protection against forgery.
 */
export function digest(text: string): string {
  const { one, other } = hash(text);
  return String.fromCharCode(
    digit(one),
    digit(one >>> 6),
    digit(one >>> 12),
    digit(one >>> 18),
    digit(one >>> 24),
    digit(one >>> 30 | other << 2),
    digit(other >>> 4),
    digit(other >>> 10),
    digit(other >>> 16),
    digit(other >>> 22),
    digit(other >>> 28),
  );
}

export interface Hash {
  one: number;
  other: number;
}

/** What {@linkcode digest} writes as text. */
export function hash(text: string): Hash {
  const { length } = text;
  let one = 0x811c9dc5 ^ length;
  let other = 0x1b873593 ^ length;
  // Four units at a time; beyond the end they are NaN, which counts as 0.
  for (let index = 0; index < length; index += 4) {
    one ^= text.charCodeAt(index) | text.charCodeAt(index + 1) << 16;
    other ^= text.charCodeAt(index + 2) | text.charCodeAt(index + 3) << 16;
    one = Math.imul(one << 13 | one >>> 19, 0xcc9e2d51) + other | 0;
    other = Math.imul(other << 15 | other >>> 17, 0x85ebca6b) + one | 0;
  }
  one = finish(one);
  return { one, other: finish(other ^ one) };
}

export function joinHashes(first: Hash, second: Hash): Hash {
  const one = finish(Math.imul(first.one, 0xcc9e2d51) ^ second.one);
  return {
    one,
    other: finish(Math.imul(first.other, 0x85ebca6b) ^ second.other) ^ one,
  };
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}

/** One of 64 letters and digits that need no escape in JSON or in a file's name. */
function digit(bits: number): number {
  return DIGITS.charCodeAt(bits & 63);
}

const DIGITS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
