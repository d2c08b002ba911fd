import { assertEquals, assertStringIncludes } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { configAtSlot, nextStatus } from "../helpers.ts";
import { frame, head, openStream, ScriptedNode } from "../scripted_node.ts";

/** A node of slots of 20 ms that reports these sync states one after another, and the last one again. */
function nodeReporting(
  ...states: { is_optimistic?: boolean; el_offline?: boolean }[]
) {
  let requests = 0;
  return new ScriptedNode({
    events: () => openStream(frame("head", head(1000))),
    other(_request, path) {
      if (!path.endsWith("/syncing")) return undefined;
      const state = states[Math.min(requests++, states.length - 1)];
      return Response.json({
        data: { head_slot: "7", is_syncing: false, ...state },
      });
    },
  });
}

Deno.test("SseListener() requests a node's sync state each epoch, and reports its changes", async () => {
  await using node = nodeReporting({}, {}, { el_offline: true }, {
    el_offline: true,
    is_optimistic: true,
  }, {});
  const log: string[] = [];
  await using listener = await SseListener.start({
    config: { ...configAtSlot(1000, 20), slotsPerEpoch: 8 },
    idleTimeoutMs: 60_000,
    nodes: [{ url: node.url, name: "a" }],
    log: ({ message }) => log.push(message),
  });
  const statuses = listener.status();
  const first = await nextStatus(listener.status(), "health");
  assertEquals([first.node, first.headSlot], ["a", 7]);
  const changes: boolean[][] = [];
  for await (const status of statuses) {
    if (status.type !== "health") continue;
    const { isSyncing, isOptimistic, elOffline } = status;
    changes.push([isSyncing, isOptimistic, elOffline]);
    if (changes.length === 3) break;
  }
  assertEquals(changes, [
    [false, false, true],
    [false, true, true],
    [false, false, false],
  ]);
  assertStringIncludes(
    log.join(),
    "The node has no connection to its execution client",
  );
});

Deno.test("SseListener() requests a node's sync state when its heads stop", async () => {
  await using node = nodeReporting({}, { is_optimistic: true });
  await using listener = await SseListener.start({
    config: { ...configAtSlot(1000, 20), slotsPerEpoch: 1_000_000 },
    idleTimeoutMs: 60_000,
    nodes: [{ url: node.url, name: "a" }],
  });
  const health = await nextStatus(listener.status(), "health");
  assertEquals(health.isOptimistic, true);
  assertEquals(listener.nodes[0]!.syncing, {
    headSlot: 7,
    isSyncing: false,
    isOptimistic: true,
    elOffline: false,
  });
  const metrics = await listener.registry.metrics();
  for (
    const [name, value] of [["syncing", 0], ["optimistic", 1], [
      "el_offline",
      0,
    ]]
  ) {
    assertStringIncludes(metrics, `sse_node_${name}{addr="a"} ${value}\n`);
  }
});

for (
  const [spec, isWarned] of [
    [{ SLOT_DURATION_MS: "12000", SECONDS_PER_SLOT: "6" }, true],
    [{ SLOT_DURATION_MS: "12000", SECONDS_PER_SLOT: "12" }, false],
    [{ SLOT_DURATION_MS: "500", SECONDS_PER_SLOT: "0" }, false],
    [{ SLOT_DURATION_MS: "1500", SECONDS_PER_SLOT: "2" }, false],
  ] as const
) {
  Deno.test(`SseListener() ${isWarned ? "warns" : "does not warn"} of ${JSON.stringify(spec)}`, async () => {
    await using node = new ScriptedNode({ events: () => openStream(), spec });
    const log: string[] = [];
    await using listener = await SseListener.start({
      nodes: [node.url],
      log: ({ level, message }) => void (level === "warn" && log.push(message)),
    });
    await listener.ready;
    assertEquals(
      listener.config!.slotDurationMs,
      Number(spec.SLOT_DURATION_MS),
    );
    assertEquals(
      log,
      isWarned
        ? [
          "The node's spec contradicts itself: SLOT_DURATION_MS is 12000 and SECONDS_PER_SLOT is 6; slots of 12000 ms are used",
        ]
        : [],
    );
  });
}
