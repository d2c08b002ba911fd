/** What an event reports, in a few words. */

import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import type { HeadEvent } from "../beacon/events/topics/head.ts";
import type { SlotClock } from "../beacon/slot_clock.ts";

/** The longest excerpt of a payload, in UTF-16 code units. */
const MAX_EXCERPT = 120;

/**
 * Describes an event's payload: the roots that matter, shortened, and the flags that are up. A topic
 * without words of its own gets an excerpt of its JSON. The text is as the node sent it: whoever
 * prints it escapes it.
 *
 * @param clock The slot clock, once it is known: a reorg's epoch follows from it.
 * @returns Pieces, the important ones first, so that the last ones may be left out.
 */
export function describeEvent(
  event: BeaconEvent,
  clock: SlotClock | undefined,
): string[] {
  const [first = "", ...others] = describeData(event, clock);
  const recovered = event.recovered === true ? "recovered" : undefined;
  return [first, recovered, ...others].filter((piece) => piece !== undefined);
}

function describeData(
  event: BeaconEvent,
  clock: SlotClock | undefined,
): (string | undefined)[] {
  switch (event.topic) {
    case "head":
      return describeHead(event.data);
    case "head_v2": {
      const { data } = event.data;
      const [block, ...flags] = describeHead(data);
      return [block, `payload ${data.payload_status}`, ...flags];
    }
    case "block":
      return [shorten(event.data.block), optimistic(event.data)];
    case "block_gossip":
      return [shorten(event.data.block)];
    case "chain_reorg": {
      const { slot, depth, old_head_block, new_head_block } = event.data;
      return [
        `depth ${depth}`,
        clock && `epoch ${clock.epochOf(Math.max(0, slot - depth))}`,
        `${shorten(old_head_block)} → ${shorten(new_head_block)}`,
      ];
    }
    case "finalized_checkpoint":
      return [`epoch ${event.data.epoch}`, shorten(event.data.block)];
    default:
      return [excerpt(event.raw)];
  }
}

function describeHead(
  head: Pick<HeadEvent, "block" | "epoch_transition" | "execution_optimistic">,
): (string | undefined)[] {
  const transition = head.epoch_transition ? "new epoch" : undefined;
  return [shorten(head.block), transition, optimistic(head)];
}

function optimistic(data: { execution_optimistic: boolean }) {
  return data.execution_optimistic ? "optimistic" : undefined;
}

/** Shortens a root to `0x1234…abcd`. */
function shorten(root: string): string {
  return root.length > 14 ? `${root.slice(0, 6)}…${root.slice(-4)}` : root;
}

/** The beginning of a payload, on one line, with its roots and signatures shortened. */
function excerpt(raw: string): string {
  const text = raw.slice(0, 4096)
    .replace(/0x[0-9a-f]{16,}/gi, shorten)
    .replace(/\s+/g, " ");
  return text.length > MAX_EXCERPT ? `${text.slice(0, MAX_EXCERPT)}…` : text;
}
