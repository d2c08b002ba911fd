/** Block headers, by which the way back from one head to another is found. */

import { STATUS_CODE } from "@std/http/status";
import * as v from "@valibot/valibot";
import { BeaconHttpError, BeaconProtocolError } from "../http/errors.ts";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { type NodeRequestOptions, requestJson } from "../http/request.ts";
import { root, uint } from "../events/primitives.ts";

/** What is needed of a block's header. */
export interface BlockHeader {
  /** Root of the block, lower-case hex. */
  root: string;
  /** Slot of the block. */
  slot: number;
  /** Root of the block before it on its branch. */
  parentRoot: string;
  /** Root of the state behind it. */
  stateRoot: string;
  /** Whether its execution payload is not verified yet. */
  isOptimistic: boolean;
}

/**
 * Asks `GET /eth/v1/beacon/headers/{id}`.
 *
 * @param id `"head"`, or a block's root.
 * @returns The header, `undefined` where the node does not have the block.
 * @throws {BeaconHttpError} If the status is neither 200 nor 404.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 * @throws {BeaconProtocolError} If the answer is not a header.
 */
export async function fetchHeader(
  node: NodeEndpoint,
  id: string,
  options: NodeRequestOptions,
): Promise<BlockHeader | undefined> {
  const path = `/eth/v1/beacon/headers/${id}`;
  let body: unknown;
  try {
    body = await requestJson(node, path, options);
  } catch (error) {
    if (
      error instanceof BeaconHttpError && error.status === STATUS_CODE.NotFound
    ) return undefined;
    throw error;
  }
  const { data, execution_optimistic } = read(headerSchema, body, node, path);
  return toHeader(data, execution_optimistic);
}

/**
 * Requests `GET /eth/v1/beacon/headers?slot=N`: the blocks of a slot on all branches.
 *
 * @throws {BeaconHttpError} If the status is neither 200 nor 404.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 * @throws {BeaconProtocolError} If the answer is not a list of headers.
 */
export async function fetchHeadersOfSlot(
  node: NodeEndpoint,
  slot: number,
  options: NodeRequestOptions,
): Promise<BlockHeader[]> {
  const path = "/eth/v1/beacon/headers";
  const query = `slot=${slot}`;
  try {
    const body = await requestJson(node, path, { ...options, query });
    const { data, execution_optimistic } = read(
      headersSchema,
      body,
      node,
      path,
    );
    return data.map((header) => toHeader(header, execution_optimistic));
  } catch (error) {
    if (
      error instanceof BeaconHttpError && error.status === STATUS_CODE.NotFound
    ) return [];
    throw error;
  }
}

function read<T extends v.GenericSchema>(
  schema: T,
  body: unknown,
  node: NodeEndpoint,
  path: string,
): v.InferOutput<T> {
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (result.success) return result.output;
  const field = v.getDotPath(result.issues[0]) ?? "the body";
  throw new BeaconProtocolError(
    `Cannot use ${node.at(path)}: ${field} is not of a header`,
  );
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

const headerSchema = v.object({
  execution_optimistic: v.optional(v.boolean(), false),
  data: dataSchema,
});

const headersSchema = v.object({
  execution_optimistic: v.optional(v.boolean(), false),
  data: v.array(dataSchema),
});
