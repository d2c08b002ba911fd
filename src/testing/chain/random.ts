/**
 * Seeded randomness: the same key gives the same values on every machine and
 * in every run. Not for cryptography.
 */

/** What a seeded value is derived from, such as a seed, a purpose and a slot. */
export type SeedKey = readonly (string | number)[];

/** An endless source of unsigned 32-bit integers for a key (the sfc32 generator). */
export function seededWords(...key: SeedKey): () => number {
  let [a, b, c, d] = hash(key.join("/"));
  const next = (): number => {
    const word = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + word | 0;
    return word >>> 0;
  };
  // The generator needs some rounds until similar keys have nothing in common.
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** An endless source of numbers in [0, 1) for a key. */
export function seededFractions(...key: SeedKey): () => number {
  const next = seededWords(...key);
  return () => next() / 2 ** 32;
}

/** Takes so many bytes from a source, as `0x` and lower-case hexadecimal digits. */
export function takeHex(next: () => number, bytes: number): string {
  let digits = "";
  while (digits.length < bytes * 2) {
    digits += next().toString(16).padStart(8, "0");
  }
  return `0x${digits.slice(0, bytes * 2)}`;
}

/** Four 32-bit words from a text, by multiplying and folding as in MurmurHash3. */
function hash(text: string): [number, number, number, number] {
  const words: [number, number, number, number] = [
    0x9e3779b9,
    0x243f6a88,
    0xb7e15162,
    0xdeadbeef,
  ];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    words[0] = Math.imul(words[0] ^ code, 0x85ebca6b);
    words[1] = Math.imul(words[1] ^ code, 0xc2b2ae35);
    words[2] = Math.imul(words[2] ^ code, 0x27d4eb2f);
    words[3] = Math.imul(words[3] ^ code, 0x165667b1);
  }
  for (let i = 0; i < 4; i++) {
    words[i] = words[i]! ^ (words[i]! >>> 15) ^ words[(i + 1) % 4]!;
  }
  return words;
}
