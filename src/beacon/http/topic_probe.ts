/** Finds out whether a node accepts a topic: opens a stream for it alone, and closes it again. */

import { delay } from "@std/async/delay";
import { STATUS_CODE } from "@std/http/status";
import { SseDecoder } from "../../sse/mod.ts";
import { isEventStream, type TopicForm, topicsQuery } from "./event_stream.ts";
import type { NodeEndpoint } from "./endpoint.ts";
import { requestNode } from "./request.ts";

interface ProbeTopicsOptions {
  fetch: typeof fetch;
  signal: AbortSignal;
  /** How long to wait for a refusal, in milliseconds: some nodes take seconds. */
  patienceMs: number;
}

/** What was found out; a topic may be in neither set. */
export interface ProbedTopics {
  taken: ReadonlySet<string>;
  refused: ReadonlySet<string>;
}

/**
 * Requests each topic alone. A 400, or a stream that ends before anything comes, is a refusal. A
 * stream that has an event or stays open for a moment counts as accepted, and so does one whose
 * headers do not come: some nodes send them with the first event. A stream that breaks shows
 * nothing.
 *
 * A node that restarts refuses some and accepts others. So where it accepted any, the refused ones
 * are requested a second time, a moment later.
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
  const verdicts = await forEach(
    topics,
    (topic) => probe(node, [topic], "joined", options),
  );
  // A node that limits connections answers when there is one only.
  for (const topic of those(verdicts, "busy")) {
    for (const waitMs of BUSY_WAITS_MS) {
      await delay(waitMs, { signal: options.signal });
      const verdict = await probe(node, [topic], "joined", options);
      verdicts.set(topic, verdict);
      if (verdict !== "busy") break;
    }
  }
  options.signal.throwIfAborted();
  return {
    taken: those(verdicts, "open", "silent"),
    refused: those(verdicts, "refused"),
  };
}

/**
 * Requests each topic together with the topic of heads, from a node that answers an unknown topic
 * with silence, and no headers either. Heads come in almost every slot: where they come alone and
 * not behind a topic, the node does not know the topic.
 */
export async function probeInPairs(
  node: NodeEndpoint,
  topics: readonly string[],
  heartbeat: string,
  options: ProbeTopicsOptions,
): Promise<ProbedTopics> {
  const others = topics.filter((topic) => topic !== heartbeat);
  const verdicts = new Map<string, Verdict>();
  for (let next = 0; next < others.length; next += MOST_AT_ONCE - 1) {
    const pairs = others.slice(next, next + MOST_AT_ONCE - 1);
    const late = new AbortController();
    const signal = AbortSignal.any([options.signal, late.signal]);
    const control = probe(node, [heartbeat], "joined", options);
    // What heads bring to the one stream they bring to the others, in a moment.
    const isOver = control.then(() => delay(CONFIRM_AFTER_MS, { signal }))
      .catch(() => {}).then(() => late.abort());
    const found = await forEach(
      pairs,
      (topic) => probe(node, [topic, heartbeat], "repeated", options, signal),
    );
    late.abort();
    await isOver;
    options.signal.throwIfAborted();
    // The node has nothing to send, or does not read this either.
    if (await control !== "open") break;
    verdicts.set(heartbeat, "open");
    for (const [topic, verdict] of found) verdicts.set(topic, verdict);
  }
  return {
    taken: those(verdicts, "open"),
    refused: those(verdicts, "silent", "refused"),
  };
}

async function forEach(
  topics: readonly string[],
  probe: (topic: string) => Promise<Verdict>,
): Promise<Map<string, Verdict>> {
  const verdicts = new Map<string, Verdict>();
  const left = topics.values();
  const work = async () => {
    for (const topic of left) verdicts.set(topic, await probe(topic));
  };
  await Promise.all(Array.from({ length: MOST_AT_ONCE }, work));
  return verdicts;
}

function those(
  verdicts: ReadonlyMap<string, Verdict>,
  ...wanted: Verdict[]
): Set<string> {
  const found = [...verdicts].filter(([, verdict]) => wanted.includes(verdict));
  return new Set(found.map(([topic]) => topic));
}

type Verdict =
  | "open"
  /** There may be one: no headers yet. */
  | "silent"
  | "refused"
  | "busy"
  | "unknown";

/** A refusal mostly comes at once. */
export const LEAST_PATIENCE_MS = 1500;
/** No node takes longer than this to refuse. */
export const MOST_PATIENCE_MS = 10_000;
const CONFIRM_AFTER_MS = 500;
const MOST_AT_ONCE = 4;
const CLOSED_AFTER_MS = 50;
const BUSY_WAITS_MS = [0, 100, 400];

async function probe(
  node: NodeEndpoint,
  topics: readonly string[],
  form: TopicForm,
  options: ProbeTopicsOptions,
  late?: AbortSignal,
): Promise<Verdict> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  let soFar: Verdict = "silent";
  const answer = request(
    node,
    topicsQuery(topics, form),
    { ...options, signal },
    (verdict) => soFar = verdict,
  );
  const patience = delay(options.patienceMs, {
    signal: late === undefined ? signal : AbortSignal.any([signal, late]),
  }).then(() => soFar, () => soFar);
  try {
    return await Promise.race([answer, patience]);
  } catch {
    return "unknown";
  } finally {
    ended.abort();
    await Promise.allSettled([answer, patience]);
    // The node counts the connection until it has seen the end of it.
    await delay(CLOSED_AFTER_MS);
  }
}

async function request(
  node: NodeEndpoint,
  query: string,
  options: ProbeTopicsOptions,
  onHeaders: (soFar: Verdict) => void,
): Promise<Verdict> {
  const response = await requestNode(node, "/eth/v1/events", {
    ...options,
    accept: "text/event-stream",
    query,
  });
  if (response.status !== STATUS_CODE.OK) {
    await response.body?.cancel();
    if (response.status === STATUS_CODE.BadRequest) return "refused";
    return BUSY.has(response.status) ? "busy" : "unknown";
  }
  if (response.body === null) return "refused";
  const isStream = isEventStream(response);
  onHeaders(isStream ? "open" : "unknown");
  const decoder = new SseDecoder();
  let begun = "";
  const text = response.body.pipeThrough(
    new TextDecoderStream("utf-8", { fatal: false }),
  );
  try {
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
  return hasOnlyComments(begun) ? "refused" : "unknown";
}

const MOST_LOOKED_AT = 1024;
const BUSY = new Set<number>([
  STATUS_CODE.TooManyRequests,
  STATUS_CODE.ServiceUnavailable,
]);

/** They keep a stream alive. */
function hasOnlyComments(text: string): boolean {
  return text.split(/\r\n?|\n/).every((line) =>
    line === "" || line.startsWith(":")
  );
}
