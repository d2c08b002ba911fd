/** `beacon-sse demo`: the command against a simulated node in the same process. */

import { SimulatedBeaconNode } from "../testing/node/simulated_beacon_node.ts";
import type { LogFunction } from "../listener/log.ts";
import type { FeedArguments } from "./args.ts";
import { watch } from "./watch.ts";

/** Where the demo serves unless `--serve` says otherwise. */
const DEFAULT_SERVE = { hostname: "127.0.0.1", port: 9464 };

/**
 * Starts a simulated node with two-second slots, late blocks, empty slots and reorgs, and prints
 * its events.
 *
 * @param name Name of the node.
 * @param feed What the flags say.
 * @param log Where log lines go.
 */
export async function demo(
  name: string | undefined,
  feed: FeedArguments,
  log: LogFunction,
): Promise<void> {
  await using node = await SimulatedBeaconNode.start({
    // Shows one of each within ten seconds: a reorg, a late block, an empty slot.
    seed: 2360,
    slotDurationMs: 2000,
    lateBlockRate: 0.15,
    emptySlotRate: 0.08,
    reorgRate: 0.15,
  });
  const nodes = [{ url: node.url, name: name ?? "demo" }];
  await watch({ nodes, feed, log, defaultServe: DEFAULT_SERVE });
}
