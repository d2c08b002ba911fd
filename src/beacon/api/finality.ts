/** The finalized checkpoint of a node. */

import * as v from "@valibot/valibot";
import { root, uint } from "../events/primitives.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import type { NodeRequestOptions } from "../http/request.ts";
import { requestIfThere, withOptimism } from "./answer.ts";

/** The last checkpoint that a node holds for final. */
export interface FinalizedCheckpoint {
  epoch: number;
  root: string;
  isOptimistic: boolean;
}

/**
 * Requests `GET /eth/v1/beacon/states/head/finality_checkpoints`; it throws as
 * {@linkcode requestIfThere} does.
 *
 * @returns The checkpoint, `undefined` where the node does not have it.
 */
export async function fetchFinalizedCheckpoint(
  node: NodeEndpoint,
  options: NodeRequestOptions,
): Promise<FinalizedCheckpoint | undefined> {
  const path = "/eth/v1/beacon/states/head/finality_checkpoints";
  const answer = await requestIfThere(node, path, answerSchema, options);
  return answer && {
    ...answer.data.finalized,
    isOptimistic: answer.execution_optimistic,
  };
}

const answerSchema = withOptimism(v.object({
  finalized: v.object({ epoch: uint.schema, root: root.schema }),
}));
