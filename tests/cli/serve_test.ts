import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { LogEntry, SseListener } from "@org/beacon-sse";
import { serveHttp } from "../../src/cli/http_server.ts";
import { serveGateway } from "../../src/cli/serve.ts";
import { startGateway, stillNode } from "../gateway/helpers.ts";

const ANY_PORT = { hostname: "127.0.0.1", port: 0 };
const FEED = { headers: [], quiet: false, serve: ANY_PORT };

/** Serves, and returns where. */
async function serve(
  listener: SseListener,
  feed: Parameters<typeof serveGateway>[1],
): Promise<AsyncDisposable & { url: string; lines: string[] }> {
  const lines: string[] = [];
  const server = await serveGateway(
    listener,
    feed,
    undefined,
    ({ message }: LogEntry) => void lines.push(message),
  );
  const url = /http:\S+/.exec(lines[0]!)![0];
  return Object.assign(server!, { url, lines });
}

Deno.test("serveGateway() serves the nodes as one beacon node", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  await node.whenConnected();
  await using server = await serve(stage.listener, FEED);
  const response = await fetch(`${server.url}/eth/v1/events?topics=head`);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  await reader.read();
  const { root } = await node.produceBlock();
  assertStringIncludes((await reader.read()).value!, root);
  await reader.cancel();
  const genesis = await fetch(`${server.url}/eth/v1/beacon/genesis`);
  assertEquals(
    Number((await genesis.json()).data.genesis_time) * 1000,
    node.genesisTime,
  );
});

Deno.test("serveGateway() ends open streams cleanly when it is disposed", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const server = await serve(stage.listener, FEED);
  const response = await fetch(`${server.url}/eth/v1/events?topics=head`);
  const text = response.text();
  await server[Symbol.asyncDispose]();
  assertStringIncludes(await text, ":");
});

Deno.test("serveGateway() reads its token from the first line of a file", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const tokenFile = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(tokenFile, "s3cret\nnot this\n");
    await using server = await serve(stage.listener, { ...FEED, tokenFile });
    const statuses: number[] = [];
    for (const authorization of ["Bearer s3cret", "Bearer not this", ""]) {
      const response = await fetch(`${server.url}/metrics`, {
        headers: { authorization },
      });
      await response.body?.cancel();
      statuses.push(response.status);
    }
    assertEquals(statuses, [200, 401, 401]);
    assertFalse(server.lines.join().includes("s3cret"));
  } finally {
    await Deno.remove(tokenFile);
  }
});

Deno.test("serveGateway() refuses a token file that is missing or empty", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const empty = await Deno.makeTempFile();
  try {
    for (const tokenFile of [empty, `${empty}.missing`]) {
      await assertRejects(
        () => serve(stage.listener, { ...FEED, tokenFile }),
        Error,
        "--token-file ",
      );
    }
  } finally {
    await Deno.remove(empty);
  }
});

Deno.test("serveHttp() does not wait for ever for a request in flight", async () => {
  const arrived = Promise.withResolvers<void>();
  const server = await serveHttp(ANY_PORT, () => arrived.resolve());
  const answer = fetch(server.url).then(
    (response) => response.status,
    () => "cut",
  );
  await arrived.promise;
  await server[Symbol.asyncDispose]();
  assertEquals(await answer, "cut");
});

Deno.test("serveHttp() cuts off a peer that sends its headers slowly", async () => {
  await using server = await serveHttp(
    ANY_PORT,
    (_request, response) => void response.end(),
    200,
  );
  const { port } = new URL(server.url);
  using peer = await Deno.connect({
    hostname: "127.0.0.1",
    port: Number(port),
  });
  await peer.write(new TextEncoder().encode("GET / HTTP/1.1\r\nx-slow: "));
  const answer = await new Response(peer.readable).text();
  assertEquals(answer.split("\r\n")[0], "HTTP/1.1 408 Request Timeout");
});

Deno.test("serveHttp() names an address that is taken", async () => {
  await using server = await serveHttp(ANY_PORT, () => {});
  const port = Number(new URL(server.url).port);
  const error = await assertRejects(
    () => serveHttp({ hostname: "127.0.0.1", port }, () => {}),
    Error,
  );
  assert(
    error.message.startsWith(`--serve cannot listen on 127.0.0.1:${port}: `),
  );
});
