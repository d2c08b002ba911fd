/**
 * The other side of a soak, in a worker, so that its memory is not the listener's: simulated beacon
 * nodes, each behind a proxy, all under random faults until a message stops it.
 */

import { delay } from "@std/async/delay";
import { PRIMING_TOPICS, primingPayload } from "./priming.ts";
import {
  FaultProxy,
  NODE_FAULT_TYPES,
  playFaults,
  randomFaults,
  SimulatedBeaconNode,
  WIRE_FAULT_TYPES,
} from "@org/beacon-sse/testing";

/** The first message to the worker. */
export interface SoakNodesOptions {
  /** How many nodes. */
  nodes: number;
  /** What all chance is drawn from. */
  seed: number;
  /** Length of a slot in milliseconds. */
  slotDurationMs: number;
}

/** Later messages to the worker. */
export type SoakNodesCommand =
  /** All nodes are listened to: the faults begin. */
  | "begin"
  /** It is over. */
  | "stop";

/** A message of the worker. */
export type SoakNodesMessage =
  /** The nodes can be listened to. */
  | { type: "listening"; urls: string[]; genesisTime: number }
  /** How many faults there were so far, by their type. */
  | { type: "faults"; counts: Record<string, number> }
  /** All is closed. */
  | { type: "closed" };

/**
 * A node that is on another chain for good would not be listened to any more, and a runtime undoes
 * some compressions before the tap and some not.
 */
const TYPES = [...new Set([...NODE_FAULT_TYPES, ...WIRE_FAULT_TYPES])]
  .filter((type) => type !== "new-chain" && type !== "compressed");
/** In slots: long enough for the listener to notice, and to come back in between. */
const LENGTHS = { types: TYPES, maxSlots: 30, maxPauseSlots: 40 };
const REPORT_MS = 1000;

/**
 * Nearly as many of each topic as filters and queues hold before they grow for a flood: by the time
 * that the rest is full, these are too old for one.
 */
const PRIMING_EVENTS = 1750;
const PRIMING_EVENTS_AT_ONCE = 40;

// deno-lint-ignore no-explicit-any -- the page's global type is in force here, not the worker's
const scope = globalThis as any;
const begin = Promise.withResolvers<void>();
const stop = new AbortController();
const counts: Record<string, number> = {};

function post(message: SoakNodesMessage): void {
  scope.postMessage(message);
}

/** Fills what is bounded in the listener. */
async function prime(node: SimulatedBeaconNode): Promise<void> {
  for (let sent = 0; sent < PRIMING_EVENTS && !stop.signal.aborted;) {
    for (let i = 0; i < PRIMING_EVENTS_AT_ONCE; i++) {
      for (const topic of PRIMING_TOPICS) {
        node.emit(topic, primingPayload(topic, sent, node.head.slot));
      }
      sent++;
    }
    await delay(10);
  }
}

/** One node under faults, one after another, until the end. */
async function torment(
  node: SimulatedBeaconNode,
  proxy: FaultProxy,
  seed: number,
): Promise<void> {
  const { signal } = stop;
  for (let round = 0; !signal.aborted; round++) {
    let slot = 0;
    for (
      const entry of randomFaults({ seed: seed + round, count: 10, ...LENGTHS })
    ) {
      const pause = entry.slot - slot;
      slot = entry.slot + entry.slots;
      const caused = await playFaults({ node, proxy }, [{
        ...entry,
        slot: pause,
      }], { signal });
      if (signal.aborted) return;
      counts[entry.fault.type] = (counts[entry.fault.type] ?? 0) + caused;
    }
  }
}

async function run(
  { nodes, seed, ...options }: SoakNodesOptions,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const genesisTime = Math.floor(Date.now() / 1000 - 60) * 1000;
  const stages: { node: SimulatedBeaconNode; proxy: FaultProxy }[] = [];
  for (let index = 0; index < nodes; index++) {
    // The same seed and genesis: the nodes have one chain, as long as no fault makes them differ.
    const node = stack.use(
      await SimulatedBeaconNode.start({ ...options, seed, genesisTime }),
    );
    const proxy = stack.use(await FaultProxy.start({ target: node.url }));
    stages.push({ node, proxy });
  }
  post({
    type: "listening",
    urls: stages.map(({ proxy }) => proxy.url),
    genesisTime,
  });
  await begin.promise;
  await prime(stages[0]!.node);
  const reports = setInterval(
    () => post({ type: "faults", counts }),
    REPORT_MS,
  );
  await Promise.all(
    stages.map(({ node, proxy }, index) =>
      torment(node, proxy, seed * 1_000_000 + index * 10_000)
    ),
  );
  clearInterval(reports);
}

scope.onmessage = async (
  { data }: MessageEvent<SoakNodesOptions | SoakNodesCommand>,
) => {
  if (data === "begin") begin.resolve();
  else if (data === "stop") {
    stop.abort();
    begin.resolve();
  } else {
    await run(data);
    post({ type: "closed" });
  }
};
