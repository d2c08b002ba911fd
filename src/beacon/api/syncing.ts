/** A probe: whether a node answers HTTP at all, and whether it is in sync. */

import { STATUS_CODE } from "@std/http/status";
import * as v from "@valibot/valibot";
import type { NodeEndpoint } from "../http/endpoint.ts";
import {
  type NodeRequestOptions,
  readBeginning,
  requestNode,
} from "../http/request.ts";
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
 * Requests `GET /eth/v1/node/syncing`. Any HTTP answer in time shows that the node can be reached.
 * The event stream cannot show it: some nodes send its headers with the first event only.
 *
 * @returns `undefined` where the answer is not the one of the Beacon API.
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
      requestSyncing(node, timeoutMs * BODY_SHARE, { ...options, signal }),
    {
      timeoutMs,
      signal: options.signal,
      describe: `Cannot reach ${node.name}: no HTTP answer`,
    },
  );
}

async function requestSyncing(
  node: NodeEndpoint,
  bodyWithinMs: number,
  options: NodeRequestOptions,
): Promise<NodeSyncing | undefined> {
  const response = await requestNode(node, "/eth/v1/node/syncing", options);
  if (response.status !== STATUS_CODE.OK) {
    await response.body?.cancel();
    return undefined;
  }
  // The node can be reached, whatever the body is. A large one is cut, and then no JSON.
  return parseSyncing(await readBeginning(response, MAX_UNITS, bodyWithinMs));
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
/** The part of the probe's time that the body may take after the headers. */
const BODY_SHARE = 0.2;

const syncingSchema = v.object({
  data: v.object({
    head_slot: v.pipe(v.string(), v.regex(/^\d{1,15}$/)),
    is_syncing: v.boolean(),
    is_optimistic: v.nullish(v.boolean()),
    el_offline: v.nullish(v.boolean()),
  }),
});
