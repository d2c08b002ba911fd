/** Requests that the gateway passes to a node. */

import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeListener } from "@org/beacon-sse/gateway";
import { ScriptedNode } from "../listener/scripted_node.ts";
import { get, openReader, startGateway, stillNode } from "./helpers.ts";

for (
  const path of [
    "/eth/v1/beacon/genesis",
    "/eth/v1/config/spec",
    "/eth/v1/node/version",
    "/eth/v2/node/version",
    "/eth/v1/node/syncing",
    "/eth/v1/beacon/headers",
    "/eth/v1/beacon/headers/head",
    "/eth/v1/beacon/headers?slot=100",
  ]
) {
  Deno.test(`createGateway() passes ${path} to a node`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    const expected = await (await fetch(node.url + path)).json();
    const response = await get(stage.gateway, path);
    assertEquals(response.status, 200);
    assertEquals(response.headers.get("content-type"), "application/json");
    assertEquals(await response.json(), expected);
  });
}

Deno.test("createGateway() passes the status of a node's health on", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const response = await get(stage.gateway, "/eth/v1/node/health");
  assertEquals(response.status, 200);
  assertEquals(await response.text(), "");
});

Deno.test("createGateway() answers other paths with 404 in the form of the Beacon API", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  for (
    const path of [
      "/eth/v1/validator/duties/proposer/1",
      "/eth/v1/beacon/states/head/validators",
      "/eth/v1/beacon/headers/../../../../secret",
      "/eth/v1/beacon/headers/%2e%2e/x",
      "/eth/v1/beacon/genesis/",
      "//evil.example/eth/v1/beacon/genesis",
    ]
  ) {
    const response = await get(stage.gateway, path);
    assertEquals(response.status, 404);
    const { code, message } = await response.json();
    assertEquals(code, 404);
    assert(message.startsWith("Not found: "));
  }
  assertFalse(node.requests.some(({ path }) => path.includes("duties")));
});

Deno.test("createGateway() passes nothing on that writes, unless it is to pass all", async () => {
  const received: string[] = [];
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
    other: async (request, path) => {
      if (request.method !== "POST") return Response.json({});
      received.push(`${path} ${await request.text()}`);
      return Response.json({ data: "done" });
    },
  });
  const request = () =>
    new Request("http://gateway/eth/v1/beacon/pool/attestations?x=1", {
      method: "POST",
      body: "[1]",
    });
  {
    await using stage = await startGateway([{ url: node.url }]);
    const response = await stage.gateway.fetch(request());
    assertEquals(response.status, 404);
    await response.body?.cancel();
  }
  await using stage = await startGateway([{ url: node.url }], {
    passAll: true,
  });
  const response = await stage.gateway.fetch(request());
  assertEquals(await response.json(), { data: "done" });
  assertEquals(received, ["/eth/v1/beacon/pool/attestations [1]"]);
});

Deno.test("createGateway() tries another node where one fails before the first byte", async () => {
  const broken = "http://broken.node";
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
    other: (_request, path) =>
      /genesis|identity|version/.test(path)
        ? Response.json({ data: "good" })
        : undefined,
  });
  await using stage = await startGateway(
    [
      { url: broken },
      { url: node.url },
    ],
    {},
    {
      config: { genesisTime: 0, slotDurationMs: 12_000, slotsPerEpoch: 32 },
      fetch: (input, init) => {
        const url = String(input);
        if (!url.startsWith(broken)) return fetch(input, init);
        if (url.endsWith("/identity")) {
          return Promise.resolve(new Response("", { status: 500 }));
        }
        if (!url.endsWith("/genesis")) {
          return Promise.reject(
            new Error("refused"),
          );
        }
        const body = new ReadableStream({
          pull: (controller) => controller.error(new Error("reset")),
        });
        return Promise.resolve(new Response(body));
      },
    },
  );
  for (const path of ["beacon/genesis", "node/identity", "node/version"]) {
    const response = await get(stage.gateway, `/eth/v1/${path}`);
    assertEquals(await response.json(), { data: "good" });
  }
});

for (const by of ["root", "slot"] as const) {
  Deno.test(`createGateway() waits a moment for a block whose ${by} an event has just named`, async () => {
    let requests = 0;
    await using node = await stillNode();
    await using stage = await startGateway([{ url: node.url }], {}, {
      fetch: (input, init) => {
        const isBlock = String(input).includes("/blocks/");
        if (isBlock && ++requests < 3) {
          return Promise.resolve(
            Response.json({ code: 404, message: "no" }, { status: 404 }),
          );
        }
        return isBlock
          ? Promise.resolve(Response.json({ data: "block" }))
          : fetch(input, init);
      },
    });
    await node.whenConnected();
    await using reader = await openReader(stage.gateway, "topics=head");
    const block = await node.produceBlock();
    await reader.next();
    const response = await get(
      stage.gateway,
      `/eth/v2/beacon/blocks/${block[by]}`,
    );
    assertEquals(await response.json(), { data: "block" });
    assertEquals(requests, 3);
  });
}

Deno.test("createGateway() tries another node where one does not have the block", async () => {
  await using node = await stillNode();
  await using stage = await startGateway(
    [{ url: "http://pruned.node" }, { url: node.url }],
    {},
    {
      config: {
        genesisTime: node.genesisTime,
        slotDurationMs: node.slotDurationMs,
        slotsPerEpoch: 8,
      },
      fetch: (input, init) =>
        String(input).startsWith("http://pruned.node")
          ? Promise.resolve(
            Response.json({ code: 404, message: "no" }, { status: 404 }),
          )
          : fetch(input, init),
    },
  );
  const path = `/eth/v1/beacon/headers/${node.head.root}`;
  const response = await get(stage.gateway, path);
  assertEquals((await response.json()).data.root, node.head.root);
});

Deno.test("createGateway() passes a 404 on at once where no event has named the block", async () => {
  let requests = 0;
  await using node = await stillNode();
  await using stage = await startGateway([{ url: node.url }], {}, {
    fetch: (input, init) => {
      if (String(input).includes("/headers/0x")) requests++;
      return fetch(input, init);
    },
  });
  const path = `/eth/v1/beacon/headers/0x${"ef".repeat(32)}`;
  const response = await get(stage.gateway, path);
  assertEquals(response.status, 404);
  assertEquals((await response.json()).code, 404);
  assertEquals(requests, 1);
});

Deno.test("createGateway() passes the reader's Accept on, and its credentials not", async () => {
  const seen: Headers[] = [];
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
    other: (request, path) => {
      if (!path.endsWith("/genesis")) return undefined;
      seen.push(request.headers);
      return new Response(new Uint8Array([1, 2, 3]), {
        headers: {
          "content-type": "application/octet-stream",
          "eth-consensus-version": "fulu",
          "set-cookie": "session=1",
        },
      });
    },
  });
  const url = new URL(node.url);
  url.username = "user";
  url.password = "node-secret";
  await using stage = await startGateway([{ url: url.href }], {
    token: "gateway-secret",
  });
  const response = await get(stage.gateway, "/eth/v1/beacon/genesis", {
    accept: "application/octet-stream",
    authorization: "Bearer gateway-secret",
    cookie: "mine=1",
  });
  assertEquals([...new Uint8Array(await response.arrayBuffer())], [1, 2, 3]);
  const headers = seen.at(-1)!;
  assertEquals(headers.get("accept"), "application/octet-stream");
  assertEquals(
    headers.get("authorization"),
    `Basic ${btoa("user:node-secret")}`,
  );
  assertEquals(headers.get("cookie"), null);
  assertEquals(response.headers.get("eth-consensus-version"), "fulu");
  assertEquals(response.headers.get("set-cookie"), null);
});

Deno.test("createGateway() shows no credentials of a node that sends them back", async () => {
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
    other: (request, path) =>
      path.endsWith("/spec") || path.endsWith("/identity")
        ? Response.json({ code: 400, message: `bad ${request.url}` }, {
          status: path.endsWith("/spec") ? 400 : 500,
        })
        : undefined,
  });
  await using stage = await startGateway([{
    url: `${node.url}/key/abcdef123456`,
  }]);
  for (const path of ["config/spec", "node/identity"]) {
    const response = await get(stage.gateway, `/eth/v1/${path}`);
    const text = await response.text();
    assert(response.status >= 400);
    assertFalse(text.includes("abcdef123456"), text);
  }
  await node[Symbol.asyncDispose]();
  const response = await get(stage.gateway, "/eth/v1/beacon/genesis");
  assertEquals(response.status, 502);
  assertFalse((await response.text()).includes("abcdef123456"));
});

Deno.test("createGateway() ends the request to the node when the reader is gone", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
    other: (_request, path) =>
      path.endsWith("/blocks/head")
        ? new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
            cancel: () => cancelled.resolve(),
          }),
        )
        : undefined,
  });
  await using stage = await startGateway([{ url: node.url }]);
  const response = await get(stage.gateway, "/eth/v2/beacon/blocks/head");
  await response.body!.cancel();
  assertEquals(await cancelled.promise, undefined);
});

Deno.test("createGateway() breaks an answer off where the node dies behind its first byte", async () => {
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
  });
  await using stage = await startGateway([{ url: node.url }], {}, {
    fetch: (input, init) => {
      if (!String(input).includes("/blocks/")) return fetch(input, init);
      let pulls = 0;
      const body = new ReadableStream({
        pull(controller) {
          if (++pulls === 1) controller.enqueue(new Uint8Array([123]));
          else controller.error(new Error("reset"));
        },
      });
      return Promise.resolve(new Response(body));
    },
  });
  const path = "/eth/v2/beacon/blocks/head";
  const response = await get(stage.gateway, path);
  assertEquals(response.status, 200);
  await assertRejects(() => response.text(), Error);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    stage.gateway.fetch,
  );
  const http = createServer(toNodeListener(stage.gateway));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  for (const { port } of [server.addr, http.address() as AddressInfo]) {
    await assertRejects(async () => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      await response.text();
    }, Error);
  }
  http.closeAllConnections();
  http.close();
});

for (
  const [path, expected] of [
    ["//evil.example/x", "/base//evil.example/x"],
    ["/a/../../../b", "/base/b"],
    ["/%2e%2e/%2E%2e/b", "/base/b"],
    ["/..%2f..%2fb", "/base/..%2f..%2fb"],
    ["/a\\..\\..\\b", "/base/b"],
    ["/a?x=1#y", "/base/a"],
  ] as const
) {
  Deno.test(`createGateway() that passes all keeps ${path} below the node's path`, async () => {
    const paths: string[] = [];
    await using node = new ScriptedNode({
      events: () => new Response("", { status: 503 }),
      other: ({ url, method }) => {
        if (method === "POST") paths.push(new URL(url).pathname);
        return Response.json({});
      },
    });
    await using stage = await startGateway([{ url: `${node.url}/base` }], {
      passAll: true,
    });
    const request = new Request(`http://gateway${path}`, { method: "POST" });
    const response = await stage.gateway.fetch(request);
    await response.body?.cancel();
    assertEquals(paths, [expected]);
  });
}
