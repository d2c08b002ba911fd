/**
 * The gateway: many beacon nodes in, one beacon node out. Validator clients, bots and explorers read
 * `/eth/v1/events` and the rest of the Beacon API from it, unchanged; a reader that comes back
 * receives what it missed, and a gap where events are missing for good.
 *
 * @example A gateway over two nodes
 * ```ts
 * import { SseListener } from "@org/beacon-sse";
 * import { createGateway } from "@org/beacon-sse/gateway";
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start();
 * await using listener = await SseListener.start({ nodes: [node.url] });
 * const gateway = createGateway(listener, { token: "secret" });
 * const request = new Request("http://gateway/eth/v1/events?topics=head", {
 *   headers: { authorization: "Bearer secret" },
 * });
 * const response = await gateway.fetch(request); // or Deno.serve(gateway.fetch)
 * assertEquals(response.headers.get("content-type"), "text/event-stream");
 * await response.body?.cancel();
 * await gateway.close();
 * ```
 *
 * @module
 */

export { createGateway } from "./gateway.ts";
export { toNodeListener } from "./node_listener.ts";

export type {
  EventHistory,
  PastEvent,
  PastPage,
  PastRequest,
} from "../beacon/events/event_history.ts";
export type { Gateway } from "./gateway.ts";
export type { GatewayOptions } from "./gateway_options.ts";
export type { ConnectionInfo } from "./web_response.ts";
