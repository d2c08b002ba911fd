/**
 * Which chain events of a slot a reader has received, in ten digits of its position. Another gateway
 * has mostly the same events, in another order: it looks for the set of its own events that has the
 * same digest, and leaves those out.
 */

import { digest as digestOf } from "../../values/digest.ts";
import { DIGEST_LIMIT } from "./position.ts";

/** Adds an event to a digest. */
export function addToDigest(digest: number, identity: string): number {
  return (digest + hash(identity)) % DIGEST_LIMIT;
}

/**
 * Finds the events that a digest is made of. Where several sets fit, it returns what they have in
 * common, so that nothing is left out that the reader may not have.
 *
 * @param digest The digest of the reader's position.
 * @param identities The events that may be in it; of more than sixteen the first are tried.
 * @returns The events' indices; `undefined` where no set fits.
 */
export function eventsOfDigest(
  digest: number,
  identities: readonly string[],
): ReadonlySet<number> | undefined {
  const hashes = identities.slice(0, MOST_CANDIDATES).map(hash);
  let common: number | undefined;
  const sums = new Float64Array(1 << hashes.length);
  for (let set = 0; set < sums.length; set++) {
    if (set > 0) {
      const lowest = 31 - Math.clz32(set & -set);
      sums[set] = (sums[set & (set - 1)]! + hashes[lowest]!) % DIGEST_LIMIT;
    }
    if (sums[set] === digest) {
      common = common === undefined ? set : common & set;
    }
  }
  if (common === undefined) return undefined;
  return new Set(hashes.keys().filter((i) => (common & (1 << i)) !== 0));
}

const MOST_CANDIDATES = 16;

/** A digest as a number below the limit. */
function hash(text: string): number {
  let number = 0;
  for (const letter of digestOf(text)) {
    number = (number * 128 + letter.charCodeAt(0)) % DIGEST_LIMIT;
  }
  return number;
}
