/** Makes faults happen on event streams. */

import type { FaultHandle } from "./active_fault.ts";
import { endlessFrame } from "./endless_frame.ts";
import type { EventConnection, EventFrame } from "../node/event_connection.ts";
import { chainReorgPayload, headPayload } from "../chain/event_payloads.ts";
import type { EventStreams } from "../node/event_streams.ts";
import type { NodeFault } from "./fault.ts";
import { GIANT_TOPIC, giantEvent } from "./giant_event.ts";
import type { NodeClock } from "../node/node_clock.ts";
import { deriveBlock } from "../chain/simulated_block.ts";
import type { SimulatedChain } from "../chain/simulated_chain.ts";
import type {
  DeepReorgFault,
  DisconnectFault,
  FutureSlotFault,
} from "./stream_fault.ts";
import type { StreamCondition } from "./stream_faults.ts";

/** Options for {@linkcode StreamStriker}. */
export interface StreamStrikerOptions {
  /** Tells the time. */
  clock: NodeClock;
  /** The chain to tell lies of. */
  chain: SimulatedChain;
  /** The streams. */
  streams: EventStreams;
}

/** Puts faults on event streams, those that are open and those that come. */
export class StreamStriker {
  readonly #options: StreamStrikerOptions;
  #giants = 0;

  constructor(options: StreamStrikerOptions) {
    this.#options = options;
  }

  /** The open streams that a fault would strike. */
  targets(fault: NodeFault): EventConnection[] {
    return this.#options.streams.connections.filter((connection) =>
      connection.isOpen && concerns(fault, connection)
    );
  }

  /** Strikes a stream, if the fault is one of streams and may strike one more. */
  strike(
    handle: FaultHandle<NodeFault>,
    connection: EventConnection,
    age: "open" | "new",
  ): void {
    const { fault } = handle;
    if (!concerns(fault, connection)) return;
    switch (fault.type) {
      case "malformed": // counts its payloads
        return this.#stay(handle, connection);
      case "wire-form":
      case "drip":
      case "silence":
      case "drop":
        if (!handle.strike()) return;
        if (fault.type === "wire-form" && fault.bom && age === "new") {
          connection.send(BOM);
        }
        return this.#stay(handle, connection);
      case "endless-frame":
        if (handle.strike()) {
          connection.send(endlessFrame(fault, connection, handle.healed));
        }
        return;
      case "disconnect":
        return this.#once(handle, () => disconnect(fault, connection));
      case "retry":
        return this.#once(
          handle,
          () => connection.send(bytesOf(`retry:${fault.value}\n\n`)),
        );
      case "giant-event":
        return this.#once(
          handle,
          () => connection.send(this.#giantEvent(fault.indices)),
        );
      case "future-slot":
        return this.#once(
          handle,
          () => connection.send(this.#futureHead(fault)),
        );
      case "deep-reorg":
        return this.#once(
          handle,
          () => connection.send(this.#deepReorg(fault)),
        );
    }
  }

  /** Puts a fault on a stream that stays there until it is healed. */
  #stay(handle: FaultHandle<NodeFault>, connection: EventConnection): void {
    const faults = this.#options.streams.faultsOf(connection);
    faults?.add(handle as FaultHandle<StreamCondition>);
  }

  /** Does what is over in a moment; when there is nothing left to do, the fault is over too. */
  #once(handle: FaultHandle<NodeFault>, act: () => void): void {
    if (!handle.strike()) return;
    act();
    if (!handle.isStriking) handle.heal();
  }

  #giantEvent(indices = 131_072): EventFrame {
    return giantEvent(this.#options.chain, indices, this.#giants++);
  }

  #futureHead({ slots = 1_000_000 }: FutureSlotFault): EventFrame {
    const { chain, clock } = this.#options;
    const block = deriveBlock(clock.slot + slots, chain.head.root, 0);
    const payload = headPayload(chain, block, false);
    return { event: "head", data: JSON.stringify(payload) };
  }

  #deepReorg({ depth = "18446744073709551614" }: DeepReorgFault): EventFrame {
    const { chain } = this.#options;
    const { head } = chain;
    const parent = chain.ancestorAt(head, head.slot - 1);
    const reorg = {
      slot: head.slot,
      depth: 1,
      epoch: chain.epochAt(head.slot),
      oldHead: parent,
      newHead: head,
      commonAncestor: parent,
    };
    const payload = { ...chainReorgPayload(reorg), depth };
    return { event: "chain_reorg", data: JSON.stringify(payload) };
  }
}

const BOM = new Uint8Array([0xef, 0xbb, 0xbf]);

/** The topics that some faults are events of. */
const TOPICS: Partial<Record<NodeFault["type"], string>> = {
  "giant-event": GIANT_TOPIC,
  "future-slot": "head",
  "deep-reorg": "chain_reorg",
};

function concerns({ type }: NodeFault, { topics }: EventConnection): boolean {
  const topic = TOPICS[type];
  return topic === undefined || topics.has(topic);
}

function disconnect(
  { inMidLine }: DisconnectFault,
  connection: EventConnection,
): void {
  const [topic = "head"] = connection.topics;
  if (inMidLine) connection.send(bytesOf(`event:${topic}\ndata:{"slot":"1`));
  connection.close();
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
