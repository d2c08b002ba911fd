/** Opens an event stream of a simulated node, with a plain fetch. */

import type { SimulatedBeaconNode } from "@org/beacon-sse/testing";

/** Opens an event stream. */
export async function open(
  node: SimulatedBeaconNode,
  topics = "head",
): Promise<Response> {
  const response = await fetch(`${node.url}/eth/v1/events?topics=${topics}`);
  return response;
}
