/** A real Prometheus reads the gateway's metrics; the dashboard's queries run against it. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { HttpServer } from "../beacon/http/http_server.ts";
import { servedUrl, spawnCli } from "../cli/spawn_cli.ts";
import { startGateway, stillNode } from "../gateway/helpers.ts";
import {
  DEPLOY,
  NEEDS_PROMETHEUS,
  Prometheus,
  promtool,
  type Sample,
} from "./prometheus.ts";

const LABELS = {
  cluster_name: "cluster",
  cluster_hash: "0x12",
  cluster_peer: "peer",
  cluster_network: "hoodi",
  nickname: "nick",
};

/** Two nodes, a gateway over them, and a Prometheus that reads it. */
async function startScene() {
  await using stack = new AsyncDisposableStack();
  const options = { slotDurationMs: 12_000, slotsPerEpoch: 32 };
  const a = stack.use(await stillNode(options));
  const b = stack.use(
    await stillNode({ ...options, genesisTime: a.genesisTime }),
  );
  let now = Date.now();
  const { listener, gateway } = stack.use(
    await startGateway(
      [{ url: a.url, name: "a" }, { url: b.url, name: "b" }],
      {},
      { labels: LABELS, now: () => now },
    ),
  );
  const server = stack.use(
    new HttpServer((_path, request) => gateway.fetch(request)),
  );
  await listener.ready;
  await Promise.all([a.whenConnected(), b.whenConnected()]);
  const prometheus = stack.use(
    await Prometheus.start(new URL(server.url).host),
  );
  const clock = listener.clock!;
  const races = listener.race()[Symbol.asyncIterator]();
  let slot = clock.slotAt(now);
  const all = stack.move();
  return {
    gateway,
    prometheus,
    /** A block in the next slot: its delay at node a, in milliseconds, and how much later node b has it. */
    async block(delayMs: number, lagMs: number) {
      slot++;
      now = clock.slotStart(slot) + delayMs;
      const { root } = await a.produceBlock({ slot });
      while (listener.nodes[0]!.headSlot !== slot) await nextTurn();
      now += lagMs;
      await b.produceBlock({ slot });
      // One for each of block_gossip, block and head.
      for (const _ of [1, 2, 3]) await races.next();
      return { slot, root };
    },
    /** Both nodes take their last block back. */
    reorg() {
      a.reorg({ depth: 1 });
      b.reorg({ depth: 1 });
    },
    /** Ends the streams of node b. */
    disconnect: () => b.disconnect(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

const METRIC = "app_beacon_node_sse_";

/** Whether there is one sample, of this value. */
function is(value: number): (samples: Sample[]) => boolean {
  return (samples) =>
    samples.length === 1 &&
    Math.abs(Number(samples[0]!.value[1]) - value) < 1e-9;
}

interface Panel {
  title: string;
  type: string;
  targets?: { expr: string }[];
}

async function dashboard() {
  return JSON.parse(
    await Deno.readTextFile(new URL("grafana/beacon-sse.json", DEPLOY)),
  ) as {
    panels: Panel[];
    templating: {
      list: { name: string; type: string; query: { query: string } }[];
    };
  };
}

/** Fills in what Grafana fills in. */
function substitute(expr: string): string {
  return expr.replaceAll("$__rate_interval", "1m").replaceAll("$__range", "1m")
    .replaceAll("$addr", ".*")
    .replace(
      /\$(cluster_\w+)/g,
      (_, name) => LABELS[name as keyof typeof LABELS],
    );
}

Deno.test("no query of the dashboard or the alerts reads one spelling of a bucket only", async () => {
  const texts = await Promise.all(
    ["grafana/beacon-sse.json", "prometheus/alerts.yml"].map((name) =>
      Deno.readTextFile(new URL(name, DEPLOY))
    ),
  );
  const matchers = texts.join().replace(/^ *#.*$/gm, "").replaceAll("\\", "")
    .match(/\ble=~?"[^"]+"/g)!
    .filter((matcher) => matcher !== 'le="+Inf"');
  assert(matchers.length > 4);
  for (const matcher of matchers) {
    assertMatch(matcher, /^le=~"(\d+)\|\1(\[\.\]|\.)0"$/);
  }
});

Deno.test(
  "promtool finds nothing to criticise in the text at /metrics",
  NEEDS_PROMETHEUS,
  async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node], {}, { labels: LABELS });
    await stage.listener.ready;
    const events = stage.listener.events()[Symbol.asyncIterator]();
    await node.produceBlock();
    await events.next();
    const response = await stage.gateway.fetch(
      new Request("http://gateway/metrics"),
    );
    assertEquals(
      await promtool(["check", "metrics"], await response.text()),
      "",
    );
  },
);

Deno.test(
  "Prometheus reads what the nodes have sent, and stores late heads as exemplars",
  NEEDS_PROMETHEUS,
  async () => {
    await using scene = await startScene();
    const { prometheus } = scene;
    await scene.block(1000, 100);
    await scene.block(2000, 300);
    const late = await scene.block(5000, 50);
    await prometheus.poll(`${METRIC}head_delay_count{addr="a"}`, is(3));
    const time = Date.now() / 1000;
    const exemplars = await prometheus.get("query_exemplars", {
      query: `${METRIC}head_delay_bucket{addr="a"}`,
      start: String(time - 600),
      end: String(time + 600),
    }) as { exemplars: { labels: Record<string, string>; value: string }[] }[];
    const stored = exemplars.flatMap(({ exemplars }) => exemplars);
    const labelled = { slot: String(late.slot), block: late.root };
    const [exemplar] = stored.filter(({ labels: { slot } }) =>
      slot === labelled.slot
    );
    assertEquals(exemplar?.labels, labelled);
    assertEquals(Number(exemplar?.value), 5);
    scene.reorg();
    const of = (addr: string, rest = "") => `{addr="${addr}"${rest}}`;
    for (
      const [series, value] of [
        [`head_slot${of("a")}`, late.slot],
        [`events_total${of("a", ',topic="block"')}`, 4],
        [`events_total${of("b", ',topic="chain_reorg"')}`, 1],
        [`head_delay_bucket${of("a", ',le=~"4|4[.]0"')}`, 2],
        [`chain_reorg_depth_sum${of("b")}`, 1],
        [`first_total${of("a", ',topic="head"')}`, 3],
        [`lag_seconds_sum${of("b", ',topic="block"')}`, 0.45],
        [`late_total${of("b", ',topic="block_gossip"')}`, 2],
        ["head_agreement", 1],
      ] as const
    ) {
      await prometheus.poll(METRIC + series, is(value));
    }
    const [{ metric }] = await prometheus.query("app_peer_name") as [Sample];
    const { __name__, job: _job, instance: _instance, ...labels } = metric;
    assertEquals(labels, LABELS);
  },
);

Deno.test(
  "beacon-sse.json has data in all panels, Obol's three among them, and all alerts can be evaluated",
  NEEDS_PROMETHEUS,
  async () => {
    await using scene = await startScene();
    const { prometheus } = scene;
    const heads = `${METRIC}head_delay_count{addr="a"}`;
    // A rate is estimated well where the series is not young.
    for (let count = 0; count < 10; count++) await scene.block(1000, 100);
    scene.disconnect();
    await prometheus.poll(heads, is(10));
    await prometheus.poll(`${METRIC}connected{addr="b"}`, is(1));
    for (const delay of [1000, 4500, 1200, 5000, 900]) {
      await scene.block(
        delay,
        100,
      );
    }
    await prometheus.poll(heads, is(15));
    scene.reorg();
    await prometheus.poll(heads, is(16));
    await prometheus.poll(`${METRIC}chain_reorg_depth_count{addr="a"}`, is(1));

    const { panels, templating } = await dashboard();
    const queries = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({ title, query: substitute(expr) }))
    );
    assert(queries.length > 20);
    for (const { title, query } of queries) {
      const samples = await prometheus.query(query);
      assert(samples.length > 0, `${title} has no data: ${query}`);
      assert(
        samples.some(({ value }) => Number.isFinite(Number(value[1]))),
        `${title} has no number: ${query}`,
      );
    }
    const value = async (title: string, index = 0) => {
      const { query } = queries.filter((query) =>
        query.title === title
      )[index]!;
      return Object.fromEntries(
        (await prometheus.query(query)).map((
          { metric, value },
        ) => [metric.le ?? metric.addr ?? "", Number(value[1])]),
      );
    };
    // Since then two of six heads were late, the last one that of the reorg.
    assertEquals(
      Math.round((await value("% of Blocks Processed after 4s"))[""]!),
      33,
    );
    assertEquals(Math.round((await value("Heads after 4 s")).a!), 33);

    for (
      const { type, query: { query } } of templating.list.filter(({ type }) =>
        type === "query"
      )
    ) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query)!;
      const samples = await prometheus.query(substitute(series!));
      assert(
        samples.length > 0 &&
          samples.every(({ metric }) => metric[label!] !== undefined),
        `${type} ${query}`,
      );
    }

    const { groups } = await prometheus.get("rules", {}) as {
      groups: {
        rules: { name: string; health: string; lastError?: string }[];
      }[];
    };
    for (
      const { name, health, lastError } of groups.flatMap(({ rules }) => rules)
    ) {
      assertEquals([name, health, lastError], [name, "ok", undefined]);
    }
  },
);

Deno.test(
  "Prometheus reads of the running demo what its nodes have sent, and each query of beacon-sse.json has data",
  NEEDS_PROMETHEUS,
  async () => {
    const labels = Object.entries(LABELS).map(([name, value]) =>
      `--metric-label=${name}=${value}`
    );
    await using demo = spawnCli(
      ["demo", "--format=json", "--serve=127.0.0.1:0", ...labels],
    );
    const { host } = new URL(await servedUrl(demo.stderr));
    await using prometheus = await Prometheus.start(host);
    /** The events, whose first report may be of another node. */
    const events: {
      topic: string;
      at: number;
      slot: number;
      depth: number;
    }[] = [];
    const until = Date.now() + 20_000;
    for await (const line of demo.stdout.values({ preventCancel: true })) {
      const { topic, receivedAt: at, data: { slot, depth } } = JSON.parse(line);
      events.push({ topic, at, slot: Number(slot), depth: Number(depth) });
      if (at > until) break;
    }
    /** Samples of the fast node that were taken in a quiet moment: a scrape takes a while. */
    const quiet = async (series: string) => {
      const query = `${METRIC}${series}[1m]`;
      const { result: [matrix] } = await prometheus.get("query", { query }) as {
        result: { values: Sample["value"][] }[];
      };

      return matrix!.values.map(([time, value]) => [time * 1000, Number(value)])
        .filter(([time]) =>
          events.every(({ at }) => Math.abs(at - time!) > 400)
        ) as [number, number][];
    };
    const sum = (
      topic: string,
      time: number,
      value: (e: typeof events[0]) => number,
    ) =>
      events.filter((event) => event.topic === topic && event.at <= time)
        .reduce((total, event) => total + value(event), 0);
    const heads = await quiet('head_slot{addr="fast"}');
    assert(heads.length >= 3, `${heads.length} quiet scrapes`);
    for (const [time, value] of heads) {
      const before = events.filter(({ topic, at }) =>
        topic === "head" && at <= time
      );
      assertEquals(value, before.at(-1)?.slot);
    }
    for (const topic of ["head", "block", "block_gossip", "chain_reorg"]) {
      const counts = await quiet(`events_total{addr="fast",topic="${topic}"}`);
      assertEquals(
        counts.map(([, value]) => value),
        counts.map(([time]) => sum(topic, time, () => 1)),
      );
    }
    const depths = await quiet('chain_reorg_depth_sum{addr="fast"}');
    assertEquals(
      depths.map(([, value]) => value),
      depths.map(([time]) => sum("chain_reorg", time, ({ depth }) => depth)),
    );
    const { panels } = await dashboard();
    for (const { title, targets = [] } of panels) {
      for (const { expr } of targets) {
        const samples = await prometheus.query(substitute(expr));
        assert(samples.length > 0, `${title} has no data: ${expr}`);
      }
    }
  },
);
