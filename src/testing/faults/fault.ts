/** What can go wrong between a beacon node and its clients, as plain data. */

import type {
  ContentTypeFault,
  EmptyFault,
  HangFault,
  LateHeadersFault,
  OtherChainFault,
  StatusFault,
} from "./answer_fault.ts";
import type { BranchSwitchFault, ClockSkewFault } from "./chain_fault.ts";
import type {
  DeepReorgFault,
  DisconnectFault,
  DropFault,
  EndlessFrameFault,
  FutureSlotFault,
  GiantEventFault,
  MalformedFault,
  RetryFault,
  SilenceFault,
  WireFormFault,
} from "./stream_fault.ts";
import type {
  JoinedTopicsFault,
  RefuseTopicsFault,
  RepeatedTopicsFault,
} from "./topic_fault.ts";
import type {
  CutFault,
  DripFault,
  HalfOpenFault,
  RefuseFault,
  ResetFault,
  SlamFault,
  StallFault,
} from "./wire_fault.ts";

/** A wrong answer to a request. */
export type AnswerFault =
  | StatusFault
  | HangFault
  | EmptyFault
  | ContentTypeFault
  | LateHeadersFault
  | OtherChainFault;

/** A node that does not take every list of topics. */
export type TopicFault =
  | RefuseTopicsFault
  | JoinedTopicsFault
  | RepeatedTopicsFault;

/** Something wrong, or merely unusual, on an event stream. */
export type StreamFault =
  | WireFormFault
  | DripFault
  | SilenceFault
  | DropFault
  | MalformedFault
  | RetryFault
  | EndlessFrameFault
  | GiantEventFault
  | FutureSlotFault
  | DeepReorgFault
  | DisconnectFault;

/** Something that happens to the node's chain or clock. */
export type ChainFault = BranchSwitchFault | ClockSkewFault;

/** What a simulated beacon node can be made to do wrong. */
export type NodeFault = AnswerFault | TopicFault | StreamFault | ChainFault;

/** What a proxy can do to the bytes of any node. */
export type WireFault =
  | RefuseFault
  | SlamFault
  | ResetFault
  | CutFault
  | HalfOpenFault
  | StallFault
  | DripFault;

/** Any fault, told apart by its `type`; only `drip` is both a node's and a proxy's. */
export type Fault = NodeFault | WireFault;

/** The fault with this `type`. */
export type FaultOf<F extends Fault, T extends F["type"]> = Extract<
  F,
  { type: T }
>;

/** The types of all faults that a simulated node can be given. */
export const NODE_FAULT_TYPES: readonly NodeFault["type"][] = [
  "status",
  "hang",
  "empty",
  "content-type",
  "late-headers",
  "other-chain",
  "refuse-topics",
  "joined-topics",
  "repeated-topics",
  "wire-form",
  "drip",
  "silence",
  "drop",
  "malformed",
  "retry",
  "endless-frame",
  "giant-event",
  "future-slot",
  "deep-reorg",
  "disconnect",
  "branch-switch",
  "clock-skew",
];

/** The types of all faults that a proxy can be given. */
export const WIRE_FAULT_TYPES: readonly WireFault["type"][] = [
  "refuse",
  "slam",
  "reset",
  "cut",
  "half-open",
  "stall",
  "drip",
];
