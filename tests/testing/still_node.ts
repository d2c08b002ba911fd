/** Options of simulated nodes, and plain ways to read their streams. */

import { assertEquals } from "@std/assert";
import type { SimulatedBeaconNode } from "@org/beacon-sse/testing";

/** Stands still, without empty slots or reorgs in its past, and sends no comments. */
export const STILL = {
  autoplay: false,
  emptySlotRate: 0,
  reorgRate: 0,
  keepAliveMs: 0,
};

/** Lives fast and without incident. */
export const CALM = {
  slotDurationMs: 200,
  emptySlotRate: 0,
  lateBlockRate: 0,
  reorgRate: 0,
};

/** Opens an event stream of heads. */
export function open(node: SimulatedBeaconNode): Promise<Response> {
  return fetch(`${node.url}/eth/v1/events?topics=head`);
}

/** Reads a body as text, chunk by chunk. */
export function readerOf(
  { body }: Response,
): ReadableStreamDefaultReader<string> {
  return body!.pipeThrough(new TextDecoderStream()).getReader();
}

/** GETs JSON from a node. */
// deno-lint-ignore no-explicit-any
export async function getJson(url: string, status = 200): Promise<any> {
  const response = await fetch(url);
  const body = await response.json();
  assertEquals(response.status, status, JSON.stringify(body));
  return body;
}

/** The status of an answer whose body nothing reads. */
export async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.body?.cancel();
  return response.status;
}
