/** The probe in front of each connection: does the node answer HTTP at all, and is it in sync. */

import { delay } from "@std/async/delay";
import { STATUS_CODE } from "@std/http/status";
import * as v from "@valibot/valibot";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { type NodeRequestOptions, requestNode } from "../http/request.ts";
import { withDeadline } from "../http/with_deadline.ts";

/** What a node reports of its sync state. */
export interface NodeSyncing {
  /** Slot of the node's head. */
  headSlot: number;
  /** Whether the node is still catching up. */
  isSyncing: boolean;
  /** Whether its execution client has not verified the head yet. */
  isOptimistic: boolean;
  /** Whether its execution client does not answer. */
  elOffline: boolean;
}

/**
 * Asks `GET /eth/v1/node/syncing`. Any HTTP answer within the time shows that the node is
 * reachable, which the event stream cannot: some nodes send its headers with the first event only.
 *
 * @param timeoutMs How long to wait for the answer, in milliseconds.
 * @returns The node's answer, `undefined` where it was another one than the Beacon API says.
 * @throws {BeaconTimeoutError} If no answer came in time; its phase is `"probe"`.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 */
export async function probeNode(
  node: NodeEndpoint,
  timeoutMs: number,
  options: NodeRequestOptions,
): Promise<NodeSyncing | undefined> {
  return await withDeadline(
    (signal) =>
      askSyncing(node, timeoutMs * BODY_SHARE, { ...options, signal }),
    {
      timeoutMs,
      signal: options.signal,
      describe: `Cannot reach ${node.name}: no HTTP answer`,
    },
  );
}

async function askSyncing(
  node: NodeEndpoint,
  bodyWithinMs: number,
  options: NodeRequestOptions,
): Promise<NodeSyncing | undefined> {
  const response = await requestNode(node, "/eth/v1/node/syncing", options);
  if (response.status !== STATUS_CODE.OK) {
    await response.body?.cancel();
    return undefined;
  }
  // The answer is there; what becomes of its body says nothing about reachability.
  const reading = readStart(response).catch(() => "");
  const patience = new AbortController();
  const waiting = delay(bodyWithinMs, { signal: patience.signal }).then(
    () => "",
    () => "",
  );
  const text = await Promise.race([reading, waiting]);
  patience.abort();
  return parseSyncing(text);
}

/** The text of a small body; a large one is cut, which makes it no JSON. */
async function readStart(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_UNITS) break;
  }
  return text;
}

function parseSyncing(text: string): NodeSyncing | undefined {
  try {
    const result = v.safeParse(syncingSchema, JSON.parse(text), {
      abortEarly: true,
    });
    if (!result.success) return undefined;
    const { data } = result.output;
    return {
      headSlot: Number(data.head_slot),
      isSyncing: data.is_syncing,
      // Older clients leave these two out.
      isOptimistic: data.is_optimistic ?? false,
      elOffline: data.el_offline ?? false,
    };
  } catch {
    return undefined;
  }
}

const MAX_UNITS = 64 * 1024;
/** Part of the probe's time that the body may take, once the answer is there. */
const BODY_SHARE = 0.2;

const syncingSchema = v.object({
  data: v.object({
    head_slot: v.pipe(v.string(), v.regex(/^\d{1,15}$/)),
    is_syncing: v.boolean(),
    is_optimistic: v.nullish(v.boolean()),
    el_offline: v.nullish(v.boolean()),
  }),
});
