/** What makes the reports of two nodes one event, found independently of the listener. */

/** What is needed of an event, sent or delivered. */
export interface IdentifiedEvent {
  /** Topic. */
  topic: string;
  /** Payload, as parsed. */
  data: unknown;
  /** Payload, as sent. */
  raw: string;
}

/** The same for each report of an event; before its block is verified it is another event. */
export function identityOf({ topic, data, raw }: IdentifiedEvent): string {
  const sent = (data ?? {}) as Payload;
  const payload = topic === "head_v2" ? sent.data as Payload : sent;
  const { slot, epoch, block, old_head_block, new_head_block } = payload;
  switch (topic) {
    case "head":
    case "head_v2":
      // The one stands in for the other.
      return identify("head", `${slot} ${block}`, payload);
    case "block":
    case "block_gossip":
      return identify(topic, `${slot} ${block}`, payload);
    case "chain_reorg": {
      const reorg = `${slot} ${old_head_block} ${new_head_block}`;
      return identify(topic, reorg, payload);
    }
    case "finalized_checkpoint":
      return identify(topic, `${epoch} ${block}`, payload);
    default:
      // Of megabytes, the length and the end are enough.
      return `${topic} ${raw.length > 10_000 ? raw.slice(-200) : raw}`;
  }
}

type Payload = Record<string, unknown>;

/** The identity of an event, given what identifies it within its topic. */
export function identify(
  topic: string,
  identity: string,
  payload: { execution_optimistic?: unknown },
): string {
  const stage = payload.execution_optimistic === true ? " (optimistic)" : "";
  return `${topic} ${identity}${stage}`;
}
