/** New connections to a node, and nodes whose certificate has a private authority. */

import { assertEquals } from "@std/assert";
import { createNodeFetch } from "../../../src/beacon/http/node_fetch.ts";
import { HttpServer, StoppingRelay } from "./http_server.ts";

Deno.test("createNodeFetch() leaves dead connections behind when it is renewed", async () => {
  await using server = new HttpServer((path) => new Response(path));
  await using relay = new StoppingRelay(server.url);
  const node = createNodeFetch();
  const read = async (path: string) =>
    await (await node.fetch(relay.url + path)).text();
  // Two connections, both idle afterwards.
  assertEquals(await Promise.all([read("/1"), read("/2")]), ["/1", "/2"]);
  const opened = relay.opened;
  relay.stop();
  node.renew();
  assertEquals(await read("/3"), "/3");
  assertEquals(relay.opened, opened + 1);
  node.renew();
  assertEquals(await read("/4"), "/4");
  assertEquals(relay.opened, opened + 2);
  node.close();
  assertEquals(server.requests.length, 4);
});

Deno.test("createNodeFetch() lets a response go on that is under way when it is renewed", async () => {
  const { readable, writable } = new TransformStream<string, string>();
  const writer = writable.getWriter();
  await using server = new HttpServer(() =>
    new Response(readable.pipeThrough(new TextEncoderStream()))
  );
  const node = createNodeFetch();
  node.renew();
  const answered = node.fetch(server.url);
  await writer.write("before ");
  const response = await answered;
  node.renew();
  await writer.write("after");
  await writer.close();
  assertEquals(await response.text(), "before after");
  node.close();
});

Deno.test("createNodeFetch() uses the user's own fetch as it is", async () => {
  const inits: (RequestInit | undefined)[] = [];
  const node = createNodeFetch((_, init) => {
    inits.push(init);
    return Promise.resolve(new Response("mine"));
  });
  node.renew();
  const init = { redirect: "manual" } as const;
  assertEquals(await (await node.fetch("http://a/", init)).text(), "mine");
  assertEquals(inits, [init]);
  assertEquals(inits[0] === init, true);
  node.close();
});

Deno.test("createNodeFetch() leaves a dead HTTP/2 connection, with a private authority and no permission but the net", async () => {
  const fixture = (name: string) =>
    Deno.readTextFileSync(
      new URL(`../../fixtures/tls/${name}.pem`, import.meta.url),
    );
  const root = `0x${"ab".repeat(32)}`;
  const event = `event: block_gossip\ndata: {"slot":"7","block":"${root}"}\n\n`;
  await using server = new HttpServer(
    (path) =>
      path === "/eth/v1/events"
        ? new Response(event, {
          headers: { "content-type": "text/event-stream" },
        })
        : new Response(path),
    { cert: fixture("cert"), key: fixture("key") },
  );
  await using relay = new StoppingRelay(server.url);
  const client = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "--allow-net=127.0.0.1",
      new URL("private_ca_client.ts", import.meta.url).href,
      relay.url,
    ],
    env: {
      DENO_CERT: new URL("../../fixtures/tls/ca.pem", import.meta.url).pathname,
      NO_COLOR: "1",
    },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const lines: string[] = [];
  let opened = 0;
  for await (
    const text of client.stdout.pipeThrough(new TextDecoderStream())
  ) {
    lines.push(...text.trim().split("\n"));
    if (lines.at(-1) !== "/one") continue;
    opened = relay.opened;
    relay.stop();
    const writer = client.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
  }
  assertEquals((await client.status).code, 0);
  assertEquals(lines, ["block 7", "/one", "/three", "no answer to two"]);
  assertEquals(relay.opened, opened + 1);
});
