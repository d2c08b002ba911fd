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
 * @param reorgs Events of which one may be in it besides.
 * @returns Their identities; `undefined` where no set fits.
 */
export function eventsOfDigest(
  digest: number,
  identities: readonly string[],
  reorgs: readonly string[] = [],
): readonly string[] | undefined {
  const hashes = identities.slice(0, MOST_CANDIDATES).map(hash);
  const sums = new Float64Array(1 << hashes.length);
  for (let set = 1; set < sums.length; set++) {
    const lowest = 31 - Math.clz32(set & -set);
    sums[set] = (sums[set & (set - 1)]! + hashes[lowest]!) % DIGEST_LIMIT;
  }
  for (const reorg of [undefined, ...reorgs]) {
    const own = reorg === undefined ? 0 : hash(reorg);
    const rest = (digest - own + DIGEST_LIMIT) % DIGEST_LIMIT;
    let common: number | undefined;
    for (const [set, sum] of sums.entries()) {
      if (sum === rest) common = common === undefined ? set : common & set;
    }
    if (common === undefined) continue;
    const found = identities.filter((_, i) =>
      i < MOST_CANDIDATES && (common & (1 << i)) !== 0
    );
    return reorg === undefined ? found : [...found, reorg];
  }
  return undefined;
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
