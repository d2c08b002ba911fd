/** Clients of beacon nodes that know nothing of the gateway, against it. */

import { assert, assertEquals } from "@std/assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SseListener } from "@org/beacon-sse";
import { createGateway, toNodeListener } from "@org/beacon-sse/gateway";
import type { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { startGateway, stillNode } from "./helpers.ts";

/** What an EventSource of any package has. */
interface Source {
  addEventListener(
    type: string,
    listener: (event: { data: string; lastEventId: string }) => void,
  ): void;
  close(): void;
}

/** A node, a gateway over it, and the gateway's URL. */
interface Served extends AsyncDisposable {
  node: SimulatedBeaconNode;
  url: string;
  /** How many event streams were opened so far. */
  readers(): number;
  /** Cuts all connections off. */
  cut(): void;
}

/** Serves a gateway with `Deno.serve` or `node:http`. */
async function serve(server: "Deno.serve" | "node:http"): Promise<Served> {
  const node = await stillNode();
  const stage = await startGateway([node]);
  await node.whenConnected();
  await stage.listener.ready;
  if (server === "Deno.serve") {
    const served = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      stage.gateway.fetch,
    );
    return {
      node,
      url: `http://127.0.0.1:${served.addr.port}`,
      readers: () => 0,
      cut() {},
      async [Symbol.asyncDispose]() {
        await stage[Symbol.asyncDispose]();
        await served.shutdown();
        await node.close();
      },
    };
  }
  const listener = toNodeListener(stage.gateway);
  let readers = 0;
  const served = createServer((request, response) => {
    if (request.url?.startsWith("/eth/v1/events")) readers++;
    listener(request, response);
  });
  await new Promise<void>((resolve) =>
    served.listen(0, "127.0.0.1", () => resolve())
  );
  return {
    node,
    url: `http://127.0.0.1:${(served.address() as AddressInfo).port}`,
    readers: () => readers,
    cut: () => served.closeAllConnections(),
    async [Symbol.asyncDispose]() {
      await stage[Symbol.asyncDispose]();
      served.closeAllConnections();
      await new Promise((resolve) => served.close(resolve));
      await node.close();
    },
  };
}

for (const server of ["Deno.serve", "node:http"] as const) {
  Deno.test(`curl reads the gateway behind ${server}`, async () => {
    await using served = await serve(server);
    const curl = new Deno.Command("curl", {
      args: ["-sN", `${served.url}/eth/v1/events?topics=head`],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = curl.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value!;
    const { root } = await served.node.produceBlock();
    while (!text.includes(root)) text += (await reader.read()).value!;
    await reader.cancel();
    curl.kill();
    await curl.status;
    assert(
      /^:\n\n:\nid: \S+\n\nid: \S+\nevent: head\ndata: \{.+\}\n\n$/.test(text),
      text,
    );
  });

  Deno.test(`fetch ends a stream of the gateway behind ${server} when the gateway closes`, async () => {
    const served = await serve(server);
    const response = await fetch(`${served.url}/eth/v1/events?topics=head`);
    const text = response.text();
    await served[Symbol.asyncDispose]();
    assert(/^:\n\n:\nid: \S+\n\n$/.test(await text));
  });
}

for (const version of ["5", "2"]) {
  Deno.test({
    name: `eventsource ${version} reads the gateway and resumes by itself`,
    // The package keeps timers and sockets of its own for a moment.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using served = await serve("node:http");
      const { node } = served;
      const name = `npm:eventsource@${version}`;
      const module = await import(name);
      const EventSource = module.EventSource ?? module.default;
      const source: Source = new EventSource(
        `${served.url}/eth/v1/events?topics=head`,
      );
      const roots: string[] = [];
      let received = Promise.withResolvers<void>();
      const opened = Promise.withResolvers<void>();
      source.addEventListener("open", () => opened.resolve());
      source.addEventListener("head", ({ data, lastEventId }) => {
        assert(lastEventId !== "");
        roots.push(JSON.parse(data).block);
        received.resolve();
      });
      await opened.promise;
      const first = await node.produceBlock();
      await received.promise;
      received = Promise.withResolvers();
      served.cut();
      const second = await node.produceBlock();
      await received.promise;
      source.close();
      assertEquals(roots, [first.root, second.root]);
    },
  });
}

Deno.test("@lodestar/api reads events and the rest of the Beacon API from the gateway", async () => {
  await using served = await serve("node:http");
  const { node } = served;
  const headSlot = node.head.slot;
  const output = new Deno.Command(Deno.execPath(), {
    // It looks at the environment, which these tests may not.
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--allow-all",
      import.meta.resolve("./lodestar_client.ts"),
      served.url,
    ],
    stderr: "piped",
  }).output();
  let isOver = false;
  output.finally(() => isOver = true);
  while (!isOver) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (served.readers() > 0) await node.produceBlock();
  }
  const { stdout, stderr } = await output;
  const text = new TextDecoder().decode(stdout);
  assert(text !== "", new TextDecoder().decode(stderr));
  const { genesisTime, headSlot: shown, event } = JSON.parse(text);
  assertEquals(genesisTime * 1000, node.genesisTime);
  assertEquals(shown, headSlot);
  assertEquals(event.type, "head");
  assert(event.message.slot > headSlot);
});

Deno.test("SseListener reads the gateway as a node: a gateway of gateways", async () => {
  await using served = await serve("Deno.serve");
  await using listener = await SseListener.start({ nodes: [served.url] });
  const events = listener.events({ topics: ["head"] });
  const reorgs = listener.reorgs();
  await listener.ready;
  const gateway = createGateway(listener);
  const response = await gateway.fetch(
    new Request("http://second/eth/v1/events?topics=chain_reorg"),
  );
  const { root } = await served.node.produceBlock();
  for await (const event of events) {
    assertEquals(event.data.block, root);
    break;
  }
  const { newHead } = served.node.reorg({ depth: 1 });
  for await (const reorg of reorgs) {
    assertEquals(reorg.newHeadBlock, newHead.root);
    break;
  }
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  let text = "";
  while (!text.includes(newHead.root)) text += (await reader.read()).value!;
  await reader.cancel();
  assertEquals(
    await (await gateway.fetch(
      new Request("http://second/eth/v1/beacon/genesis"),
    )).json(),
    await (await fetch(`${served.node.url}/eth/v1/beacon/genesis`)).json(),
  );
  await gateway.close();
});
