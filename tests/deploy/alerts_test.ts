/**
 * The alerts, run by `promtool` over series that are computed here: a healthy day in which none may
 * fire, and for each alert the fault that it is for.
 */

import { assertEquals } from "@std/assert";
import { DEPLOY, NEEDS_PROMETHEUS, promtool } from "./prometheus.ts";

const RULES = new URL("prometheus/alerts.yml", DEPLOY).pathname;
const NODES = ["a", "b", "c"] as const;
const INTERVAL = 60;
const SLOT = 12;
const HOUR = 3600;

/** The value of a series at a time in seconds. */
type Value = (t: number) => number;

/** Series by name and labels without those of the target. */
type World = Map<string, Value>;

/** Counts up by a rate per second. */
const rate = (perSecond: number): Value => (t) => t * perSecond;
const constant = (value: number): Value => () => value;
const blocks = rate(1 / SLOT);

/**
 * Three good nodes, whose life is not free of incidents: a few late heads, small reorgs, a restart of
 * a node, moments in which the nodes differ, blocks that one of them missed.
 *
 * @param le How Prometheus spells the bucket of a whole number.
 */
function healthyWorld(le: (bound: number) => string): World {
  const world: World = new Map([["up{}", constant(1)]]);
  const set = (name: string, labels: string, value: Value) =>
    world.set(`app_beacon_node_sse_${name}{${labels}}`, value);
  set("head_agreement", "", (t) => t % (15 * 60) === 0 ? 2 / 3 : 1);
  // The connection to NATS is lost once a day, for a minute; then a burst is stored within the next.
  set("nats_connected", "", (t) => t === 7 * HOUR ? 0 : 1);
  set("nats_unacknowledged", "", (t) => t === 7 * HOUR + 60 ? 200 : 3);
  set("nats_lost_total", "", constant(0));
  for (const queue of ["events", "reorgs", "status"]) {
    // Reorgs that were merged are no loss.
    const merged = queue === "reorgs" ? rate(1 / HOUR) : constant(0);
    set("dropped_total", `queue="${queue}"`, merged);
  }
  for (const node of NODES) {
    const addr = `addr="${node}"`;
    // Node b restarts every six hours, which takes a minute.
    const isAway: (t: number) => boolean = (t) =>
      node === "b" && t % (6 * HOUR) > 5 * HOUR &&
      t % (6 * HOUR) < 5 * HOUR + 61;
    set("connected", addr, (t) => isAway(t) ? 0 : 1);
    const attempts = (t: number) => 3 * Math.floor((t + HOUR) / (6 * HOUR));
    set(
      "reconnects_total",
      `${addr},reason="refused"`,
      node === "b" ? attempts : constant(0),
    );
    // Three slots in 50 are empty.
    set("last_event_timestamp_seconds", addr, (t) => {
      const slot = Math.floor((t - 5) / SLOT);
      const empty = slot % 50 > 2 && slot % 50 < 6 ? slot % 50 - 2 : 0;
      return (slot - empty) * SLOT + 2;
    });
    set(
      "head_slot",
      addr,
      (t) => Math.floor(t / SLOT) - (node === "c" && t % 600 === 0 ? 1 : 0),
    );
    for (const flag of ["syncing", "optimistic", "el_offline"]) {
      set(`node_${flag}`, addr, constant(0));
    }
    set("head_delay_count", addr, blocks);
    set("head_delay_bucket", `${addr},le="${le(4)}"`, (t) => blocks(t) * 0.97);
    set("head_delay_bucket", `${addr},le="+Inf"`, blocks);
    set("block_gossip_count", addr, blocks);
    set("block_gossip_sum", addr, (t) => blocks(t) * 1.4);
    // A reorg of depth 1 or 2 now and then.
    const reorgs: Value = (t) => Math.floor(t / (2 * HOUR));
    set("chain_reorg_depth_count", addr, reorgs);
    for (const bound of [2, 6]) {
      set("chain_reorg_depth_bucket", `${addr},le="${le(bound)}"`, reorgs);
    }
    for (const kind of ["reconnect", "dropped", "queue"]) {
      set("gaps_total", `${addr},kind="${kind}"`, constant(0));
    }
    set("lag_seconds_count", `${addr},topic="head"`, blocks);
    set("missing_total", `${addr},topic="head"`, rate(1 / HOUR));
  }
  return world;
}

/** A test for promtool: which alerts fire at any time of a world. */
function ruleTest(world: World, seconds: number, alerts: string[]) {
  const times = Array.from(
    { length: seconds / INTERVAL + 1 },
    (_, index) => index * INTERVAL,
  );
  return {
    interval: `${INTERVAL}s`,
    input_series: Array.from(world, ([series, value]) => ({
      series: series
        .replace("{", `{job="beacon-sse",instance="h:9464",`)
        .replace(",}", "}"),
      values: times.map(value).join(" "),
    })),
    promql_expr_test: [{
      expr:
        `group by (alertname) (max_over_time(ALERTS{alertstate="firing"}[${seconds}s]))`,
      eval_time: `${seconds}s`,
      exp_samples: alerts.map((alertname) => ({
        labels: `{alertname="${alertname}"}`,
        value: 1,
      })),
    }],
  };
}

async function run(tests: ReturnType<typeof ruleTest>[]): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".yml" });
  try {
    // JSON is YAML.
    const suite = {
      rule_files: [RULES],
      evaluation_interval: `${INTERVAL}s`,
      tests,
    };
    await Deno.writeTextFile(file, JSON.stringify(suite));
    await promtool(["test", "rules", file]);
  } finally {
    await Deno.remove(file);
  }
}

/** What Prometheus stores for `le="4"`: version 2, and version 3. */
const SPELLINGS: Record<string, (bound: number) => string> = {
  "4": (bound) => `${bound}`,
  "4.0": (bound) => `${bound}.0`,
};

Deno.test(
  "promtool finds the configuration and the rules valid",
  NEEDS_PROMETHEUS,
  async () => {
    await promtool(["check", "rules", RULES]);
    await promtool([
      "check",
      "config",
      new URL("prometheus/prometheus.yml", DEPLOY).pathname,
    ]);
  },
);

for (const [spelling, le] of Object.entries(SPELLINGS)) {
  Deno.test(
    `alerts.yml is silent over a healthy day where le is "${spelling}"`,
    NEEDS_PROMETHEUS,
    async () => {
      await run([ruleTest(healthyWorld(le), 24 * HOUR, [])]);
    },
  );
}

/** From here on there is a fault. */
const FAULT_AT = HOUR / 2;

/** A healthy value until the fault, and what it is with the fault. */
type Fault = Record<string, (t: number, healthy: Value) => number>;

const every = (name: string, value: Fault[string]): Fault =>
  Object.fromEntries(NODES.map((node) => [name.replace("ADDR", node), value]));
/** Stands still. */
const still: Fault[string] = (_, healthy) => healthy(FAULT_AT);
/** Steps up by one. */
const once: Fault[string] = (_, healthy) => healthy(FAULT_AT) + 1;
/** Goes on at a share of the rate. */
const slowed = (share: number): Fault[string] => (t, healthy) =>
  healthy(FAULT_AT) + share * (healthy(t) - healthy(FAULT_AT));

/** For each alert: its fault, and what else that fires. */
const FAULTS: Record<string, { fault: Fault; also?: string[] }> = {
  BeaconSseDown: { fault: { "up{}": () => 0 } },
  BeaconNoEvents: {
    fault: every(`last_event_timestamp_seconds{addr="ADDR"}`, still),
  },
  BeaconNodeDisconnected: { fault: { 'connected{addr="a"}': () => 0 } },
  BeaconNodeFlapping: {
    fault: {
      'reconnects_total{addr="a",reason="refused"}': (t) => (t - FAULT_AT) / 60,
    },
  },
  BeaconNodeSilent: {
    fault: { 'last_event_timestamp_seconds{addr="a"}': still },
  },
  BeaconNodeSyncing: { fault: { 'node_syncing{addr="a"}': () => 1 } },
  BeaconNodeOptimistic: { fault: { 'node_optimistic{addr="a"}': () => 1 } },
  BeaconNodeElOffline: { fault: { 'node_el_offline{addr="a"}': () => 1 } },
  BeaconNodeBehind: {
    fault: { 'head_slot{addr="a"}': (t, healthy) => healthy(t) - 3 },
  },
  BeaconNodesDisagree: { fault: { "head_agreement{}": () => 2 / 3 } },
  BeaconHeadsLate: {
    fault: { 'head_delay_bucket{addr="a",le="4"}': slowed(0.9) },
  },
  BeaconClockAhead: {
    fault: every('head_delay_bucket{addr="ADDR",le="4"}', slowed(0.1)),
    also: ["BeaconHeadsLate"],
  },
  BeaconClockBehind: {
    fault: every('block_gossip_sum{addr="ADDR"}', still),
  },
  BeaconReorgDeep: {
    fault: {
      'chain_reorg_depth_count{addr="a"}': once,
      'chain_reorg_depth_bucket{addr="a",le="6"}': once,
    },
  },
  BeaconReorgVeryDeep: {
    fault: {
      'chain_reorg_depth_count{addr="a"}': once,
      'chain_reorg_depth_bucket{addr="a",le="6"}': still,
    },
    also: ["BeaconReorgDeep"],
  },
  BeaconGap: {
    fault: { 'gaps_total{addr="a",kind="reconnect"}': once },
  },
  BeaconEventsDropped: { fault: { 'dropped_total{queue="events"}': once } },
  BeaconNatsDisconnected: { fault: { "nats_connected{}": () => 0 } },
  BeaconNatsBacklog: { fault: { "nats_unacknowledged{}": () => 17 } },
  BeaconNatsLost: { fault: { "nats_lost_total{}": once } },
  BeaconNodeMissesBlocks: {
    fault: {
      'missing_total{addr="a",topic="head"}': (t) => blocks(t - FAULT_AT) / 5,
      'lag_seconds_count{addr="a",topic="head"}': slowed(0.8),
    },
  },
};

for (const [alert, { fault, also = [] }] of Object.entries(FAULTS)) {
  const hasBuckets = Object.keys(fault).some((series) =>
    series.includes("le=")
  );
  const spellings = Object.values(SPELLINGS).slice(0, hasBuckets ? 2 : 1);
  Deno.test(
    `${alert} fires on its fault${
      hasBuckets ? ", whichever way le is spelled" : ""
    }`,
    NEEDS_PROMETHEUS,
    async () => {
      await run(
        spellings.map((le) => {
          const world = healthyWorld(le);
          for (const [series, faulty] of Object.entries(fault)) {
            const key = series === "up{}"
              ? series
              : `app_beacon_node_sse_${
                series.replace(
                  /le="(\d)"/,
                  (_, bound) => `le="${le(Number(bound))}"`,
                )
              }`;
            const healthy = world.get(key)!;
            world.set(
              key,
              (t) => t < FAULT_AT ? healthy(t) : faulty(t, healthy),
            );
          }
          return ruleTest(world, 1.75 * HOUR, [alert, ...also].sort());
        }),
      );
    },
  );
}

Deno.test("alerts.yml has no alert without a fault that it is tested with", async () => {
  const rules = await Deno.readTextFile(RULES);
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) =>
    name!
  );
  assertEquals(alerts.toSorted(), Object.keys(FAULTS).toSorted());
});
