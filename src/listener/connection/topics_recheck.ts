/** Asks a node once in a while, beside its stream, whether it takes more than it did. */

import { delay } from "@std/async/delay";
import {
  MOST_PATIENCE_MS,
  probeList,
  probeTopics,
} from "../../beacon/http/topic_probe.ts";
import type { NodeState } from "../node_state.ts";
import type { TopicRequest } from "./topic_negotiation.ts";

/** What {@linkcode askAgain} works with. */
export interface AskAgainOptions {
  /** What the node is asked for. */
  request: TopicRequest;
  /** When to ask for refused topics, in milliseconds from now; every hour from then on. */
  askAgainInMs: number;
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends it when aborted. */
  signal: AbortSignal;
}

/** The node takes more topics than it did; thrown to connect anew with all of them. */
export class TopicsRegainedError extends Error {
  /** Name of the class. */
  override readonly name = "TopicsRegainedError";
}

/** How long a node's refusal of a topic is believed, in milliseconds. */
export const ASK_AGAIN_MS = 3_600_000;
/** When it is asked for a first time again: what looked like a refusal may have been a restart. */
export const ASK_SOON_MS = 60_000;

/**
 * Asks until the signal aborts, or there is nothing to ask for.
 *
 * @throws {TopicsRegainedError} If the node takes more.
 */
export async function askAgain(
  node: NodeState,
  options: AskAgainOptions,
): Promise<void> {
  const questions: Promise<string>[] = [];
  if (node.missingTopics.length > 0) {
    questions.push(askForTopics(node, options));
  }
  if (options.request.form === "repeated") {
    questions.push(askForList(node, options));
  }
  if (questions.length === 0) return;
  const gain = await Promise.race(questions);
  // In a turn of its own, so that no chunk of the stream is half read when it ends.
  await delay(0, { signal: options.signal });
  throw new TopicsRegainedError(
    `${node.name} takes ${gain} now; asking for all topics again`,
  );
}

/** Resolves with the topics that the node takes now. */
async function askForTopics(
  node: NodeState,
  { askAgainInMs, fetch, signal }: AskAgainOptions,
): Promise<string> {
  const missing = node.missingTopics;
  for (let waitMs = askAgainInMs;; waitMs = ASK_AGAIN_MS) {
    await delay(waitMs, { signal });
    const { taken } = await probeTopics(node.endpoint, missing, {
      fetch,
      signal,
      // There is no hurry, and a node that is slow to refuse must not look as if it took the topic.
      patienceMs: MOST_PATIENCE_MS,
    });
    if (taken.size > 0) return [...taken].join(", ");
  }
}

/**
 * One list is what all nodes should take; of repeated keys some read the first one only. So these are
 * for no longer than it takes to find out that a list without an answer was one node's bad moment.
 * Resolves when it was.
 */
async function askForList(
  node: NodeState,
  { request: { topics }, fetch, signal }: AskAgainOptions,
): Promise<string> {
  while (!(await probeList(node.endpoint, topics, { fetch, signal }))) {
    await delay(ASK_AGAIN_MS, { signal });
  }
  return "topics in one list";
}
