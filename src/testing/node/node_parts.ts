/** What a simulated node is made of, put together. */

import { BeaconApi } from "./beacon_api.ts";
import { BlockScript } from "../chain/block_script.ts";
import { ChainEvents } from "../chain/chain_events.ts";
import { EventStreams } from "./event_streams.ts";
import type { NodeFault } from "../faults/fault.ts";
import { FaultSet } from "../faults/fault_set.ts";
import { FaultyApi } from "./faulty_api.ts";
import { HttpServer } from "./http_server.ts";
import { NodeClock } from "./node_clock.ts";
import { NodeFaults } from "../faults/node_faults.ts";
import type { ResolvedOptions } from "./simulated_beacon_node_options.ts";
import { SimulatedChain } from "../chain/simulated_chain.ts";
import { anchorSlotFor, SlotPlayer } from "../chain/slot_player.ts";
import { SlotSchedule } from "../chain/slot_schedule.ts";
import { StreamStriker } from "../faults/stream_striker.ts";

/** The parts that a node is used through. */
export interface NodeParts {
  /** Tells the time. */
  clock: NodeClock;
  /** The blocks. */
  chain: SimulatedChain;
  /** Lets the chain grow. */
  player: SlotPlayer;
  /** The event streams. */
  streams: EventStreams;
  /** Blocks and reorgs on demand. */
  script: BlockScript;
  /** What goes wrong. */
  faults: NodeFaults;
  /** Listens, until it is closed. */
  server: HttpServer;
}

/** Puts a node together, its past included; the signal ends all that waits. */
export function assembleNode(
  options: ResolvedOptions,
  signal: AbortSignal,
): NodeParts {
  const { startSlot } = options;
  const clock = new NodeClock(options);
  const anchorSlot = anchorSlotFor(startSlot);
  const chain = new SimulatedChain({ ...options, anchorSlot });
  const streams = new EventStreams(options);
  const schedule = new SlotSchedule(options);
  const events = new ChainEvents(chain, streams);
  const parts = { ...options, signal, clock, chain, schedule, events, streams };
  const player = new SlotPlayer(parts);
  player.replay(startSlot);
  const script = new BlockScript(parts);
  const set = new FaultSet<NodeFault>();
  const striker = new StreamStriker(parts);
  const faults = new NodeFaults({ ...parts, faults: set, striker, script });
  for (const fault of options.faults) faults.cause(fault);
  const api = new FaultyApi({
    ...parts,
    api: new BeaconApi(parts),
    faults: set,
    striker,
  });
  const server = new HttpServer({
    ...options,
    respond: (request) => api.respond(request),
  });
  return { clock, chain, player, streams, script, faults, server };
}
