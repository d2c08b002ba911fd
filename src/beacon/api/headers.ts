/** Block headers and the finalized checkpoint, by which a recovery finds what was missed. */

import { STATUS_CODE } from "@std/http/status";
import * as v from "@valibot/valibot";
import { root, uint } from "../events/primitives.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { BeaconHttpError } from "../http/errors.ts";
import type { NodeRequestOptions } from "../http/request.ts";
import { requestAnswer } from "./answer.ts";

export interface BlockHeader {
  root: string;
  slot: number;
  parentRoot: string;
  stateRoot: string;
  isOptimistic: boolean;
}

/**
 * Requests `GET /eth/v1/beacon/headers/{id}`.
 *
 * @param id `"head"`, a slot, or a block's root.
 * @returns `undefined` where the node does not have the block.
 * @throws As {@linkcode requestAnswer} does.
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

/** Requests `GET /eth/v1/beacon/headers?slot=N`: the blocks of a slot on all branches. */
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

interface FinalizedCheckpoint {
  epoch: number;
  root: string;
  isOptimistic: boolean;
}

/**
 * Requests `GET /eth/v1/beacon/states/head/finality_checkpoints`; `undefined` where the node has
 * none.
 */
export async function fetchFinalizedCheckpoint(
  node: NodeEndpoint,
  options: NodeRequestOptions,
): Promise<FinalizedCheckpoint | undefined> {
  const path = "/eth/v1/beacon/states/head/finality_checkpoints";
  const answer = await requestIfThere(node, path, finalitySchema, options);
  return answer && {
    ...answer.data.finalized,
    isOptimistic: answer.execution_optimistic,
  };
}

/** `undefined` where the status is 404. */
async function requestIfThere<T>(
  node: NodeEndpoint,
  path: string,
  schema: v.GenericSchema<unknown, T>,
  options: NodeRequestOptions,
): Promise<T | undefined> {
  try {
    return await requestAnswer(node, path, schema, options);
  } catch (error) {
    if (
      error instanceof BeaconHttpError && error.status === STATUS_CODE.NotFound
    ) return undefined;
    throw error;
  }
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

export function withOptimism<T>(data: v.GenericSchema<unknown, T>) {
  return v.object({
    execution_optimistic: v.optional(v.boolean(), false),
    data,
  });
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
const finalitySchema = withOptimism(v.object({
  finalized: v.object({ epoch: uint.schema, root: root.schema }),
}));
