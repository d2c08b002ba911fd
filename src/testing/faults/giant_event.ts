/** The largest event that the Beacon API allows. */

import { attestationData } from "../chain/event_payloads.ts";
import { seededWords, takeHex } from "../node/random.ts";
import type { SimulatedChain } from "../chain/simulated_chain.ts";

/** The topic of {@linkcode giantEvent}. */
export const GIANT_TOPIC = "attester_slashing";

/** Indices have seven digits, as most have on mainnet. */
const FIRST_INDEX = 1_000_000;
/** So many indices are made at a time. */
const BATCH = 4_096;

/**
 * An `attester_slashing` whose validators voted for two blocks of one slot;
 * made piece by piece. Each `salt` makes another one.
 */
export function* giantEvent(
  chain: SimulatedChain,
  indices: number,
  salt: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const { slot, parentRoot } = chain.head;
  const vote = attestationData(chain, slot);
  const next = seededWords("giant event", chain.head.root, salt);
  yield encoder.encode(`event:${GIANT_TOPIC}\ndata:{`);
  for (const number of [1, 2]) {
    const data = number === 1
      ? vote
      : { ...vote, beacon_block_root: parentRoot };
    yield encoder.encode(`"attestation_${number}":{"attesting_indices":[`);
    for (let from = 0; from < indices; from += BATCH) {
      const count = Math.min(BATCH, indices - from);
      const batch = Array.from(
        { length: count },
        (_, i) => `"${FIRST_INDEX + from + i}"`,
      );
      yield encoder.encode((from > 0 ? "," : "") + batch.join(","));
    }
    const signature = takeHex(next, 96);
    yield encoder.encode(
      `],"data":${JSON.stringify(data)},"signature":"${signature}"}${
        number === 1 ? "," : ""
      }`,
    );
  }
  yield encoder.encode("}\n\n");
}
