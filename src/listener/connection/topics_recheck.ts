/** Requests refused topics again, once in a while, beside a node's stream. */

import { delay } from "@std/async/delay";
import {
  MOST_PATIENCE_MS,
  probeList,
  probeTopics,
} from "../../beacon/http/topic_probe.ts";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import type { TopicNegotiation } from "./topic_negotiation.ts";

/** What {@linkcode recheckTopics} works with. */
export interface RecheckOptions {
  /** Which topics are requested, and when to request the others again. */
  topics: TopicNegotiation;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends it when aborted. */
  signal: AbortSignal;
}

/**
 * Waits until the node accepts more than it did.
 *
 * @returns What it accepts now, in words; `undefined` where there is nothing to wait for.
 */
export async function recheckTopics(
  node: NodeEndpoint,
  options: RecheckOptions,
): Promise<string | undefined> {
  const { topics, signal } = options;
  const checks: Promise<string>[] = [];
  if (topics.missing.length > 0) checks.push(recheckMissing(node, options));
  if (topics.request.form === "repeated") {
    checks.push(recheckList(node, options));
  }
  if (checks.length === 0) return undefined;
  const regained = await Promise.race(checks);
  // In a turn of its own, so that no chunk of the stream is half read when it ends.
  await delay(0, { signal });
  return regained;
}

/** Resolves with the topics that the node accepts now. */
async function recheckMissing(
  node: NodeEndpoint,
  { topics, fetch, signal }: RecheckOptions,
): Promise<string> {
  for (let waitMs = topics.recheckInMs;; waitMs = RECHECK_MS) {
    await delay(waitMs, { signal });
    topics.rechecked();
    const { taken } = await probeTopics(node, topics.missing, {
      fetch,
      signal,
      // A node that is slow to refuse must not look as if it accepted the topic.
      patienceMs: MOST_PATIENCE_MS,
    });
    if (taken.size > 0) return [...taken].join(", ");
  }
}

/**
 * All nodes should read one list; of repeated keys some read the first one only. So repeated keys are
 * used no longer than it takes to find out that a list without an answer was one node's bad moment.
 * Resolves when it was.
 */
async function recheckList(
  node: NodeEndpoint,
  { topics: { request }, fetch, signal }: RecheckOptions,
): Promise<string> {
  while (!(await probeList(node, request.topics, { fetch, signal }))) {
    await delay(RECHECK_MS, { signal });
  }
  return "topics in one list";
}

const RECHECK_MS = 3_600_000;
