/** The gateway behind `node:http`. */

import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeListener } from "@org/beacon-sse/gateway";
import { ScriptedNode } from "../listener/scripted_node.ts";
import { startGateway, stillNode } from "./helpers.ts";

/** Sends a request whose target is written as it is, and returns the answer. */
async function requestTarget(server: Server, target: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return await new Response(connection.readable).text();
}

async function listen(gateway: Parameters<typeof toNodeListener>[0]) {
  const server = createServer(toNodeListener(gateway));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

for (
  const [target, code] of [
    ["//", 404],
    ["//[/eth/v1/events?topics=head", 404],
    ["//eth/v1/node/version", 404],
    ["http://[/", 400],
    ["/eth/v1/beacon/headers/%00", 404],
  ] as const
) {
  Deno.test(`toNodeListener() refuses ${target} in the form of the Beacon API`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    await using served = await listen(stage.gateway);
    const text = await requestTarget(served.server, target);
    const json = /\{.*\}/.exec(text)?.[0] ?? "";
    assertEquals(JSON.parse(json).code, code);
  });
}

Deno.test("toNodeListener() answers 502 where a body cannot be sent on, and survives one that is cut", async () => {
  await using stage = await startGateway([{ url: "http://127.0.0.1:9" }], {
    passAll: true,
  });
  await using served = await listen(stage.gateway);
  const { port } = served.server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/eth/v1/x`, {
    method: "POST",
    body: "x".repeat(1_000_000),
  });
  assertEquals(response.status, 502);
  assertEquals((await response.json()).code, 502);
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc";
  await connection.write(new TextEncoder().encode(head));
  connection.close();
  const text = await requestTarget(served.server, "/healthz");
  assertEquals(text.split("\r\n")[0], "HTTP/1.1 200 OK");
});

Deno.test("toNodeListener() survives a node whose answer has no form for HTTP", async () => {
  await using node = new ScriptedNode({
    events: () => new Response("", { status: 503 }),
  });
  await using stage = await startGateway([{ url: node.url }], {}, {
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      if (!String(input).endsWith("/identity")) return response;
      return Object.defineProperty(response, "status", { value: 1234 });
    },
  });
  await using served = await listen(stage.gateway);
  await requestTarget(served.server, "/eth/v1/node/identity");
  const text = await requestTarget(served.server, "/healthz");
  assertEquals(text.split("\r\n")[0], "HTTP/1.1 200 OK");
});
