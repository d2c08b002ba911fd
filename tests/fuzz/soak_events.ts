/** Events of a soak as its ledger keeps them. */

import type { LedgerEvent } from "./soak_ledger.ts";

/** What is needed of an event, tapped or delivered. */
export interface SoakEvent {
  /** Topic. */
  topic: string;
  /** Payload, as parsed. */
  data: unknown;
  /** Payload, as sent. */
  raw: string;
}

/** A head; it may be left out, rightly, behind a later one of another node. */
export function isHead({ topic }: SoakEvent): boolean {
  return topic === "head" || topic === "head_v2";
}

/** Reported before its block was verified: not delivered where a verified report came first. */
export function isOptimistic({ raw }: SoakEvent): boolean {
  return raw.includes('"execution_optimistic":true');
}

/** What makes an event the same in the mouth of another node, and its slot. */
export function ledgerEventOf(event: SoakEvent): LedgerEvent {
  const { identity, slot } = verifiedEventOf(event);
  const stage = isOptimistic(event) ? " (optimistic)" : "";
  return { identity: identity + stage, slot };
}

function verifiedEventOf({ topic, data, raw }: SoakEvent): LedgerEvent {
  // deno-lint-ignore no-explicit-any -- of any topic
  const payload = (topic === "head_v2" ? (data as any).data : data) as any;
  const slot = Number(payload.slot ?? 0);
  switch (topic) {
    case "head":
    case "head_v2":
      // The one stands in for the other.
      return { identity: `head ${slot} ${payload.block}`, slot };
    case "block":
    case "block_gossip":
      return { identity: `${topic} ${slot} ${payload.block}`, slot };
    case "chain_reorg": {
      const { old_head_block, new_head_block } = payload;
      return {
        identity: `${topic} ${slot} ${old_head_block} ${new_head_block}`,
        slot,
      };
    }
    case "attester_slashing":
      // Megabytes, of which the length and the end have to do.
      return { identity: `${topic} ${raw.length} ${raw.slice(-200)}`, slot };
    default:
      return { identity: `${topic} ${raw}`, slot };
  }
}
