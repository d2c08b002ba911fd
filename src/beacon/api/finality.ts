/** The finalized checkpoint of a node. */

import { STATUS_CODE } from "@std/http/status";
import * as v from "@valibot/valibot";
import { root, uint } from "../events/primitives.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { BeaconHttpError, BeaconProtocolError } from "../http/errors.ts";
import { type NodeRequestOptions, requestJson } from "../http/request.ts";

/** The last checkpoint that a node holds for final. */
export interface FinalizedCheckpoint {
  /** Epoch of the checkpoint. */
  epoch: number;
  /** Root of the finalized block. */
  root: string;
  /** Whether the execution payload is not verified yet. */
  isOptimistic: boolean;
}

/**
 * Requests `GET /eth/v1/beacon/states/head/finality_checkpoints`.
 *
 * @returns The checkpoint, `undefined` where the node does not have it.
 * @throws {BeaconHttpError} If the status is neither 200 nor 404.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 * @throws {BeaconProtocolError} If the answer has another form.
 */
export async function fetchFinalizedCheckpoint(
  node: NodeEndpoint,
  options: NodeRequestOptions,
): Promise<FinalizedCheckpoint | undefined> {
  let body: unknown;
  try {
    body = await requestJson(node, PATH, options);
  } catch (error) {
    if (
      error instanceof BeaconHttpError && error.status === STATUS_CODE.NotFound
    ) return undefined;
    throw error;
  }
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (!result.success) {
    const field = v.getDotPath(result.issues[0]) ?? "the body";
    throw new BeaconProtocolError(
      `Cannot use ${node.at(PATH)}: ${field} is not of a checkpoint`,
    );
  }
  const { data, execution_optimistic } = result.output;
  return { ...data.finalized, isOptimistic: execution_optimistic };
}

const PATH = "/eth/v1/beacon/states/head/finality_checkpoints";

const schema = v.object({
  execution_optimistic: v.optional(v.boolean(), false),
  data: v.object({
    finalized: v.object({ epoch: uint.schema, root: root.schema }),
  }),
});
