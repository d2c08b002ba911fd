/** Events that fill a listener's bounded memory before a soak is measured, as large as the later ones. */

/** Their topic. */
export const PRIMING_TOPIC = "block_gossip";

const PRIMING_SLOT = "1";

/** The payload of one of them; no two are the same. */
export function primingPayload(number: number): object {
  return {
    slot: PRIMING_SLOT,
    block: `0x${number.toString(16).padStart(64, "0")}`,
  };
}

/** Whether an event is one of them. */
export function isPriming(topic: string, raw: string): boolean {
  return topic === PRIMING_TOPIC && raw.startsWith(`{"slot":"${PRIMING_SLOT}"`);
}
