/** Requests refused topics again, beside a node's stream. */

import { delay } from "@std/async/delay";
import type { NodeEndpoint } from "../../beacon/http/endpoint.ts";
import {
  MOST_PATIENCE_MS,
  probeInPairs,
  probeTopics,
} from "../../beacon/http/topic_probe.ts";
import type { TopicNegotiation } from "./topic_negotiation.ts";

interface RecheckOptions {
  topics: TopicNegotiation;
  slotMs: number;
  fetch: typeof fetch;
  signal: AbortSignal;
}

/** Waits for topics that the node accepts now; `undefined` where it refused none. */
export async function recheckTopics(
  node: NodeEndpoint,
  { topics, slotMs, fetch, signal }: RecheckOptions,
): Promise<string | undefined> {
  const { missing, heartbeat, isSilent } = topics;
  if (missing.length === 0) return undefined;
  while (true) {
    await delay(topics.recheckInMs, { signal });
    topics.rechecked();
    const { taken } = isSilent
      ? await probeInPairs(node, missing, heartbeat, {
        fetch,
        signal,
        patienceMs: 2 * slotMs,
      })
      // A node that is slow to refuse must not look as if it accepted the topic.
      : await probeTopics(node, missing, {
        fetch,
        signal,
        patienceMs: MOST_PATIENCE_MS,
      });
    const regained = missing.filter((topic) => taken.has(topic));
    if (regained.length === 0) continue;
    // In a turn of its own, so that no chunk of the stream is half read when it ends.
    await delay(0, { signal });
    return regained.join(", ");
  }
}
