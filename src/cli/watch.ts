/** The command at work: events of the nodes to stdout, until it has to stop. */

import { abortable } from "@std/async/abortable";
import { deadline } from "@std/async/deadline";
import type { BeaconEvent } from "../beacon/events/beacon_event.ts";
import { isKnownTopic, KNOWN_TOPICS } from "../beacon/events/topic.ts";
import type { LogFunction } from "../listener/log.ts";
import { SseListener } from "../listener/sse_listener.ts";
import type { RecordedBeaconNode } from "../testing/recording/recorded_beacon_node.ts";
import { nearest } from "../values/nearest.ts";
import type { FeedArguments, NodeArgument } from "./args.ts";
import type { ServeAddress } from "./flag_values.ts";
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
  /** Where to serve if `--serve` is not given; done without where that is taken. */
  defaultServe?: ServeAddress;
  /** The one node, where it is a recording: its events are printed to their end. */
  recorded?: RecordedBeaconNode;
}

/**
 * Prints events until the limit, the time, a signal, or the end of stdout.
 *
 * @throws Whatever ended the listener, the server or stdout, other than a closed pipe.
 */
export async function watch(options: WatchOptions): Promise<void> {
  const out = new LineWriter(Deno.stdout);
  using stop = waitForStop(options.feed.forMs);
  await printEvents(options, out, AbortSignal.any([stop.signal, out.failed]));

  const flushed = out.flush();
  await abortable(flushed, stop.interrupted).catch(() => {});
  if (stop.interrupted.aborted) {
    await deadline(flushed, GRACE_MS).catch(() => {});
  }
  if (out.failed.aborted && !out.isClosedPipe) throw out.failed.reason;
}

/** Resolves when a signal arrives, or after the given time. */
export async function untilStopped(forMs: number | undefined): Promise<void> {
  using stop = waitForStop(forMs);
  const { signal } = stop;
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
}

async function printEvents(
  { nodes, feed, defaultServe, recorded, ...options }: WatchOptions,
  out: LineWriter,
  signal: AbortSignal,
): Promise<void> {
  const isTerminal = Deno.stdout.isTerminal();
  const format = feed.format ?? (isTerminal ? "pretty" : "json");
  using progress = isTerminal && format === "pretty" && !feed.quiet &&
      Deno.stderr.isTerminal()
    ? new Progress(Deno.stderr, columns)
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
  await using listener = await SseListener.start({
    nodes: nodes.map((node) => ({ ...node, headers })),
    signal,
    log,
    ...(topics !== undefined && { topics }),
    ...(maxEventBytes !== undefined && { maxEventBytes }),
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(parity !== undefined && { parity }),
    ...(labels !== undefined && { labels }),
    ...(recorded !== undefined && { fetch: recorded.fetch }),
  });
  const events = listener.events({ signal });
  if (recorded !== undefined) void endWith(recorded, listener);
  progress?.follow(listener);
  // Both subscribe in this turn, so that they miss nothing.
  await using _sink = nats !== undefined && feed.nats !== undefined
    ? publish(listener, nats, feed.nats, feed.natsNetwork, log)
    : undefined;
  await using _recording = feed.record === undefined
    ? undefined
    : await record(listener, feed.record, feed, log);
  await using _server = await serveGateway(listener, feed, defaultServe, log);
  const printer = new PrettyPrinter({
    color: isTerminal && !Deno.noColor,
    width: isTerminal ? columns : () => Infinity,
    nodes: listener.nodes.map((node) => node.name),
    topics: listener.nodes.flatMap((node) => node.topics),
  });
  const { limit = Infinity } = feed;
  let count = 0;
  let dropped = 0;
  for await (const event of events) {
    progress?.[Symbol.dispose]();
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
}

/** Closes a listener when the stream of its recording has been read to the end. */
async function endWith(
  recorded: RecordedBeaconNode,
  listener: SseListener,
): Promise<void> {
  let isOver = false;
  recorded.finished.then(() => isOver = true);
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
  const sink = toJetStream(listener, {
    servers,
    ...(network !== undefined && { network }),
  });
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

/** Width of the terminal on stdout; 80 where that is not known. */
function columns(): number {
  try {
    return Deno.consoleSize().columns || 80;
  } catch {
    return 80;
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

/** Waits for reasons to stop; disposing takes the handlers and the timer away. */
interface Stop extends Disposable {
  /** Aborted when the command should end by itself: a signal, or the time is over. */
  readonly signal: AbortSignal;
  /** Aborted by SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/**
 * Waits for SIGINT, SIGTERM and the end of the given time. After the first signal the handlers are
 * gone, so that a second one ends the process at once.
 *
 * @param forMs Time after which to stop, in milliseconds; never where absent.
 */
function waitForStop(forMs: number | undefined): Stop {
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  const interrupt = new AbortController();
  const expire = new AbortController();
  const timer = forMs && setTimeout(() => expire.abort(), forMs);
  const onSignal = () => {
    dispose();
    interrupt.abort();
  };
  const dispose = () => {
    clearTimeout(timer);
    for (const name of names) Deno.removeSignalListener(name, onSignal);
  };
  for (const name of names) Deno.addSignalListener(name, onSignal);
  return {
    signal: AbortSignal.any([interrupt.signal, expire.signal]),
    interrupted: interrupt.signal,
    [Symbol.dispose]: dispose,
  };
}
