/** Does a node take a topic? Asked by opening a stream for it alone, and closing it again. */

import { delay } from "@std/async/delay";
import { STATUS_CODE } from "@std/http/status";
import { SseDecoder } from "../../sse/mod.ts";
import { isEventStream } from "./event_stream.ts";
import type { NodeEndpoint } from "./endpoint.ts";
import { requestNode } from "./request.ts";
import { topicsQuery } from "./topics_query.ts";

/** Options for {@linkcode probeTopics}. */
export interface ProbeTopicsOptions {
  /** The `fetch` to use. */
  fetch: typeof fetch;
  /** Ends the probes when aborted. */
  signal: AbortSignal;
  /**
   * How long to wait for a refusal, in milliseconds: some nodes think for seconds.
   *
   * @default {1500}
   */
  patienceMs?: number;
}

/** What a node says of topics; it may have said nothing of some. */
export interface ProbedTopics {
  /** Those that it takes. */
  taken: ReadonlySet<string>;
  /** Those that it refuses. */
  refused: ReadonlySet<string>;
}

/**
 * Asks for each topic alone. A refusal comes at once: as a 400, or as a stream that ends before
 * anything comes. A stream that has an event or stays open for a moment counts as taken, and so does
 * one whose headers do not come, since some nodes send them with the first event. All else says
 * nothing: a stream that is cut may be any node's bad moment.
 *
 * A node that restarts refuses some and takes others. So where it took any, the refused ones are asked
 * for a second time, a moment later.
 */
export async function probeTopics(
  node: NodeEndpoint,
  topics: readonly string[],
  options: ProbeTopicsOptions,
): Promise<ProbedTopics> {
  const first = await probeEach(node, topics, options);
  if (first.taken.size === 0 || first.refused.size === 0) return first;
  await delay(CONFIRM_AFTER_MS, { signal: options.signal });
  const second = await probeEach(node, [...first.refused], options);
  return {
    taken: new Set([...first.taken, ...second.taken]),
    refused: second.refused,
  };
}

async function probeEach(
  node: NodeEndpoint,
  topics: readonly string[],
  options: ProbeTopicsOptions,
): Promise<ProbedTopics> {
  const verdicts = await Promise.all(
    topics.map((topic) => probe(node, [topic], options)),
  );
  options.signal.throwIfAborted();
  const those = (...wanted: Verdict[]) =>
    new Set(topics.filter((_, index) => wanted.includes(verdicts[index]!)));
  return { taken: those("open", "silent"), refused: those("refused") };
}

/**
 * Asks for topics in one list with commas. Only a stream that has headers shows that the node reads
 * such a list.
 *
 * @returns Whether it does.
 */
export async function probeList(
  node: NodeEndpoint,
  topics: readonly string[],
  options: ProbeTopicsOptions,
): Promise<boolean> {
  return await probe(node, topics, options) === "open";
}

type Verdict =
  /** There is a stream. */
  | "open"
  /** There may be one: no headers yet. */
  | "silent"
  | "refused"
  /** Something else is wrong. */
  | "unknown";

/** A refusal mostly comes at once. */
export const LEAST_PATIENCE_MS = 1500;
/** No node thinks for longer before it refuses. */
export const MOST_PATIENCE_MS = 10_000;
const CONFIRM_AFTER_MS = 500;

async function probe(
  node: NodeEndpoint,
  topics: readonly string[],
  options: ProbeTopicsOptions,
): Promise<Verdict> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  let soFar: Verdict = "silent";
  const asked = ask(
    node,
    topics,
    { ...options, signal },
    (verdict) => soFar = verdict,
  );
  const { patienceMs = LEAST_PATIENCE_MS } = options;
  const isPatient = delay(patienceMs, { signal }).then(() => soFar);
  try {
    return await Promise.race([asked, isPatient]);
  } catch {
    return "unknown";
  } finally {
    // Ends what is still under way; that it does is no news to anybody.
    ended.abort();
    await Promise.allSettled([asked, isPatient]);
  }
}

/** Resolves when the answer is sure before time is up. */
async function ask(
  node: NodeEndpoint,
  topics: readonly string[],
  options: ProbeTopicsOptions,
  onHeaders: (soFar: Verdict) => void,
): Promise<Verdict> {
  const response = await requestNode(node, "/eth/v1/events", {
    ...options,
    accept: "text/event-stream",
    query: topicsQuery(topics, "joined"),
  });
  if (response.status !== STATUS_CODE.OK) {
    await response.body?.cancel();
    return response.status === STATUS_CODE.BadRequest ? "refused" : "unknown";
  }
  if (response.body === null) return "refused";
  const isStream = isEventStream(response);
  onHeaders(isStream ? "open" : "unknown");
  const decoder = new SseDecoder();
  let begun = "";
  const text = response.body.pipeThrough(new TextDecoderStream());
  try {
    // Leaving the loop cancels the body.
    for await (const chunk of text) {
      if (!isStream) return "unknown";
      if (decoder.push(chunk).length > 0) return "open";
      begun = (begun + chunk).slice(0, MOST_LOOKED_AT);
    }
  } catch (error) {
    options.signal.throwIfAborted();
    // Without an end by the rules of HTTP, as by a server that just closes.
    if (begun !== "") throw error;
  }
  return saysNothing(begun) ? "refused" : "unknown";
}

const MOST_LOOKED_AT = 1024;

/** Whether there is nothing but comments, which keep a stream alive. */
function saysNothing(text: string): boolean {
  return text.split(/\r\n?|\n/).every((line) =>
    line === "" || line.startsWith(":")
  );
}
