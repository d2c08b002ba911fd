/** One connection to a node, from the probe to its end, and what goes on beside its stream. */

import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
  BeaconTimeoutError,
} from "../../beacon/http/errors.ts";
import { BeaconEventReader } from "../../beacon/events/beacon_event_reader.ts";
import {
  EmptyAnswerError,
  openEventStream,
} from "../../beacon/http/event_stream.ts";
import { probeNode } from "../../beacon/api/syncing.ts";
import { publicError } from "../../beacon/http/public_error.ts";
import { askAgain, TopicsRegainedError } from "./topics_recheck.ts";
import type { ChainCheck } from "./chain_check.ts";
import { recoverGap } from "../recovery/gap_recovery.ts";
import type { NodeState } from "../node_state.ts";
import type { DisconnectReason } from "../node_status.ts";
import type { SupervisorOptions } from "./supervisor.ts";
import { oneAtATime } from "../recovery/one_at_a_time.ts";
import { SilenceError } from "./silence_error.ts";
import { watchStaleness } from "./staleness.ts";
import type { TopicRequest } from "./topic_negotiation.ts";
import { Watchdog } from "./watchdog.ts";
import { WrongChainError } from "./wrong_chain_error.ts";

/** What one connection is to do. */
export interface ConnectionOptions extends SupervisorOptions {
  /** What to ask for. */
  request: TopicRequest;
  /** Whether the node is on the right chain. */
  chain: ChainCheck;
  /** Called when a valid event arrived. */
  onUseful: () => void;
  /** Called with a server's `retry`, in milliseconds. */
  onRetry: (milliseconds: number) => void;
  /** When to ask again for the topics that the node refuses, in milliseconds from now. */
  askAgainInMs: number;
}

/** How a connection ended. */
export interface ConnectionEnd {
  /** Why, in a word. */
  reason: DisconnectReason;
  /** Why, with the causes. */
  error: Error;
  /** How long the stream was open, in milliseconds; `undefined` if it never was. */
  openMs: number | undefined;
  /** Whether the node took the request and ended the stream with no event on it. */
  isEmpty: boolean;
  /** How long the node took to refuse the request or to send headers, in milliseconds. */
  answeredInMs: number | undefined;
}

/** Connects and listens until the connection ends, which it tells as a value. */
export async function listenOnce(
  node: NodeState,
  options: ConnectionOptions,
): Promise<ConnectionEnd> {
  const { actor, reporter, fetch, now, needsData, maxEventBytes, request } =
    options;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const beside = new Set<Promise<void>>();
  const run = (task: Promise<void>) => {
    // What goes on beside the stream ends with it; some of its failures end the stream.
    const guarded = task.catch((error) => {
      if (
        error instanceof WrongChainError || error instanceof TopicsRegainedError
      ) ended.abort(error);
    }).finally(() => beside.delete(guarded));
    beside.add(guarded);
  };
  // Node 22 does not know `using` yet.
  let watchdog: Watchdog | undefined;
  let openedAt: number | undefined;
  let askedAt: number | undefined;
  let answeredInMs: number | undefined;
  let bytes = 0;
  let hasEvents = false;
  const end = (reason: DisconnectReason, error: Error): ConnectionEnd => {
    const openMs = openedAt === undefined
      ? undefined
      : performance.now() - openedAt;
    // A server that just closes ends the stream, but not by the rules of HTTP.
    const isClosed = reason === "eof" ||
      (reason === "network" && openedAt !== undefined && bytes === 0);
    const isEmpty = error instanceof EmptyAnswerError ||
      (isClosed && !hasEvents);
    if (askedAt !== undefined) answeredInMs ??= performance.now() - askedAt;
    return { reason, error, openMs, isEmpty, answeredInMs };
  };
  try {
    reporter.probed(
      node,
      await probeNode(node.endpoint, PROBE_TIMEOUT_MS, { fetch, signal }),
    );
    await options.chain.begin(signal, run);
    watchdog = new Watchdog(
      () => options.idleTimeoutMs ?? idleTimeoutMs(node),
      (silence, timeoutMs) =>
        ended.abort(new SilenceError(node.name, silence, timeoutMs)),
    );
    const recover = oneAtATime(
      (isTold: boolean) =>
        recoverGap(node, { isTold, actor, reporter, fetch, signal, now }),
      signal,
    );
    askedAt = performance.now();
    const stream = await openEventStream(node.endpoint, {
      ...request,
      fetch,
      now,
      signal,
      ...(maxEventBytes === undefined ? {} : { maxEventBytes }),
      onBytes(count) {
        bytes += count;
        node.bytes += count;
        watchdog?.sawBytes();
        reporter.oversized(node);
      },
      onComment(comment) {
        watchdog?.sawProgress();
        const count = droppedCount(comment);
        if (count === 0) return;
        const slots = slotsSinceLastHead(node, options);
        reporter.gap(node, { ...slots, kind: "dropped", count });
        run(recover(true));
      },
      onRetry: options.onRetry,
    });
    openedAt = performance.now();
    answeredInMs = openedAt - askedAt;
    reporter.connected(node, stream.oversized);
    run(recover(false));
    run(watchStaleness(node, { actor, reporter, fetch, signal, now }));
    run(askAgain(node, { ...options, signal }));
    const reader = new BeaconEventReader({
      node: node.endpoint,
      now,
      needsData,
    });
    const sink = actor.sink(node, reader, (valid) => {
      hasEvents = true;
      watchdog?.sawProgress();
      if (valid > 0) options.onUseful();
    });
    await stream.batches.pipeTo(sink, { signal });
    return end(
      "eof",
      new BeaconProtocolError(`Lost ${node.name}: the node ended the stream`),
    );
  } catch (error) {
    return end(...describe(node, error));
  } finally {
    // Whatever still hangs on this connection ends here, once for all.
    watchdog?.[Symbol.dispose]();
    ended.abort();
    await Promise.all(beside);
  }
}

const PROBE_TIMEOUT_MS = 10_000;
const IDLE_SLOTS = 5;
const IDLE_TIMEOUT_WITHOUT_CLOCK_MS = 60_000;
const MOST_IDLE_TIMEOUT_MS = 3_600_000;

/** By the node's own word: what another node says must not end its connection. */
function idleTimeoutMs({ slotDurationMs }: NodeState): number {
  if (slotDurationMs === undefined) return IDLE_TIMEOUT_WITHOUT_CLOCK_MS;
  return Math.min(IDLE_SLOTS * slotDurationMs, MOST_IDLE_TIMEOUT_MS);
}

/** How many messages a comment of Lighthouse's says that it has dropped. */
function droppedCount(comment: string): number {
  const count = /^error - dropped (\d+) messages?$/.exec(comment.trim())?.[1];
  return Math.min(Number(count ?? 0), Number.MAX_SAFE_INTEGER);
}

/** Where events are missing that a node did not send: from its last head to now. */
function slotsSinceLastHead(
  node: NodeState,
  { actor, now }: ConnectionOptions,
): { from: number; to: number; topics: readonly string[] } {
  const current = actor.clock?.slotAt(now());
  const from = node.headSlot ?? current ?? 0;
  return { from, to: Math.max(from, current ?? from), topics: node.topics };
}

function describe(node: NodeState, error: unknown): [DisconnectReason, Error] {
  if (error instanceof SilenceError) return [error.silence, error];
  if (error instanceof TopicsRegainedError) return ["topics", error];
  if (error instanceof WrongChainError) return ["chain", error];
  if (error instanceof BeaconTimeoutError) return ["unreachable", error];
  if (error instanceof BeaconHttpError) return ["status", error];
  if (error instanceof BeaconProtocolError) return ["content_type", error];
  if (error instanceof BeaconNetworkError) return ["network", error];
  const cause = publicError(error, node.endpoint);
  return [
    "network",
    new BeaconNetworkError(`Lost ${node.name}: ${cause.message}`, { cause }),
  ];
}
