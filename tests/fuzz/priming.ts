/** Events that fill a listener's bounded memory before a soak is measured, as large as the later ones. */

/** Their topics: those that come with each block, or with many. */
export const PRIMING_TOPICS = [
  "head",
  "block",
  "block_gossip",
  "chain_reorg",
] as const;

const ZERO = `0x${"0".repeat(64)}`;

/** The payload of one of them, of a slot; no two with other numbers are the same. */
export function primingPayload(
  topic: typeof PRIMING_TOPICS[number],
  number: number,
  atSlot: number,
): object {
  const slot = String(atSlot);
  const root = `0x${number.toString(16).padStart(64, "0")}`;
  const rest = { slot, execution_optimistic: false };
  switch (topic) {
    case "block_gossip":
      return { slot, block: root };
    case "block":
      return { ...rest, block: root };
    case "head":
      return {
        ...rest,
        block: root,
        state: root,
        epoch_transition: false,
        previous_duty_dependent_root: ZERO,
        current_duty_dependent_root: ZERO,
      };
    case "chain_reorg":
      return {
        ...rest,
        depth: "1",
        old_head_block: ZERO,
        new_head_block: root,
        old_head_state: ZERO,
        new_head_state: root,
        epoch: "0",
      };
  }
}

/** Whether an event is one of them. */
export function isPriming(topic: string, raw: string): boolean {
  return PRIMING_TOPICS.some((each) => each === topic) &&
    raw.includes(`"0x${"0".repeat(40)}`);
}
