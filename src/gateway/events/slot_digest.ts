/**
 * Which chain events of a slot a reader has received, in ten digits of its position. Another gateway
 * has mostly the same events, in another order: it looks for the set of its own events that has the
 * same digest.
 */

import { digest as digestOf } from "../../values/digest.ts";
import { DIGEST_LIMIT, type Digests, NO_DIGEST } from "./position.ts";

/** The digests of a stream: of its latest slot, and of the slot before. */
export class SlotDigests {
  #slot: number;
  #before: number;
  #latest: number;

  /**
   * @param slot The slot that it begins with; 0 where that is not known.
   * @param digests What there is of that slot and the one before.
   */
  constructor(slot = 0, [before, latest]: Digests = [NO_DIGEST, 0]) {
    this.#slot = slot;
    this.#before = before;
    this.#latest = latest;
  }

  /** The latest slot; 0 before there is one. */
  get slot(): number {
    return this.#slot;
  }

  /** The digests so far. */
  get value(): Digests {
    return [this.#before, this.#latest];
  }

  /** Goes on to a slot; an earlier one changes nothing. */
  moveTo(slot: number): void {
    if (slot <= this.#slot) return;
    if (this.#slot > 0) {
      this.#before = slot === this.#slot + 1 ? this.#latest : 0;
    }
    this.#latest = 0;
    this.#slot = slot;
  }

  /** Adds an event by its own slot; one of an older slot is in no digest. */
  add(slot: number | undefined, form: string): void {
    if (slot === this.#slot) {
      this.#latest = addToDigest(this.#latest, form);
    } else if (slot === this.#slot - 1 && this.#before !== NO_DIGEST) {
      this.#before = addToDigest(this.#before, form);
    }
  }
}

/**
 * An event in a digest: its identity, but of a reorg without the head that was left, so that all
 * forms of a slot's events follow from the roots of its blocks.
 */
export function digestForm(identity: string): string {
  const [topic, slot, , ...rest] = identity.split("/");
  return topic === "chain_reorg" ? [topic, slot, ...rest].join("/") : identity;
}

/** Adds an event's form to a digest. */
export function addToDigest(digest: number, form: string): number {
  return (digest + hash(form)) % DIGEST_LIMIT;
}

/**
 * Finds the events that a digest is made of. Where several sets fit, it returns what they have in
 * common, so that nothing is left out that the reader may not have.
 *
 * @param digest The digest of the reader's position.
 * @param forms The events that may be in it, the likeliest first; the first fourteen are tried.
 * @returns Those that are in it; `undefined` where no set fits.
 */
export function eventsOfDigest(
  digest: number,
  forms: readonly string[],
): readonly string[] | undefined {
  const hashes = forms.slice(0, MOST_CANDIDATES).map(hash);
  const sums = new Float64Array(1 << hashes.length);
  let common = digest === 0 ? 0 : undefined;
  for (let set = 1; set < sums.length; set++) {
    const lowest = 31 - Math.clz32(set & -set);
    const sum = (sums[set & (set - 1)]! + hashes[lowest]!) % DIGEST_LIMIT;
    sums[set] = sum;
    if (sum !== digest || !isInOrder(set, forms)) continue;
    common = (common ?? set) & set;
  }
  if (common === undefined) return undefined;
  return forms.filter((_, i) => i < MOST_CANDIDATES && common & (1 << i));
}

/** Of equal forms the first ones are taken, so that they are no different sets. */
function isInOrder(set: number, forms: readonly string[]): boolean {
  return forms.slice(0, MOST_CANDIDATES).every((form, i) => {
    const before = forms.lastIndexOf(form, i - 1);
    return i === 0 || before === -1 || !(set & (1 << i)) ||
      (set & (1 << before)) !== 0;
  });
}

const MOST_CANDIDATES = 14;

/** A digest as a number below the limit. */
function hash(text: string): number {
  let number = 0;
  for (const letter of digestOf(text)) {
    number = (number * 128 + letter.charCodeAt(0)) % DIGEST_LIMIT;
  }
  return number;
}
