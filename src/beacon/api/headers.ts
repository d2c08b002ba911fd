/** Block headers, by which the way back from one head to another is found. */

import * as v from "@valibot/valibot";
import { root, uint } from "../events/primitives.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import type { NodeRequestOptions } from "../http/request.ts";
import { requestIfThere, withOptimism } from "./answer.ts";

/** What is needed of a block's header. */
export interface BlockHeader {
  root: string;
  slot: number;
  parentRoot: string;
  stateRoot: string;
  isOptimistic: boolean;
}

/**
 * Requests `GET /eth/v1/beacon/headers/{id}`; it throws as {@linkcode requestIfThere} does.
 *
 * @param id `"head"`, a slot, or a block's root.
 * @returns The header, `undefined` where the node does not have the block.
 */
export async function fetchHeader(
  node: NodeEndpoint,
  id: string,
  options: NodeRequestOptions,
): Promise<BlockHeader | undefined> {
  const path = `/eth/v1/beacon/headers/${id}`;
  const answer = await requestIfThere(node, path, headerSchema, options);
  return answer && toHeader(answer.data, answer.execution_optimistic);
}

/**
 * Requests `GET /eth/v1/beacon/headers?slot=N`: the blocks of a slot on all branches. It throws as
 * {@linkcode requestIfThere} does.
 */
export async function fetchHeadersOfSlot(
  node: NodeEndpoint,
  slot: number,
  options: NodeRequestOptions,
): Promise<BlockHeader[]> {
  const path = "/eth/v1/beacon/headers";
  const query = { ...options, query: `slot=${slot}` };
  const answer = await requestIfThere(node, path, headersSchema, query);
  return answer?.data.map((header) =>
    toHeader(header, answer.execution_optimistic)
  ) ?? [];
}

function toHeader(
  { root, header: { message } }: v.InferOutput<typeof dataSchema>,
  isOptimistic: boolean,
): BlockHeader {
  const { slot, parent_root, state_root } = message;
  return {
    root,
    slot,
    parentRoot: parent_root,
    stateRoot: state_root,
    isOptimistic,
  };
}

const dataSchema = v.object({
  root: root.schema,
  header: v.object({
    message: v.object({
      slot: uint.schema,
      parent_root: root.schema,
      state_root: root.schema,
    }),
  }),
});

const headerSchema = withOptimism(dataSchema);
const headersSchema = withOptimism(v.array(dataSchema));
