/** `beacon-sse demo`: the command against three simulated nodes in the same process. */

import { SimulatedNode } from "../testing/node/simulated_node.ts";
import type { LogFunction } from "../listener/log.ts";
import type { FeedArguments } from "./args.ts";
import { watch } from "./watch.ts";

/** Where the demo serves without `--serve`. */
const DEFAULT_SERVE = { hostname: "127.0.0.1", port: 9464 };
/** The nodes' names without `--name`. */
export const DEMO_NAMES: readonly string[] = ["fast", "slow", "flapping"];

const SLOT_MS = 2000;
/** How long the flapping node keeps its streams open, and how long it refuses new ones. */
const UP_MS = 15_000;
const DOWN_MS = 4000;

/**
 * Starts three nodes of one chain with two-second slots, late blocks, empty slots and reorgs, and
 * prints their events. One node receives blocks late, one drops its readers from time to time.
 *
 * @param names Names of the nodes, as far as they were given.
 */
export async function demo(
  names: readonly string[],
  feed: FeedArguments,
  log: LogFunction,
): Promise<void> {
  const chain = {
    // Shows one of each within ten seconds: a reorg, a late block, an empty slot.
    seed: 2360,
    slotDurationMs: SLOT_MS,
    lateBlockRate: 0.15,
    emptySlotRate: 0.08,
    reorgRate: 0.15,
  };
  const fast = new SimulatedNode({ ...chain, url: "http://fast.simulated" });
  const { genesisTime } = fast;
  const start = (name: string, lagMs: number) =>
    new SimulatedNode({
      ...chain,
      url: `http://${name}.simulated`,
      genesisTime,
      lagMs,
    });
  const flapping = start("flapping", 20);
  const simulated = [fast, start("slow", 350), flapping];
  const flaps = setInterval(() => {
    const refusal = flapping.fault({ type: "status", status: 503 });
    flapping.disconnect();
    setTimeout(() => refusal.heal(), DOWN_MS);
  }, UP_MS + DOWN_MS);
  try {
    await watch({
      nodes: simulated.map(({ url }, i) => ({
        url,
        name: names[i] ?? DEMO_NAMES[i]!,
      })),
      feed,
      log,
      defaultServe: DEFAULT_SERVE,
      fetch(input, init) {
        const { origin } = new URL(
          input instanceof Request ? input.url : input,
        );
        return simulated.find(({ url }) => url === origin)!.fetch(input, init);
      },
    });
  } finally {
    clearInterval(flaps);
    await Promise.all(simulated.map((node) => node.close()));
  }
}
