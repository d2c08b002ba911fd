/** What the gateway serves besides the Beacon API: state of the nodes, comparisons, metrics, health, page. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { get, openReader, startGateway, stillNode } from "./helpers.ts";

Deno.test("createGateway() shows the nodes with client and round trip at /api/nodes", async () => {
  await using node = await stillNode({
    slotDurationMs: 4000,
    slotsPerEpoch: 8,
  });
  await using stage = await startGateway([{ url: node.url, name: "one" }]);
  await stage.listener.ready;
  let shown;
  do {
    shown = await (await get(stage.gateway, "/api/nodes")).json();
  } while (shown.nodes[0].client === null);
  assert(Math.abs(shown.now - Date.now()) < 60_000);
  assertEquals(shown.config, {
    genesisTime: node.genesisTime,
    slotDurationMs: 4000,
    slotsPerEpoch: 8,
    attestationDueMs: 1333,
    aggregateDueMs: 2666,
  });
  const [one] = shown.nodes;
  assertEquals(one.name, "one");
  assertEquals(one.state, "connected");
  assertEquals(one.gaps, 0);
  assertEquals(one.lastError, null);
  assertMatch(one.client, /^beacon-sse-simulator\//);
  assert(one.rttMs > 0);
});

Deno.test("createGateway() shows who was first at /api/race", async () => {
  await using node = await stillNode();
  await using other = await stillNode({ genesisTime: node.genesisTime });
  await using stage = await startGateway([
    { url: node.url, name: "one" },
    { url: other.url, name: "other" },
  ]);
  await stage.listener.ready;
  await node.whenConnected();
  await other.whenConnected();
  const races = stage.listener.race();
  await using reader = await openReader(stage.gateway, "topics=head");
  const { slot, root } = await node.produceBlock();
  await reader.next();
  await other.produceBlock();
  for await (const { topic } of races) if (topic === "head") break;
  const { records } = await (await get(stage.gateway, "/api/race")).json();
  const head = records.find(({ topic }: { topic: string }) => topic === "head");
  assertEquals(head.slot, slot);
  assertEquals(head.root, root);
  assertEquals(head.first, "one");
  assertEquals(head.lags.one, 0);
  assertEquals(head.missing, []);
  const since = head.firstAt + Math.max(...Object.values<number>(head.lags));
  const later = await get(stage.gateway, `/api/race?since=${since}`);
  assertEquals((await later.json()).records, []);
});

Deno.test("createGateway() serves the listener's metrics", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([{ url: node.url, name: "one" }]);
  const response = await get(stage.gateway, "/metrics");
  assertMatch(response.headers.get("content-type")!, /^text\/plain/);
  assertMatch(
    await response.text(),
    /^app_beacon_node_sse_connected\{addr="one"\} [01]$/m,
  );
});

Deno.test("createGateway() is ready once a node is connected, and healthy until it is closed", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const health = async (path: string) => {
    const response = await get(stage.gateway, path);
    await response.body?.cancel();
    return response.status;
  };
  assertEquals(await health("/readyz"), 503);
  assertEquals(await health("/healthz"), 200);
  await stage.listener.ready;
  assertEquals(await health("/readyz"), 200);
  await stage.gateway.close();
  assertEquals(await health("/readyz"), 503);
  assertEquals(await health("/healthz"), 503);
});

Deno.test("createGateway() serves the page at / with a nonce of its own each time", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const nonces = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const response = await get(stage.gateway, "/");
    assertMatch(response.headers.get("content-type")!, /^text\/html/);
    const policy = response.headers.get("content-security-policy")!;
    const [, nonce] = /'nonce-([^']+)'/.exec(policy)!;
    nonces.add(nonce!);
    assert((await response.text()).includes(`nonce="${nonce}"`));
  }
  assertEquals(nonces.size, 2);
});
