/**
 * Remembers the latest 2048 texts. They are compared as a whole; a few of their units tell which ones
 * to compare. A `Set` would read all units of each text and grow again and again, which takes several
 * times as long.
 */
export class RecentTexts implements Iterable<string> {
  /** Each text has a number; its place here is that modulo the capacity. */
  readonly #texts: string[] = [];
  /** The number of the latest text in each bucket, and of the one before each text in its bucket. */
  readonly #latest = new Int32Array(BUCKETS);
  readonly #before = new Int32Array(CAPACITY);
  #next = 0;

  /** Returns whether the text was not remembered before. */
  add(text: string): boolean {
    const next = this.#next;
    const bucket = bucketOf(text);
    let number = this.#latest[bucket]!;
    // Numbers wrap around; a place that was used again ends the way back.
    let age = 0;
    let older = next - number | 0;
    while (older > age && older <= CAPACITY) {
      if (this.#texts[number & MASK] === text) return false;
      age = older;
      number = this.#before[number & MASK]!;
      older = next - number | 0;
    }
    this.#texts[next & MASK] = text;
    this.#before[next & MASK] = this.#latest[bucket]!;
    this.#latest[bucket] = next;
    this.#next = next + 1 | 0;
    return true;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#texts.values();
  }
}

/** From units all over the text: what tells events apart may stand anywhere. */
function bucketOf(text: string): number {
  const step = (text.length >>> 4) + 1;
  let bucket = text.length;
  for (let at = text.length - 1; at >= 0; at -= step) {
    bucket = Math.imul(bucket ^ text.charCodeAt(at), 0x9e3779b1);
  }
  return bucket >>> BUCKET_SHIFT;
}

const CAPACITY = 2048;
const MASK = CAPACITY - 1;
const BUCKETS = 2 * CAPACITY;
const BUCKET_SHIFT = Math.clz32(BUCKETS) + 1;
