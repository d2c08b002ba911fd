/** What an event says, in a few words. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";
import type { HeadEvent } from "../beacon/events/topics/head.ts";

/** The longest excerpt of a payload, in UTF-16 code units. */
const MAX_EXCERPT = 120;

/**
 * Describes an event's payload: the roots that matter, shortened, and the flags that are up. A
 * topic without words of its own gets an excerpt of its JSON. The text is as the node sent it:
 * whoever prints it escapes it.
 *
 * @param event The event.
 * @param clock The slot clock, once it is known: it tells a reorg's epoch.
 */
export function describeEvent(
  event: BeaconEvent,
  clock: SlotClock | undefined,
): string {
  switch (event.topic) {
    case "head":
      return describeHead(event.data);
    case "head_v2": {
      const { data } = event.data;
      return `${describeHead(data)}, payload ${data.payload_status}`;
    }
    case "block":
      return shorten(event.data.block) +
        (event.data.execution_optimistic ? ", optimistic" : "");
    case "block_gossip":
      return shorten(event.data.block);
    case "chain_reorg": {
      const { slot, depth, old_head_block, new_head_block } = event.data;
      const epoch = clock === undefined
        ? ""
        : ` from epoch ${clock.epochOf(slot - depth)}`;
      const heads = `${shorten(old_head_block)} → ${shorten(new_head_block)}`;
      return `REORG depth ${depth}${epoch}: ${heads}`;
    }
    case "finalized_checkpoint":
      return `finalized epoch ${event.data.epoch}: ${
        shorten(event.data.block)
      }`;
    default:
      return excerpt(event.raw);
  }
}

function describeHead(
  head: Pick<HeadEvent, "block" | "epoch_transition" | "execution_optimistic">,
): string {
  const transition = head.epoch_transition ? ", epoch transition" : "";
  const optimistic = head.execution_optimistic ? ", optimistic" : "";
  return `${shorten(head.block)}${transition}${optimistic}`;
}

/** Shortens a root to `0x1234…abcd`. */
export function shorten(root: string): string {
  return root.length > 14 ? `${root.slice(0, 6)}…${root.slice(-4)}` : root;
}

/** The beginning of a payload, on one line, with its roots and signatures shortened. */
function excerpt(raw: string): string {
  const text = raw.slice(0, 4096)
    .replace(/0x[0-9a-f]{16,}/gi, shorten)
    .replace(/\s+/g, " ");
  return text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT)}…` : text;
}
