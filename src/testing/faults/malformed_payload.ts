/** Payloads that are not what the Beacon API says of their topic. */

/**
 * The n-th malformed payload to send after a good one.
 *
 * @param n Counted from 0; the payloads come in turn.
 * @param good The data of the event before it.
 */
export function malformedPayload(n: number, good: string): string {
  const kinds = [good.slice(0, Math.floor(good.length / 2)), ...PAYLOADS];
  return kinds[n % kinds.length]!;
}

const LEVELS = 10_000;

const PAYLOADS = [
  "not JSON",
  "null",
  "[]",
  "{}",
  `{"slot":"ten"}`,
  `{"slot":"-1","block":"0x12"}`,
  `{"__proto__":{"slot":"1"}}`,
  "[".repeat(LEVELS) + "]".repeat(LEVELS),
];
