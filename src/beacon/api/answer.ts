/** Answers of the Beacon API's JSON endpoints: requested, and checked member by member. */

import { STATUS_CODE } from "@std/http/status";
import * as v from "@valibot/valibot";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { BeaconHttpError, BeaconProtocolError } from "../http/errors.ts";
import { type NodeRequestOptions, requestJson } from "../http/request.ts";

/**
 * Requests something that a node may not have.
 *
 * @returns The answer, `undefined` where its status is 404.
 * @throws {BeaconHttpError} If the status is neither 200 nor 404.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 * @throws {BeaconProtocolError} If the answer has another form; the message names the member.
 */
export async function requestIfThere<T>(
  node: NodeEndpoint,
  path: string,
  schema: v.GenericSchema<unknown, T>,
  options: NodeRequestOptions,
): Promise<T | undefined> {
  try {
    const body = await requestJson(node, path, options);
    return checkAnswer(node, path, schema, body);
  } catch (error) {
    if (
      error instanceof BeaconHttpError && error.status === STATUS_CODE.NotFound
    ) return undefined;
    throw error;
  }
}

/** The form of an answer that reports whether its data are verified. */
export function withOptimism<T>(data: v.GenericSchema<unknown, T>) {
  return v.object({
    execution_optimistic: v.optional(v.boolean(), false),
    data,
  });
}

/** @throws {BeaconProtocolError} If an answer has another form; the message names the member. */
export function checkAnswer<T>(
  node: NodeEndpoint,
  path: string,
  schema: v.GenericSchema<unknown, T>,
  body: unknown,
): T {
  const result = v.safeParse(schema, body, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const member = v.getDotPath(issue) ?? "the body";
  const got = issue.input === undefined
    ? "is missing"
    : `${issue.message}, got ${node.show(JSON.stringify(issue.input), 60)}`;
  throw unusable(node, path, `${member} ${got}`);
}

/** The error for an answer that cannot be used; it has the name that the user gave to the node. */
export function unusable(
  node: NodeEndpoint,
  path: string,
  reason: string,
): BeaconProtocolError {
  const url = node.at(path);
  const name = url.startsWith(node.name) ? "" : `${node.name} at `;
  return new BeaconProtocolError(`Cannot use ${name}${url}: ${reason}`);
}
