/**
 * Metrics: what an event costs on its way, ours against calls of prom-client for the same metrics,
 * and what a scrape costs (ours has eleven metrics more).
 */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type BeaconEvent, parseEventData } from "@org/beacon-sse";
import { SseDecoder } from "@org/beacon-sse/sse";
import { assertEquals } from "@std/assert";
import { NodeEndpoint } from "../src/beacon/http/endpoint.ts";
import { createSlotClock } from "../src/beacon/api/chain_config.ts";
import { ListenerMetrics } from "../src/listener/metrics/metrics.ts";
import { NodeState } from "../src/listener/node_state.ts";
import { TimingMetrics } from "../src/listener/metrics/timing_metrics.ts";
import { createCorpus, cutCorpus, isSmoke, SMOKE } from "./corpus.ts";
import { CONFIG } from "./in_memory_node.ts";

/** Counts events of a number of nodes. */
interface Metered {
  registry: Registry;
  /** Takes an event of one of the nodes. */
  observe(node: number, event: BeaconEvent): void;
}

const PREFIX = "app_beacon_node_";
const TOPICS = ["head", "block", "block_gossip"];
const CLOCK = createSlotClock(CONFIG);

const DELAYS_MS: Record<string, number> = {
  block_gossip: 700,
  block: 1100,
  head: 1400,
};

const events = readEvents();

for (const nodes of [1, 100]) {
  const ways: [string, Metered][] = [
    ["prom-client", meterByPromClient(nodes)],
    ["plain fields, filled in when scraped", meterByFields(nodes)],
  ];
  const texts = [];
  for (const [who, { registry, observe }] of ways) {
    for (let node = 0; node < nodes; node++) {
      for (const event of events) observe(node, event);
    }
    texts.push(pick(await registry.metrics()));
    const baseline = who === "prom-client";
    if (nodes === 1) {
      Deno.bench(who, {
        ...SMOKE,
        group: `on the way of ${events.length} events`,
        baseline,
      }, () => {
        for (const event of events) observe(0, event);
      });
    }
    Deno.bench(
      who,
      {
        ...SMOKE,
        group: `a scrape, ${nodes === 1 ? "1 node" : `${nodes} nodes`}`,
        baseline,
      },
      async () => {
        const text = await registry.metrics();
        if (!text.includes("sse_head_delay_count")) throw new Error(who);
      },
    );
  }
  assertEquals(texts[0], texts[1]);
}

/** As the listener does it. */
function meterByFields(length: number): Metered {
  const registry = new Registry();
  const nodes = Array.from(
    { length },
    (_, index) =>
      new NodeState(new NodeEndpoint(`http://node-${index}`), TOPICS),
  );
  const metrics = new ListenerMetrics(registry, PREFIX, {
    nodes: new Map(nodes.map((node) => [node.name, node])),
    lost: () => ({}),
  });
  const timing = new TimingMetrics(metrics, undefined);
  timing.start(CLOCK);
  return {
    registry,
    observe(index, event) {
      const node = nodes[index]!;
      node.lastEventAt = event.receivedAt;
      const count = node.counts.of(event.topic, node.topics);
      count.events++;
      timing.observe(node, event, count);
      if (event.topic === "head") node.headSlot = event.data.slot;
    },
  };
}

/** As one would write it with prom-client alone: the same metrics, called for each event. */
function meterByPromClient(nodes: number): Metered {
  const registry = new Registry();
  const registers = [registry];
  const help = "The same as the listener's";
  const eventsTotal = new Counter({
    name: `${PREFIX}sse_events_total`,
    help,
    labelNames: ["addr", "topic"],
    registers,
  });
  const lateTotal = new Counter({
    name: `${PREFIX}sse_late_total`,
    help,
    labelNames: ["addr", "topic"],
    registers,
  });
  const gauge = (name: string) =>
    new Gauge({ name: PREFIX + name, help, labelNames: ["addr"], registers });
  const headSlot = gauge("sse_head_slot");
  const lastEvent = gauge("sse_last_event_timestamp_seconds");
  const histogram = (name: string, buckets: number[]) =>
    new Histogram({
      name: PREFIX + name,
      help,
      labelNames: ["addr"],
      buckets,
      registers,
    });
  const blockBuckets = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 8, 10, 12];
  const delays: Record<string, Histogram<"addr">> = {
    head: histogram("sse_head_delay", [2, 4, 6, 8, 10, 12]),
    block: histogram("sse_block", blockBuckets),
    block_gossip: histogram("sse_block_gossip", blockBuckets),
  };
  const processing = histogram(
    "sse_block_processing_time",
    [0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 2, 4],
  );
  const gossipAt = Array.from(
    { length: nodes },
    () => new Map<number, number>(),
  );
  return {
    registry,
    observe(node, { topic, data, receivedAt }) {
      const { slot } = data as { slot: number };
      const addr = `http://node-${node}`;
      const delayMs = Math.max(0, receivedAt - CLOCK.slotStart(slot));
      lastEvent.set({ addr }, receivedAt / 1000);
      eventsTotal.inc({ addr, topic });
      if (delayMs >= CLOCK.attestationDueMs(slot)) {
        lateTotal.inc({ addr, topic });
      }
      delays[topic]!.observe({ addr }, delayMs / 1000);
      const times = gossipAt[node]!;
      if (topic === "block_gossip") {
        times.set(slot, receivedAt);
      } else if (topic === "head") {
        headSlot.set({ addr }, slot);
        const at = times.get(slot);
        if (at === undefined) return;
        times.delete(slot);
        processing.observe({ addr }, (receivedAt - at) / 1000);
      }
    },
  };
}

/** Events of 600 slots, each some time after its slot began. */
function readEvents(): BeaconEvent[] {
  const decoder = new SseDecoder();
  const read: BeaconEvent[] = [];
  for (const { text } of cutCorpus(createCorpus("duty"), "64 KiB")) {
    for (const { type, data: raw } of decoder.push(text)) {
      const data = parseEventData(type, raw) as { slot: number };
      read.push({
        topic: type,
        data,
        raw,
        node: "node-0",
        receivedAt: CLOCK.slotStart(data.slot) + DELAYS_MS[type]! +
          37 * (data.slot % 100),
        slot: data.slot,
      } as BeaconEvent);
    }
  }
  return read.slice(0, isSmoke ? 60 : 1800);
}

/** The lines that both ways must have alike. */
function pick(text: string): string[] {
  const names =
    /^app_beacon_node_sse_(head_|block|events_total|late_total|last_event)/;
  return text.split("\n").filter((line) => names.test(line)).toSorted();
}
