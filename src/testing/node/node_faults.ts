/** Makes the faults of a node happen: on its event streams, on its chain, on its clock. */

import type { BlockScript } from "../chain/block_script.ts";
import type { EventSink } from "../chain/chain_events.ts";
import type { SimulatedChain } from "../chain/simulated_chain.ts";
import type {
  ActiveFault,
  FaultHandle,
  FaultSet,
} from "../faults/active_fault.ts";
import type { NewChainFault } from "../faults/chain_faults.ts";
import type { NodeFault } from "../faults/fault.ts";
import { type NodeClock, type SimulatedClock, sleep } from "./clock.ts";
import type { EventConnection } from "./event_connection.ts";
import type { EventStreams } from "./event_streams.ts";
import type { StreamCondition } from "./stream_conditions.ts";
import {
  bytesOf,
  deepReorg,
  endlessFrame,
  type EventFrame,
  futureHead,
  GIANT_TOPIC,
  giantEvent,
  paddedEvent,
} from "./stream_frames.ts";

/** What faults happen to. */
export interface NodeFaultsParts {
  /** What time it is. */
  clock: SimulatedClock;
  /** The slots. */
  slots: NodeClock;
  /** The blocks. */
  chain: SimulatedChain;
  /** The event streams. */
  streams: EventStreams;
  /** Moves the chain. */
  script: () => BlockScript;
  /** Begins another chain. */
  restart: (fault: NewChainFault) => void;
  /** The faults that are on. */
  faults: FaultSet<NodeFault>;
  /** Ends waiting. */
  signal: AbortSignal;
}

/** The one place where the faults of a node are caused, and its events are sent. */
export class NodeFaults implements EventSink {
  readonly #parts: NodeFaultsParts;
  #giants = 0;

  constructor(parts: NodeFaultsParts) {
    this.#parts = parts;
  }

  /** Causes a fault that was checked. */
  cause<F extends NodeFault>(fault: F): ActiveFault<F> {
    const { faults, script } = this.#parts;
    if (fault.type === "branch-switch") script().checkDepth(fault.depth);
    const targets = this.#targets(fault);
    const atMost = MOMENTARY.includes(fault.type)
      ? Math.max(1, targets.length)
      : Infinity;
    const handle = faults.add(fault, atMost);
    const general = handle as unknown as FaultHandle<NodeFault>;
    this.#happen(general);
    for (const connection of targets) {
      this.#strike(general, connection, "open");
    }
    return handle;
  }

  /** Puts the faults of streams on a new one. */
  strikeNew(connection: EventConnection): void {
    for (const handle of this.#parts.faults.striking()) {
      this.#strike(handle, connection, "new");
    }
  }

  publish(topic: string, payload: unknown): void {
    const { streams, faults } = this.#parts;
    const optimistic = faults.find("optimistic");
    const unverified = optimistic && withOptimism(payload);
    streams.publish(topic, unverified ?? payload);
    if (!optimistic || !unverified) return;
    optimistic.hit();
    const { clock, signal } = this.#parts;
    const { ms = 1_000 } = optimistic.fault;
    const verify = () => streams.publish(topic, payload);
    sleep(clock, ms, signal).then(verify, () => {});
  }

  wants(topic: string): boolean {
    return this.#parts.streams.wants(topic);
  }

  /** What a fault of the chain or the clock does. */
  #happen(handle: FaultHandle<NodeFault>): void {
    const { streams, slots, restart } = this.#parts;
    const { fault } = handle;
    const once = (act: () => void) => {
      act();
      handle.strike();
      handle.heal();
    };
    switch (fault.type) {
      case "branch-switch":
        return once(() => {
          streams.disconnect();
          this.#parts.script().reorg(fault);
        });
      case "new-chain":
        return once(() => {
          streams.disconnect();
          restart(fault);
        });
      case "flip":
        return once(() => this.#parts.script().flip());
      case "burst":
        return once(() => this.#parts.script().burst(fault.events));
      case "catch-up":
        return once(() => this.#parts.script().catchUp(fault.slots));
      case "own-branch":
        handle.strike();
        return;
      case "clock-skew":
        slots.step(fault.byMs);
        handle.strike();
        handle.healed.addEventListener("abort", () => slots.step(-fault.byMs), {
          once: true,
        });
    }
  }

  /** The open streams that a fault would strike. */
  #targets(fault: NodeFault): EventConnection[] {
    return this.#parts.streams.connections.filter((connection) =>
      connection.isOpen && concerns(fault, connection)
    );
  }

  /** Strikes a stream, if the fault is one of streams and may strike once more. */
  #strike(
    handle: FaultHandle<NodeFault>,
    connection: EventConnection,
    age: "open" | "new",
  ): void {
    const { fault } = handle;
    const { chain, slots } = this.#parts;
    if (!concerns(fault, connection)) return;
    const once = (frame: () => EventFrame) => {
      if (!handle.strike()) return;
      connection.send(frame());
      handle.healIfSpent();
    };
    const [topic = "head"] = connection.topics;
    switch (fault.type) {
      case "malformed": // counts its payloads
        return this.#stay(handle, connection);
      case "wire-form":
      case "payload-form":
      case "drip":
      case "silence":
      case "duplicate":
      case "unasked":
      case "drop":
        if (!handle.strike()) return;
        if (fault.type === "wire-form" && fault.bom && age === "new") {
          connection.send(BOM);
        }
        return this.#stay(handle, connection);
      case "endless-frame":
        if (!handle.strike()) return;
        return connection.send(
          endlessFrame(fault, topic, () => connection.isOpen, handle.healed),
        );
      case "disconnect":
        if (!handle.strike()) return;
        if (fault.inMidLine) {
          connection.send(bytesOf(`event:${topic}\ndata:{"slot":"1`));
        }
        connection.close();
        return handle.healIfSpent();
      case "retry":
        return once(() => bytesOf(`retry:${fault.value}\n\n`));
      case "giant-event":
        return once(() => giantEvent(chain, fault, this.#giants++));
      case "padded-event":
        return once(() => paddedEvent(chain, fault));
      case "future-slot":
        return once(() => futureHead(chain, fault, slots.slot));
      case "deep-reorg":
        return once(() => deepReorg(chain, fault));
    }
  }

  /** Puts a fault on a stream that stays there until it is healed. */
  #stay(handle: FaultHandle<NodeFault>, connection: EventConnection): void {
    this.#parts.streams.conditionsOf(connection)
      ?.add(handle as FaultHandle<StreamCondition>);
  }
}

/** Without a number of times these strike what is there, once. */
const MOMENTARY: readonly NodeFault["type"][] = [
  "drop",
  "retry",
  "endless-frame",
  "giant-event",
  "padded-event",
  "future-slot",
  "deep-reorg",
  "disconnect",
];

const BOM = new Uint8Array([0xef, 0xbb, 0xbf]);

/** The topics that some faults are events of. */
const TOPICS: Partial<Record<NodeFault["type"], string>> = {
  "giant-event": GIANT_TOPIC,
  "padded-event": "block",
  "future-slot": "head",
  "deep-reorg": "chain_reorg",
};

function concerns({ type }: NodeFault, { topics }: EventConnection): boolean {
  const topic = TOPICS[type];
  return topic === undefined || topics.has(topic);
}

/** The payload of a block that is not verified yet; `undefined` where it has no such member. */
function withOptimism(payload: unknown): unknown {
  if (typeof payload !== "object" || payload === null) return undefined;
  if ("execution_optimistic" in payload) {
    return { ...payload, execution_optimistic: true };
  }
  const inner = "data" in payload && withOptimism(payload.data);
  return inner ? { ...payload, data: inner } : undefined;
}
