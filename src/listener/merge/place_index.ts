import type { Hash } from "../../values/digest.ts";

/**
 * A hash table over the places of a ring, in arrays of numbers. A `Map` would keep all texts, and it
 * is copied again and again where as many are deleted as are added.
 */
export class PlaceIndex {
  readonly #ones: Int32Array;
  readonly #others: Int32Array;
  /** The first place of each bucket, and the place that follows each place in its bucket. */
  readonly #first: Int32Array;
  readonly #following: Int32Array;
  readonly #isUsed: Uint8Array;

  /** @param capacity A power of two. */
  constructor(capacity: number) {
    this.#ones = new Int32Array(capacity);
    this.#others = new Int32Array(capacity);
    this.#first = new Int32Array(2 * capacity).fill(NONE);
    this.#following = new Int32Array(capacity).fill(NONE);
    this.#isUsed = new Uint8Array(capacity);
  }

  find({ one, other }: Hash): number | undefined {
    let place = this.#first[this.#bucketOf(one)]!;
    while (
      place !== NONE &&
      (this.#ones[place] !== one || this.#others[place] !== other)
    ) place = this.#following[place]!;
    return place === NONE ? undefined : place;
  }

  isUsed(place: number): boolean {
    return this.#isUsed[place] === 1;
  }

  add({ one, other }: Hash, place: number): void {
    const bucket = this.#bucketOf(one);
    this.#ones[place] = one;
    this.#others[place] = other;
    this.#following[place] = this.#first[bucket]!;
    this.#first[bucket] = place;
    this.#isUsed[place] = 1;
  }

  remove(place: number): void {
    const bucket = this.#bucketOf(this.#ones[place]!);
    const following = this.#following[place]!;
    if (this.#first[bucket] === place) this.#first[bucket] = following;
    else {
      let before = this.#first[bucket]!;
      while (this.#following[before] !== place) {
        before = this.#following[before]!;
      }
      this.#following[before] = following;
    }
    this.#isUsed[place] = 0;
  }

  /** A copy with twice the places, in which the place `oldest` of this full one is the first. */
  doubled(oldest: number): PlaceIndex {
    const capacity = this.#ones.length;
    const copy = new PlaceIndex(2 * capacity);
    for (let place = 0; place < capacity; place++) {
      const from = (place + oldest) % capacity;
      copy.add({ one: this.#ones[from]!, other: this.#others[from]! }, place);
    }
    return copy;
  }

  #bucketOf(one: number): number {
    return one & (this.#first.length - 1);
  }
}

const NONE = -1;
