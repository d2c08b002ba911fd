/** Does a node take a topic? Asked by opening a stream for it alone, and closing it again. */

import { delay } from "@std/async/delay";
import { STATUS_CODE } from "@std/http/status";
import type { NodeEndpoint } from "./node_endpoint.ts";
import { requestNode } from "./node_request.ts";

/** Options for {@linkcode probeTopics}. */
export interface ProbeTopicsOptions {
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the probes when aborted. */
  signal: AbortSignal;
}

/**
 * Asks for each topic alone. A refusal comes at once; a stream that stays open for a moment, or
 * whose headers do not come, since some nodes send them with the first event, counts as taken.
 *
 * @returns The topics that the node takes.
 */
export async function probeTopics(
  node: NodeEndpoint,
  topics: readonly string[],
  options: ProbeTopicsOptions,
): Promise<Set<string>> {
  const taken = await Promise.all(topics.map(async (topic) => {
    const ended = new AbortController();
    const signal = AbortSignal.any([options.signal, ended.signal]);
    const isRefused = isTopicRefused(node, topic, { ...options, signal });
    const isPatient = delay(PATIENCE_MS, { signal }).then(() => false);
    try {
      return await Promise.race([isRefused, isPatient]) ? [] : [topic];
    } finally {
      // Ends what is still under way; that it does is no news to anybody.
      ended.abort();
      await Promise.allSettled([isRefused, isPatient]);
    }
  }));
  options.signal.throwIfAborted();
  return new Set(taken.flat());
}

const PATIENCE_MS = 1500;

/** Resolves when the node refuses the topic, or the connection fails. */
async function isTopicRefused(
  node: NodeEndpoint,
  topic: string,
  options: ProbeTopicsOptions,
): Promise<boolean> {
  try {
    const response = await requestNode(node, "/eth/v1/events", {
      ...options,
      accept: "text/event-stream",
      query: `topics=${encodeURIComponent(topic)}`,
    });
    if (response.status !== STATUS_CODE.OK) {
      await response.body?.cancel();
      return true;
    }
    // A stream that ends is no stream; one that has something to say is one.
    const reader = response.body?.getReader();
    const first = await reader?.read();
    await reader?.cancel();
    return first?.done ?? true;
  } catch {
    return true;
  }
}
