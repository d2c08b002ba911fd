/** Where the two branches of a reported reorg part. */

import type { BlockHeader } from "../../beacon/api/headers.ts";
import type { BeaconEvent } from "../../beacon/events/beacon_event.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { NodeRequestOptions } from "../../beacon/http/request.ts";
import { withDeadline } from "../../beacon/http/with_deadline.ts";
import type { SlotClock } from "../../beacon/slot_clock.ts";
import type { KnownBlock } from "./branch.ts";
import { latestPlausibleSlot } from "./plausible.ts";
import type { NodeChain } from "./node_chain.ts";
import { Headers, walkBack } from "./branch_walk.ts";

interface ReorgBranch {
  ancestor: KnownBlock;
  /** The new branch above it, up to the new head. */
  blocks: readonly BlockHeader[];
  /** All of the new branch, as far back as it is known. */
  branch: readonly KnownBlock[];
}

/**
 * Requests the headers back from a reorg's new head to the branch that was left, whose blocks are
 * known from the node's own heads. Clients count a reorg's depth in different ways, so the payload
 * does not show it.
 *
 * @returns `undefined` where the node does not show it within a second.
 */
export async function findReorgBranch(
  node: { endpoint: NodeEndpoint; chain: NodeChain },
  { data, receivedAt }: BeaconEvent<"chain_reorg">,
  clock: SlotClock,
  options: NodeRequestOptions,
): Promise<ReorgBranch | undefined> {
  const earlier = node.chain.branch.upTo(data.old_head_block);
  try {
    return await withDeadline(
      async (signal) => {
        const headers = new Headers(node.endpoint, { ...options, signal });
        const known = earlier.at(-1) ??
          await headers.get(data.old_head_block);
        if (known === undefined) return undefined;
        const { ancestor, blocks, isLowerBound } = await walkBack(headers, {
          from: data.new_head_block,
          known,
          since: 0,
          earlier,
          maxSlots: 2 * clock.slotsPerEpoch,
          latestSlot: latestPlausibleSlot(clock, receivedAt),
        });
        if (ancestor === undefined || isLowerBound) return undefined;
        return {
          ancestor,
          blocks,
          branch: [
            ...earlier.filter(({ slot }) => slot < ancestor.slot),
            ancestor,
            ...blocks,
          ],
        };
      },
      {
        timeoutMs: WITHIN_MS,
        signal: options.signal,
        describe:
          `Cannot request the ancestor of a reorg of ${node.endpoint.name}`,
      },
    );
  } catch {
    return undefined;
  }
}

const WITHIN_MS = 1000;
