/** The faults of a simulated node: causes them, lists them, heals them. */

import type { ActiveFault, FaultHandle } from "./active_fault.ts";
import type { BlockScript } from "../chain/block_script.ts";
import { checkFault } from "./check_fault.ts";
import type { EventStreams } from "../node/event_streams.ts";
import { NODE_FAULT_TYPES, type NodeFault } from "./fault.ts";
import type { FaultSet } from "./fault_set.ts";
import type { NodeClock } from "../node/node_clock.ts";
import type { StreamStriker } from "./stream_striker.ts";

/** Options for {@linkcode NodeFaults}. */
export interface NodeFaultsOptions {
  /** Where they are kept. */
  faults: FaultSet<NodeFault>;
  /** Strikes event streams. */
  striker: StreamStriker;
  /** The streams. */
  streams: EventStreams;
  /** Switches branches. */
  script: BlockScript;
  /** Goes wrong. */
  clock: NodeClock;
}

/** The one place where faults of a node come in. */
export class NodeFaults {
  readonly #options: NodeFaultsOptions;

  constructor(options: NodeFaultsOptions) {
    this.#options = options;
  }

  /** The faults that are on, oldest first. */
  get list(): readonly Readonly<NodeFault>[] {
    return this.#options.faults.faults;
  }

  /** Causes a fault. */
  cause<F extends NodeFault>(fault: F): ActiveFault<F> {
    checkFault(fault, NODE_FAULT_TYPES);
    const { faults, script, striker } = this.#options;
    if (fault.type === "branch-switch") script.checkDepth(fault.depth);
    const targets = striker.targets(fault);
    const atMost = MOMENTARY.includes(fault.type)
      ? Math.max(1, targets.length)
      : Infinity;
    const times = "times" in fault ? fault.times ?? atMost : atMost;
    const handle = faults.add(fault, times);
    const general = handle as unknown as FaultHandle<NodeFault>;
    this.#happen(general);
    for (const connection of targets) {
      striker.strike(general, connection, "open");
    }
    return handle;
  }

  /** Ends all faults. */
  heal(): void {
    this.#options.faults.heal();
  }

  /** What a fault of the chain or the clock does. */
  #happen(handle: FaultHandle<NodeFault>): void {
    const { script, streams, clock } = this.#options;
    const { fault } = handle;
    if (fault.type === "branch-switch") {
      streams.disconnect();
      script.reorg(fault);
      handle.strike();
      handle.heal();
    } else if (fault.type === "clock-skew") {
      clock.step(fault.byMs);
      handle.strike();
      handle.healed.addEventListener("abort", () => clock.step(-fault.byMs), {
        once: true,
      });
    }
  }
}

/** Without a number of times these strike what is there, once. */
const MOMENTARY: readonly NodeFault["type"][] = [
  "drop",
  "retry",
  "endless-frame",
  "giant-event",
  "future-slot",
  "deep-reorg",
  "disconnect",
];
