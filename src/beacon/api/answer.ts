/** Answers of the Beacon API's JSON endpoints: requested, and checked member by member. */

import * as v from "@valibot/valibot";
import type { NodeEndpoint } from "../http/endpoint.ts";
import { BeaconProtocolError } from "../http/errors.ts";
import { type NodeRequestOptions, requestJson } from "../http/request.ts";

/**
 * @throws {BeaconHttpError} If the status is not 200.
 * @throws {BeaconNetworkError} If the node cannot be reached.
 * @throws {BeaconProtocolError} If the answer has another form; the message names the member.
 */
export async function requestAnswer<T>(
  node: NodeEndpoint,
  path: string,
  schema: v.GenericSchema<unknown, T>,
  options: NodeRequestOptions,
): Promise<T> {
  const body = await requestJson(node, path, options);
  return checkAnswer(node, path, schema, body);
}

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

/** It has the name that the user gave to the node. */
export function unusable(
  node: NodeEndpoint,
  path: string,
  reason: string,
): BeaconProtocolError {
  const url = node.at(path);
  const name = url.startsWith(node.name) ? "" : `${node.name} at `;
  return new BeaconProtocolError(`Cannot use ${name}${url}: ${reason}`);
}
