import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Counter, Registry } from "prom-client";
import { SlotClock } from "../../src/beacon/slot_clock.ts";
import { serveHttp } from "../../src/cli/http_server.ts";
import { createHandler, type ServedListener } from "../../src/cli/serve.ts";

const clock = new SlotClock({
  genesisTime: 0,
  slotsPerEpoch: 32,
  eras: [{ epoch: 0, slotDurationMs: 12_000, attestationDueBps: 3333 }],
});

function fakeListener(overrides: object = {}): ServedListener {
  return {
    registry: new Registry(),
    clock,
    nodes: [
      { name: "a", state: "disconnected", lastError: new Error("reset") },
      {
        name: "b",
        state: "connected",
      },
    ],
    finished: new Promise<void>(() => {}),
    ...overrides,
  } as unknown as ServedListener;
}

function get(
  listener: ServedListener,
  path: string,
  method = "GET",
): Promise<Response> {
  return createHandler(listener)(
    new Request(`http://localhost${path}`, { method }),
  );
}

Deno.test("createHandler() serves the registry's metrics", async () => {
  const registry = new Registry();
  new Counter({ name: "seen_total", help: "seen", registers: [registry] }).inc(
    3,
  );
  const response = await get(fakeListener({ registry }), "/metrics?x=1");
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("content-type"), registry.contentType);
  assertStringIncludes(await response.text(), "seen_total 3\n");
});

Deno.test("createHandler() answers 500 without details when a metric throws", async () => {
  const registry = new Registry();
  new Counter({
    name: "seen_total",
    help: "seen",
    registers: [registry],
    collect() {
      throw new Error("secret");
    },
  });
  const response = await get(fakeListener({ registry }), "/metrics");
  assertEquals([response.status, await response.text()], [
    500,
    "Internal Server Error\n",
  ]);
});

Deno.test("createHandler() is healthy until the listener has finished", async () => {
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  const handler = createHandler(fakeListener({ finished }));
  const before = await handler(new Request("http://localhost/healthz"));
  assertEquals([before.status, await before.text()], [200, "ok\n"]);
  resolve();
  await finished;
  const after = await handler(new Request("http://localhost/healthz"));
  assertEquals([after.status, await after.text()], [
    503,
    "Service Unavailable\n",
  ]);
});

Deno.test("createHandler() is not healthy after the listener has failed", async () => {
  const finished = Promise.reject(new Error("failed"));
  const handler = createHandler(fakeListener({ finished }));
  await assertRejects(() => finished);
  const response = await handler(new Request("http://localhost/healthz"));
  assertEquals(response.status, 503);
  await response.body?.cancel();
});

Deno.test("createHandler() is ready with a clock and a connected node", async () => {
  const response = await get(fakeListener(), "/readyz");
  assertEquals(response.status, 200);
  assertEquals(await response.json(), {
    ready: true,
    clock: true,
    nodes: [
      { name: "a", state: "disconnected", lastError: "reset" },
      {
        name: "b",
        state: "connected",
      },
    ],
  });
});

Deno.test("createHandler() is not ready without a clock or a connected node", async () => {
  for (const overrides of [{ clock: undefined }, { nodes: [] }]) {
    const response = await get(fakeListener(overrides), "/readyz");
    assertEquals(response.status, 503);
    assertEquals((await response.json()).ready, false);
  }
});

Deno.test("createHandler() answers 404 elsewhere, whatever the method", async () => {
  for (
    const path of [
      "/",
      "/metrics/",
      "/eth/v1/events",
      "/__proto__",
      "/toString",
    ]
  ) {
    for (const method of ["GET", "POST"]) {
      const response = await get(fakeListener(), path, method);
      assertEquals([response.status, await response.text()], [
        404,
        "Not Found\n",
      ]);
    }
  }
});

Deno.test("createHandler() answers 405 to other methods", async () => {
  for (const path of ["/metrics", "/healthz", "/readyz"]) {
    const response = await get(fakeListener(), path, "POST");
    assertEquals([response.status, response.headers.get("allow")], [
      405,
      "GET, HEAD",
    ]);
    await response.body?.cancel();
  }
});

Deno.test("createHandler() answers HEAD without a body", async () => {
  const response = await get(fakeListener(), "/readyz", "HEAD");
  assertEquals([response.status, response.body], [200, null]);
});

Deno.test("serveHttp() serves on a free port until it is disposed", async () => {
  await using server = serveHttp(
    { hostname: "127.0.0.1", port: 0 },
    createHandler(fakeListener()),
  );
  const response = await fetch(`${server.url}/healthz`);
  assertEquals(await response.text(), "ok\n");
});

Deno.test("serveHttp() does not wait for ever for a request in flight", async () => {
  const arrived = Promise.withResolvers<void>();
  const server = serveHttp({ hostname: "127.0.0.1", port: 0 }, () => {
    arrived.resolve();
    return new Promise(() => {});
  });
  const answer = fetch(server.url).then(
    (response) => response.status,
    () => "cut",
  );
  await arrived.promise;
  await server[Symbol.asyncDispose]();
  assertEquals(await answer, "cut");
});

Deno.test("serveHttp() names an address that is taken", async () => {
  await using server = serveHttp(
    { hostname: "127.0.0.1", port: 0 },
    createHandler(fakeListener()),
  );
  const port = Number(new URL(server.url).port);
  const error = await assertRejects(
    // deno-lint-ignore require-await
    async () =>
      serveHttp({ hostname: "127.0.0.1", port }, createHandler(fakeListener())),
    Error,
  );
  assert(
    error.message.startsWith(`--serve cannot listen on 127.0.0.1:${port}: `),
  );
});
