/** A simulated node with a proxy in front, for tests of what a raw client sees. */

import {
  FaultProxy,
  SimulatedBeaconNode,
  type WireFault,
} from "@org/beacon-sse/testing";
import { RawClient } from "./raw_client.ts";
import { STILL } from "./still_node.ts";

/** Path of an event stream. */
export const EVENTS = "/eth/v1/events?topics=head";
/** Path of a request with a short answer. */
export const HEALTH = "/eth/v1/node/health";

/** A node with a proxy in front. */
export async function stage(...faults: WireFault[]) {
  const node = await SimulatedBeaconNode.start(STILL);
  const proxy = await FaultProxy.start({ target: node.url, faults });
  return {
    node,
    proxy,
    /** A raw client of the event stream, the stream being open. */
    async connect(): Promise<RawClient> {
      const count = node.connectionCount;
      const client = await RawClient.get(`${proxy.url}${EVENTS}`);
      await node.whenConnected(count + 1);
      await client.readUntil("\r\n\r\n");
      return client;
    },
    async [Symbol.asyncDispose]() {
      await proxy.close();
      await node.close();
    },
  };
}
