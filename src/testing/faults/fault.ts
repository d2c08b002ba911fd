/** All faults: what can go wrong between a beacon node and its clients, as plain data. */

import {
  ANSWER_FAULTS,
  type AnswerFault,
  type TopicFault,
} from "./answer_faults.ts";
import { CHAIN_FAULTS, type ChainFault } from "./chain_faults.ts";
import type { Declaration, RandomDraw } from "./declaration.ts";
import { STREAM_FAULTS, type StreamFault } from "./stream_faults.ts";
import { WIRE_FAULTS, type WireFault } from "./wire_faults.ts";
import { shown } from "../../values/shown.ts";

/** What a simulated beacon node can be made to do wrong. */
export type NodeFault = AnswerFault | TopicFault | StreamFault | ChainFault;

/** Any fault; its `type` names it. Only `drip` is both a node's and the wire's. */
export type Fault = NodeFault | WireFault;

/** The fault with this `type`. */
export type FaultOf<F extends Fault, T extends F["type"]> = Extract<
  F,
  { type: T }
>;

const DECLARATIONS: {
  [T in Fault["type"]]: Declaration<FaultOf<Fault, T>>;
} = { ...ANSWER_FAULTS, ...STREAM_FAULTS, ...CHAIN_FAULTS, ...WIRE_FAULTS };

/** The types of all faults that a simulated node can be given. */
export const NODE_FAULT_TYPES: readonly NodeFault["type"][] = [
  ...typesOf(ANSWER_FAULTS),
  ...typesOf(STREAM_FAULTS),
  "drip",
  ...typesOf(CHAIN_FAULTS),
];

/** The types of all faults that a proxy can be given. */
export const WIRE_FAULT_TYPES: readonly WireFault["type"][] = typesOf(
  WIRE_FAULTS,
);

/** The types of all faults. */
export const FAULT_TYPES: readonly Fault["type"][] = typesOf(DECLARATIONS);

/** Whether a fault is one of the wire, as `drip` is too. */
export function isWireFault(fault: Fault): fault is WireFault {
  return Object.hasOwn(WIRE_FAULTS, fault.type);
}

/** Throws unless a fault is one of these types and all its options are right. */
export function checkFault(
  fault: Fault,
  types: readonly Fault["type"][] = FAULT_TYPES,
): void {
  const given = fault as unknown;
  if (typeof given !== "object" || given === null) {
    throw new TypeError(
      `Cannot cause a fault: it must be an object, got ${shown(given)}`,
    );
  }
  if (!types.includes(fault.type)) {
    throw new TypeError(
      `Cannot cause a fault: type must be one of ${
        types.join(", ")
      }, got ${fault.type}`,
    );
  }
  DECLARATIONS[fault.type].check(given);
}

/** A fault of a type with random options. */
export function randomFault(type: Fault["type"], random: RandomDraw): Fault {
  return DECLARATIONS[type].draw(random);
}

function typesOf<T extends string>(faults: Record<T, unknown>): T[] {
  return Object.keys(faults) as T[];
}
