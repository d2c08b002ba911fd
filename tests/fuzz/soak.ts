// deno-lint-ignore-file no-console -- a command
/**
 * `deno task soak --for 10m`: one listener over ten simulated nodes under random faults, in real
 * time and over loopback. Every half minute a line; at the end the sums, and whether the heap grows.
 *
 *     --for DURATION    how long, such as 90s or 10m (10m)
 *     --seed N          what all chance is drawn from (drawn, and printed)
 *
 * The nodes live in a worker, whose heap is not the listener's. Between the nodes and the listener
 * sits a tap that counts for itself what passes. Exit code 1 where the counts do not agree, an event
 * was lost or delivered twice, something is left after the end, or the heap grows by more than two
 * standard errors and {@linkcode MOST_GROWTH}.
 */

import { isKnownTopic, SseListener, type Subscription } from "@org/beacon-sse";
import { delay } from "@std/async/delay";
import { parseArgs } from "node:util";
import { getHeapSpaceStatistics } from "node:v8";
import {
  parseDuration,
  parsePositiveInteger,
} from "../../src/cli/flag_values.ts";
import { type HeapSample, heapTrend } from "./heap_trend.ts";
import { parseSamples, type Sample, sumOf } from "../prometheus_samples.ts";
import { type IdentifiedEvent, identityOf } from "./event_identity.ts";
import { type LedgerEvent, SoakLedger } from "./soak_ledger.ts";
import { isPriming } from "./priming.ts";
import type { SoakNodesMessage, SoakNodesOptions } from "./soak_nodes.ts";
import { SoakTap } from "./soak_tap.ts";

/** What the heap may grow by in KiB a minute, however sure the slope is. */
const MOST_GROWTH = 32;
const NODES = 10;
const SLOT_MS = 500;
const MAX_EVENT_BYTES = 1024 * 1024;
const TOPICS = [
  "head",
  "chain_reorg",
  "block",
  "block_gossip",
  "attester_slashing",
];
const SAMPLE_MS = 5000;
const LINE_MS = 30_000;
/**
 * What is not measured at least; else it is the first half, in which everything bounded fills up. What leaks
 * goes on in the second one.
 */
const LEAST_WARM_UP_MS = 120_000;
/** So slow that the queue is full, and stays it. */
const SLOW_MS = 1000;
const ALL_CONNECTED_WITHIN_MS = 10_000;
/** Slots of clock skew and lag that an event may be ahead and still has to be believed. */
const SLOTS_AHEAD = 4;
/** From here on an event may be more than an epoch behind. */
const SLOTS_BEHIND = 4;

/** What the command is to do. */
interface Arguments {
  forMs: number;
  seed: number;
}

function parseArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      for: { type: "string", default: "10m" },
      seed: {
        type: "string",
        default: `${1 + Math.floor(Math.random() * 1e6)}`,
      },
    },
  });
  return {
    forMs: parseDuration("--for", values.for),
    seed: parsePositiveInteger("--seed", values.seed),
  };
}

/** The nodes in their worker. */
class SoakNodes {
  faults: Record<string, number> = {};
  readonly #worker = new Worker(new URL("./soak_nodes.ts", import.meta.url), {
    type: "module",
  });
  readonly #listening = Promise.withResolvers<
    { urls: string[]; genesisTime: number }
  >();
  readonly #closed = Promise.withResolvers<void>();

  constructor(options: SoakNodesOptions) {
    this.#worker.onmessage = ({ data }: MessageEvent<SoakNodesMessage>) => {
      if (data.type === "listening") this.#listening.resolve(data);
      else if (data.type === "faults") this.faults = data.counts;
      else this.#closed.resolve();
    };
    this.#worker.postMessage(options);
  }

  get listening(): Promise<{ urls: string[]; genesisTime: number }> {
    return this.#listening.promise;
  }

  begin(): void {
    this.#worker.postMessage("begin");
  }

  async close(): Promise<void> {
    this.#worker.postMessage("stop");
    await Promise.race([
      this.#closed.promise,
      delay(10_000, { persistent: false }),
    ]);
    this.#worker.terminate();
  }
}

/** What subscribers count. */
interface Received {
  events: number;
  recovered: number;
  reorgs: number;
  recoveredReorgs: number;
  disconnects: number;
  gaps: number;
}

/** What the program's values take; code that is still being compiled is no leak. */
function heapBytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  return getHeapSpaceStatistics()
    .filter(({ space_name }) => !/code|trusted/.test(space_name))
    .reduce((sum, { space_used_size }) => sum + space_used_size, 0);
}

async function soak({ forMs, seed }: Arguments): Promise<boolean> {
  if (!("gc" in globalThis)) {
    console.error("Without --v8-flags=--expose-gc the heap is not exact");
  }
  const unhandled: string[] = [];
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    unhandled.push(String(event.reason?.stack ?? event.reason));
  });
  const nodes = new SoakNodes({
    nodes: NODES,
    seed,
    slotDurationMs: SLOT_MS,
  });
  const { urls, genesisTime } = await nodes.listening;
  console.log(
    `seed ${seed}: ${NODES} nodes, slots of ${SLOT_MS} ms, for ${
      forMs / 1000
    } s`,
  );

  const ledger = new SoakLedger();
  const tap = new SoakTap({
    maxEventBytes: MAX_EVENT_BYTES,
    onEvent(event) {
      if (isPriming(event.topic, event.raw)) return;
      const entry = ledgerEventOf(event);
      ledger.reported(urls.indexOf(event.origin), entry);
      const slot = (Date.now() - genesisTime) / SLOT_MS;
      const isAhead = entry.slot > slot + SLOTS_AHEAD;
      // Of a node that catches up; others are at the head.
      const isOld = entry.slot > 0 && entry.slot < slot - SLOTS_BEHIND;
      const isOptimistic = entry.identity.endsWith(" (optimistic)");
      if (isAhead || isOld || isOptimistic || isHead(event)) {
        ledger.doubted(entry);
      }
    },
    onDoubt(event) {
      if (isPriming(event.topic, event.raw) || isHead(event)) return;
      ledger.doubted(ledgerEventOf(event));
    },
  });
  const listener = await SseListener.start({
    nodes: urls,
    topics: TOPICS,
    maxEventBytes: MAX_EVENT_BYTES,
    fetch: tap.fetch,
  });
  const eager = listener.events();
  // Giant events in its queue, now more and now fewer, would be all that is seen of the heap.
  let giants = 0;
  const slowTopics = TOPICS.filter((topic) => topic !== "attester_slashing");
  const slow = listener.events({ topics: slowTopics });
  const received: Received = {
    events: 0,
    recovered: 0,
    reorgs: 0,
    recoveredReorgs: 0,
    disconnects: 0,
    gaps: 0,
  };
  let slowEvents = 0;
  const reading = [
    each(eager, (event) => {
      received.events++;
      if (!slowTopics.includes(event.topic)) giants++;
      if (event.recovered) received.recovered++;
      if (isPriming(event.topic, event.raw) || !isKnownTopic(event.topic)) {
        return;
      }
      ledger.delivered(ledgerEventOf(event), event.recovered === true);
    }),
    each(slow, () => {
      slowEvents++;
      return isOver ? undefined : delay(SLOW_MS);
    }),
    each(listener.reorgs(), ({ recovered }) => {
      received.reorgs++;
      if (recovered) received.recoveredReorgs++;
    }),
    each(listener.status(), ({ type }) => {
      if (type === "disconnected") received.disconnects++;
      if (type === "gap") received.gaps++;
    }),
  ];
  let isOver = false;

  for (
    let waited = 0;
    tap.openStreams < NODES && waited < ALL_CONNECTED_WITHIN_MS;
    waited += 100
  ) {
    await delay(100);
  }
  nodes.begin();
  const startedAt = performance.now();
  const heapAtStart = heapBytes();
  const heap: HeapSample[] = [];
  const warmUpMs = Math.max(LEAST_WARM_UP_MS, forMs / 2);
  let lineAt = LINE_MS;
  for (let passed = 0; passed < forMs;) {
    await delay(Math.min(SAMPLE_MS, forMs - passed));
    passed = performance.now() - startedAt;
    ledger.check();
    const bytes = heapBytes();
    if (passed >= warmUpMs) heap.push({ at: passed, bytes });
    if (passed >= lineAt || passed >= forMs) {
      lineAt += LINE_MS;
      console.log(
        `${clock(passed)}  events ${received.events}  faults ${
          sumUp(nodes.faults)
        }  reconnects ${received.disconnects}  recovered ${received.recovered}  gaps ${received.gaps}  streams ${tap.openStreams}  heap ${
          mebibytes(bytes)
        }`,
      );
    }
  }

  const samples = parseSamples(await listener.registry.metrics());
  const broken = ledger.broken.slice(0, 20);
  checkCounts(tap, urls, samples, broken);
  const closing = performance.now();
  await listener.close();
  if (performance.now() - closing > 5000) {
    broken.push("close() took more than 5 s");
  }
  isOver = true;
  await Promise.all(reading);
  if (tap.openStreams > 0) {
    broken.push(`${tap.openStreams} streams are open after close()`);
  }
  if (
    received.events + eager.dropped !== slowEvents + slow.dropped + giants
  ) {
    broken.push(
      `one subscriber received ${received.events} and lost ${eager.dropped}, ` +
        `another ${slowEvents} and ${slow.dropped}, without ${giants} giant ones`,
    );
  }
  const counted = sumOf(samples, "app_beacon_node_sse_reconnects_total");
  // The metrics were read a moment before the end.
  if (
    counted > received.disconnects || counted < received.disconnects - NODES
  ) {
    broken.push(
      `${received.disconnects} disconnects were reported, ${counted} counted`,
    );
  }
  await nodes.close();
  broken.push(...unhandled.map((reason) => `unhandled: ${reason}`));

  const heapAtEnd = heapBytes();
  const trend = heapTrend(heap);
  const grows = trend !== undefined && trend.slope > MOST_GROWTH &&
    trend.slope > 2 * trend.error;
  console.log(
    [
      `events: ${received.events} delivered, ${received.recovered} of them recovered; ${slow.dropped} lost to a slow subscriber; ${ledger.checked} checked one by one, ${ledger.unchecked} not`,
      `reorgs: ${received.reorgs}, ${received.recoveredReorgs} of them recovered; gaps reported: ${received.gaps}`,
      `faults: ${sumUp(nodes.faults)} (${list(nodes.faults)})`,
      `disconnects: ${list(byReason(samples))}`,
      `heap: ${mebibytes(heapAtStart)} at the start, ${
        mebibytes(heapAtEnd)
      } at the end`,
      trend === undefined
        ? "heap slope: the soak is too short for it"
        : `heap slope: ${trend.slope.toFixed(1)} ± ${
          trend.error.toFixed(1)
        } KiB/min (standard error; ${heap.length} samples from ${
          clock(warmUpMs)
        } on; limit ${MOST_GROWTH})`,
      `broken identities: ${broken.length}`,
      ...broken,
    ].join("\n"),
  );
  if (grows) console.log("the heap grows");
  return broken.length === 0 && !grows;
}

/** An event as the ledger keeps it. */
function ledgerEventOf(event: IdentifiedEvent): LedgerEvent {
  const { slot, data } = event.data as {
    slot?: number;
    data?: { slot: number };
  };
  return { identity: identityOf(event), slot: Number(slot ?? data?.slot ?? 0) };
}

/** A head; it may be left out, rightly, behind a later one of another node. */
function isHead({ topic }: IdentifiedEvent): boolean {
  return topic === "head" || topic === "head_v2";
}

async function each<T>(
  subscription: Subscription<T>,
  take: (value: T) => void | Promise<void> | undefined,
): Promise<void> {
  for await (const value of subscription) await take(value);
}

/** What the tap saw is what the listener counted, but for what broke off with its stream. */
function checkCounts(
  tap: SoakTap,
  urls: readonly string[],
  samples: readonly Sample[],
  broken: string[],
): void {
  for (const url of urls) {
    const addr = url;
    const { events = 0, malformed = 0, oversize = 0, inDoubt = 0 } =
      tap.counts.get(new URL(url).origin) ?? {};
    const count = (name: string) =>
      sumOf(samples, `app_beacon_node_${name}`, { addr });
    const counted = count("sse_events_total") + count("sse_malformed_total") +
      count("sse_oversize_total");
    const passed = events + oversize;
    if (counted > passed || counted < passed - inDoubt) {
      broken.push(
        `${addr}: ${passed} events passed, ${inDoubt} of them in doubt; counted were ${counted}`,
      );
    }
    // Beyond these, slots in the far future are malformed to the listener.
    if (count("sse_malformed_total") < malformed - inDoubt) {
      broken.push(
        `${addr}: ${malformed} malformed events passed, ${
          count("sse_malformed_total")
        } counted`,
      );
    }
    if (count("sse_oversize_total") > oversize) {
      broken.push(
        `${addr}: ${oversize} oversize events passed, ${
          count("sse_oversize_total")
        } counted`,
      );
    }
  }
}

function byReason(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name, labels, value } of samples) {
    if (name !== "app_beacon_node_sse_reconnects_total") continue;
    counts[labels.reason!] = (counts[labels.reason!] ?? 0) + value;
  }
  return counts;
}

function sumUp(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

function list(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([, one], [, other]) =>
    other - one
  );
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(2)} MiB`;
}

function clock(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${
    String(seconds % 60).padStart(2, "0")
  }`;
}

if (import.meta.main) {
  Deno.exit(await soak(parseArguments(Deno.args)) ? 0 : 1);
}
