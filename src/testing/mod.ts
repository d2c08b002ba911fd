/**
 * A beacon node to test against, and everything that can go wrong with one.
 *
 * {@linkcode SimulatedBeaconNode} is a real HTTP server on loopback that lives
 * by a slot clock, seeded and scriptable:
 *
 * ```ts
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ seed: 7, autoplay: false });
 * const events = fetch(`${node.url}/eth/v1/events?topics=head`);
 * const connection = await node.whenConnected();
 * assertEquals([...connection.topics], ["head"]);
 * await node.produceBlock(); // one `head` event
 * node.disconnect();
 * assertEquals((await (await events).text()).split("\n")[0], "event:head");
 * ```
 *
 * Faults are plain data, {@linkcode Fault}. Those of a node are caused on the
 * simulated one:
 *
 * ```ts
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * const fault = node.fault({ type: "status", status: 503, retryAfter: "3", times: 1 });
 * const statuses: number[] = [];
 * for (let attempt = 0; attempt < 2; attempt++) {
 *   const response = await fetch(`${node.url}/eth/v1/events?topics=head`);
 *   statuses.push(response.status);
 *   await response.body?.cancel();
 * }
 * assertEquals(statuses, [503, 200]);
 * assertEquals(fault.hits, 1);
 * ```
 *
 * Those of the wire are caused on a {@linkcode FaultProxy} in front of any
 * node, simulated or real:
 *
 * ```ts
 * import { FaultProxy, SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * await using proxy = await FaultProxy.start({ target: node.url });
 * {
 *   using _ = proxy.fault({ type: "refuse" });
 *   await assertRejects(() => fetch(`${proxy.url}/eth/v1/node/health`));
 * }
 * await proxy.whenListening();
 * const response = await fetch(`${proxy.url}/eth/v1/node/health`);
 * assertEquals(await response.text(), "");
 * ```
 *
 * {@linkcode randomFaults} draws a schedule of both from a seed, and
 * {@linkcode playFaults} plays it.
 *
 * It needs Deno and `--allow-net`.
 *
 * @module
 */

export { FaultProxy } from "./proxy/fault_proxy.ts";
export { NODE_FAULT_TYPES, WIRE_FAULT_TYPES } from "./faults/fault.ts";
export { playFaults } from "./faults/play_faults.ts";
export { randomFaults } from "./faults/random_faults.ts";
export { SimulatedBeaconNode } from "./node/simulated_beacon_node.ts";

export type { ActiveFault } from "./faults/active_fault.ts";
export type {
  AnswerFaultScope,
  ContentTypeFault,
  EmptyFault,
  HangFault,
  LateHeadersFault,
  OtherChainFault,
  StatusFault,
} from "./faults/answer_fault.ts";
export type {
  ProduceBlockOptions,
  ReorgOptions,
} from "./chain/block_script.ts";
export type {
  BranchSwitchFault,
  ClockSkewFault,
} from "./faults/chain_fault.ts";
export type { Endpoint } from "./node/endpoint.ts";
export type {
  EventConnection,
  EventFrame,
  EventMessage,
} from "./node/event_connection.ts";
export type {
  AnswerFault,
  ChainFault,
  Fault,
  NodeFault,
  StreamFault,
  TopicFault,
  WireFault,
} from "./faults/fault.ts";
export type { FaultProxyOptions } from "./proxy/fault_proxy_options.ts";
export type { ReceivedRequest } from "./node/http_server.ts";
export type { FaultStage, PlayFaultsOptions } from "./faults/play_faults.ts";
export type {
  RandomFaultsOptions,
  ScheduledFault,
} from "./faults/random_faults.ts";
export type { SimulatedBeaconNodeOptions } from "./node/simulated_beacon_node_options.ts";
export type { SimulatedBlock } from "./chain/simulated_block.ts";
export type {
  SimulatedCheckpoint,
  SimulatedReorg,
} from "./chain/simulated_chain.ts";
export type {
  DeepReorgFault,
  DisconnectFault,
  DropFault,
  EndlessFrameFault,
  FutureSlotFault,
  GiantEventFault,
  LastingStreamFault,
  MalformedFault,
  MomentaryStreamFault,
  RetryFault,
  SilenceFault,
  WireFormFault,
} from "./faults/stream_fault.ts";
export type {
  JoinedTopicsFault,
  RefuseTopicsFault,
  RepeatedTopicsFault,
} from "./faults/topic_fault.ts";
export type {
  CutFault,
  DripFault,
  HalfOpenFault,
  RefuseFault,
  ResetFault,
  SlamFault,
  StallFault,
  WireFaultPoint,
  WireFaultScope,
} from "./faults/wire_fault.ts";
