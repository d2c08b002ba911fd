/** The command at work: events of the nodes to stdout, until it has to stop. */

import { abortable } from "@std/async/abortable";
import { deadline } from "@std/async/deadline";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import { isKnownTopic, KNOWN_TOPICS } from "../beacon/events/topic.ts";
import type { LogFunction } from "../listener/log.ts";
import { SseListener } from "../listener/sse_listener.ts";
import { nearest } from "../values/nearest.ts";
import type { FeedArguments, NodeArgument } from "./args.ts";
import type { ServeAddress } from "./flag_values.ts";
import { columns, isColorless, onSignal, stderr, stdout } from "./host.ts";
import { formatJsonLine } from "./json_line.ts";
import { LineWriter } from "./line_writer.ts";
import { PrettyPrinter } from "./pretty_line.ts";
import { Progress } from "./progress.ts";
import { record } from "./record.ts";
import { serveGateway } from "./serve.ts";

/** How long the lines that still wait may take after a signal to stop. */
const GRACE_MS = 1000;

export interface WatchOptions {
  nodes: NodeArgument[];
  feed: FeedArguments;
  log: LogFunction;
  /** Where to serve if `--serve` is not given; on a free port where that is taken. */
  defaultServe?: ServeAddress;
  /** Reaches nodes of the same process. */
  fetch?: typeof fetch;
  /** Resolves when the nodes have sent all they have: the command ends then. */
  allSent?: Promise<void>;
}

/**
 * Prints events until the limit, the time, a signal, or the end of stdout.
 *
 * @throws Whatever ended the listener, the server or stdout, other than a closed pipe.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const out = new LineWriter(stdout);
  const stop = waitForStop(options.feed.forMs);
  try {
    await printEvents(options, out, AbortSignal.any([stop.signal, out.failed]));
    const flushed = out.flush();
    await abortable(flushed, stop.interrupted).catch(() => {});
    if (stop.interrupted.aborted) {
      await deadline(flushed, GRACE_MS).catch(() => {});
    }
  } finally {
    stop.forget();
  }
  if (out.failed.aborted && !out.isClosedPipe) throw out.failed.reason;
}

/** Resolves when a signal arrives, or after the given time. */
export async function untilStopped(forMs: number | undefined): Promise<void> {
  const { signal, forget } = waitForStop(forMs);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  forget();
}

async function printEvents(
  { nodes, feed, defaultServe, fetch, allSent, ...options }: WatchOptions,
  out: LineWriter,
  signal: AbortSignal,
): Promise<void> {
  const { isTerminal } = stdout;
  const format = feed.format ?? (isTerminal ? "pretty" : "json");
  const progress = isTerminal && format === "pretty" && !feed.quiet &&
      stderr.isTerminal
    ? new Progress(stderr, columns)
    : undefined;
  const log: LogFunction = (entry) => {
    progress?.hide();
    options.log(entry);
  };
  warnOfUnknownTopics(feed.topics ?? [], log);

  const { topics, headers, maxEventBytes, idleTimeoutMs, parity, labels } =
    feed;
  // Who does not publish loads no NATS.
  const nats = feed.nats === undefined
    ? undefined
    : await import("../nats/mod.ts");
  const listener = await SseListener.start({
    nodes: nodes.map((node) => ({ ...node, headers })),
    signal,
    log,
    ...(topics !== undefined && { topics }),
    ...(maxEventBytes !== undefined && { maxEventBytes }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(parity !== undefined && { parity }),
    ...(labels !== undefined && { labels }),
    ...(fetch !== undefined && { fetch }),
  });
  // In the order in which they begin; the last one ends first.
  const parts: AsyncDisposable[] = [listener];
  try {
    const events = listener.events({ signal });
    if (allSent !== undefined) void endWith(allSent, listener);
    progress?.follow(listener);
    // Both subscribe in this turn, so that they miss nothing.
    if (nats !== undefined && feed.nats !== undefined) {
      parts.push(publish(listener, nats, feed.nats, feed.natsNetwork, log));
    }
    if (feed.record !== undefined) {
      parts.push(await record(listener, feed.record, feed, log));
    }
    const isServed = (feed.serve ?? defaultServe) !== undefined;
    const history = nats && feed.nats !== undefined && isServed
      ? nats.jetStreamHistory(natsOptions(feed.nats, feed.natsNetwork))
      : undefined;
    if (history !== undefined) parts.push(history);
    const server = await serveGateway(
      listener,
      feed,
      defaultServe,
      log,
      history,
    );
    if (server !== undefined) parts.push(server);
    const printer = new PrettyPrinter({
      color: isTerminal && !isColorless(),
      width: isTerminal ? columns : () => Infinity,
      nodes: listener.nodes.map((node) => node.name),
      topics: listener.nodes.flatMap((node) => node.topics),
    });
    const { limit = Infinity } = feed;
    let count = 0;
    let dropped = 0;
    for await (const event of events) {
      progress?.end();
      const delay = delayOf(event, listener);
      if (format === "json") out.push(formatJsonLine(event, delay));
      else printer.format(event, listener.clock, delay).forEach(out.push, out);
      if (++count >= limit) break;
      if (out.isFull) {
        await abortable(out.flush(), signal).catch(() => {});
        if (events.dropped > dropped) {
          const lost = events.dropped - dropped;
          const message = `the output is too slow: ${lost} events dropped`;
          log({ level: "warn", message });
          dropped = events.dropped;
        }
      }
    }
  } finally {
    for (const part of parts.reverse()) await part[Symbol.asyncDispose]();
    progress?.end();
  }
}

/** Closes a listener at the first disconnect after all has been sent. */
async function endWith(
  allSent: Promise<void>,
  listener: SseListener,
): Promise<void> {
  let isOver = false;
  allSent.then(() => isOver = true);
  for await (const { type } of listener.status()) {
    if (type === "disconnected" && isOver) await listener.close();
  }
}

/** Publishes to JetStream. A stream that cannot serve ends the listener's sink, and is logged. */
function publish(
  listener: SseListener,
  { toJetStream }: typeof import("../nats/mod.ts"),
  servers: string,
  network: string | undefined,
  log: LogFunction,
): AsyncDisposable {
  const sink = toJetStream(listener, natsOptions(servers, network));
  sink.finished.catch((error) =>
    log({ level: "error", message: "cannot publish to NATS", error })
  );
  const statuses = sink.status();
  (async () => {
    for await (const status of statuses) {
      if (status.type === "connected") {
        const message = `publishing to the stream ${status.stream}`;
        log({ level: "info", message });
      } else if (status.type === "disconnected") {
        log({ level: "warn", message: "the NATS server is away" });
      } else {
        const message =
          `${status.count} events were not published: ${status.reason}`;
        log({ level: "warn", message });
      }
    }
  })();
  return sink;
}

function natsOptions(servers: string, network: string | undefined) {
  return { servers, ...(network !== undefined && { network }) };
}

function warnOfUnknownTopics(
  topics: readonly string[],
  log: LogFunction,
): void {
  for (const topic of topics.filter((topic) => !isKnownTopic(topic))) {
    const known = nearest(topic, KNOWN_TOPICS);
    const hint = known === undefined ? "" : `, did you mean ${known}?`;
    const message = `--topics has an unknown topic, "${topic}"${hint}`;
    log({ level: "warn", message });
  }
}

/** Seconds from the start of an event's slot to its arrival. */
function delayOf(
  { slot, receivedAt }: BeaconEvent,
  { clock }: SseListener,
): number | undefined {
  if (slot === undefined || clock === undefined) return undefined;
  return (receivedAt - clock.slotStart(slot)) / 1000;
}

interface Stop {
  /** Aborted when the command should end by itself: a signal, or the time is over. */
  readonly signal: AbortSignal;
  /** Aborted by SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
  /** Takes the handlers and the timer away. */
  forget(): void;
}

/**
 * Waits for SIGINT, SIGTERM and the end of the given time. A second signal ends the process at once.
 *
 * @param forMs Time after which to stop, in milliseconds; never where absent.
 */
function waitForStop(forMs: number | undefined): Stop {
  const interrupt = new AbortController();
  const expire = new AbortController();
  const timer = forMs && setTimeout(() => expire.abort(), forMs);
  const forgetSignals = onSignal(() => {
    clearTimeout(timer);
    interrupt.abort();
  });
  return {
    signal: AbortSignal.any([interrupt.signal, expire.signal]),
    interrupted: interrupt.signal,
    forget() {
      clearTimeout(timer);
      forgetSignals();
    },
  };
}
