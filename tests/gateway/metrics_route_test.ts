import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { get, startGateway, stillNode } from "./helpers.ts";

/** What Debian's Prometheus 2.42 sends. */
const PROMETHEUS_2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT = "text/plain; version=0.0.4; charset=utf-8";

for (
  const [accept, type] of [
    [PROMETHEUS_2, OPEN],
    ["application/openmetrics-text", OPEN],
    ["Application/OpenMetrics-Text; q=0.5, */*", OPEN],
    ["application/openmetrics-text;q=0.3,text/plain;q=0.4", TEXT],
    ["application/openmetrics-text;q=0", TEXT],
    ["text/plain", TEXT],
    ["*/*", TEXT],
    ["", TEXT],
  ] as const
) {
  Deno.test(`createGateway() answers /metrics for accept "${accept}" with ${type}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    const response = await get(stage.gateway, "/metrics", { accept });
    assertEquals(response.headers.get("content-type"), type);
    const body = await response.text();
    assertEquals(body.endsWith("\n# EOF\n"), type === OPEN);
    assertEquals(body.split("# EOF").length, type === OPEN ? 2 : 1);
  });
}

Deno.test("createGateway() keeps the names of counters in text that is requested beside OpenMetrics", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await stage.listener.ready;
  const name = "app_beacon_node_sse_dropped_total";
  const bodies = await Promise.all(
    [TEXT, OPEN, TEXT, OPEN, TEXT].map(async (accept) =>
      await (await get(stage.gateway, "/metrics", { accept })).text()
    ),
  );
  for (const [index, body] of bodies.entries()) {
    const family = index % 2 === 0 ? name : name.replace("_total", "");
    assertStringIncludes(body, `# TYPE ${family} counter\n`);
    assertStringIncludes(body, `\n${name}{queue="events"} 0\n`);
  }
});

Deno.test("createGateway() has slot and block of a late head as an exemplar, in OpenMetrics only", async () => {
  await using node = await stillNode({ slotDurationMs: 60_000 });
  let now = Date.now();
  await using stage = await startGateway([node], {}, { now: () => now });
  const { listener, gateway } = stage;
  await listener.ready;
  const clock = listener.clock!;
  const heads = listener.events({ topics: ["head"] })[Symbol.asyncIterator]();
  const arrive = async (slot: number, delayMs: number) => {
    now = clock.slotStart(slot) + delayMs;
    const { root } = await node.produceBlock({ slot });
    await heads.next();
    return root;
  };
  const slot = clock.slotAt(now) + 1;
  await arrive(slot, 3000);
  const root = await arrive(slot + 1, 21_000);
  const text = async (accept: string) =>
    await (await get(gateway, "/metrics", { accept })).text();
  const exemplars = (await text(OPEN)).split("\n").filter((line) =>
    line.includes(" # {")
  );
  assertEquals(exemplars.length, 1);
  const [exemplar] = exemplars;
  assertMatch(exemplar!, /^app_beacon_node_sse_head_delay_bucket\{le="\+Inf",/);
  assertStringIncludes(
    exemplar!,
    ` # {slot="${slot + 1}",block="${root}"} 21 `,
  );
  const at = Number(exemplar!.split(" ").at(-1));
  assert(Math.abs(at - Date.now() / 1000) < 60, `a time in seconds: ${at}`);
  assert(!(await text(TEXT)).includes(" # {"));
});
