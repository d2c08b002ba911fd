/** Events that fill a listener's bounded memory before a soak is measured, as large as the later ones. */

/** Their topics: those that come with each block. */
export const PRIMING_TOPICS = ["head", "block", "block_gossip"] as const;

const PRIMING_SLOT = "1";

/** The payload of one of them; no two with other numbers are the same. */
export function primingPayload(
  topic: typeof PRIMING_TOPICS[number],
  number: number,
): object {
  const root = `0x${number.toString(16).padStart(64, "0")}`;
  const zero = `0x${"0".repeat(64)}`;
  return {
    slot: PRIMING_SLOT,
    block: root,
    ...(topic === "head"
      ? {
        state: root,
        epoch_transition: false,
        previous_duty_dependent_root: zero,
        current_duty_dependent_root: zero,
      }
      : {}),
    ...(topic === "block_gossip" ? {} : { execution_optimistic: false }),
  };
}

/** Whether an event is one of them. */
export function isPriming(topic: string, raw: string): boolean {
  return PRIMING_TOPICS.some((each) => each === topic) &&
    raw.startsWith(`{"slot":"${PRIMING_SLOT}"`);
}
