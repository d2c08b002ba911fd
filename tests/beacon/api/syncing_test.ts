import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BeaconNetworkError, BeaconTimeoutError } from "@org/beacon-sse";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import {
  type NodeSyncing,
  probeNode,
} from "../../../src/beacon/api/syncing.ts";
import {
  HttpServer,
  inspect,
  RawServer,
  unusedPort,
} from "../http/http_server.ts";

/** Longer than any test takes; where it matters, the test has its own. */
const PATIENT_MS = 60_000;

function probe(
  url: string,
  timeoutMs = PATIENT_MS,
  signal: AbortSignal = new AbortController().signal,
): Promise<NodeSyncing | undefined> {
  return probeNode(new NodeEndpoint(url), timeoutMs, { fetch, signal });
}

/** What the probe makes of an answer. */
async function probeAnswer(
  answer: () => Response,
): Promise<NodeSyncing | undefined> {
  await using server = new HttpServer(answer);
  return await probe(server.url);
}

Deno.test("probeNode() requests the node's sync state", async () => {
  await using server = new HttpServer(() =>
    Response.json({
      data: {
        head_slot: "123",
        sync_distance: "7",
        is_syncing: true,
        is_optimistic: false,
        el_offline: false,
      },
    })
  );
  const syncing = await probe(`${server.url}/base?key=1`);
  assertEquals(syncing, {
    headSlot: 123,
    isSyncing: true,
    isOptimistic: false,
    elOffline: false,
  });
  assertEquals(
    server.requests[0]!.url,
    `${server.url}/base/eth/v1/node/syncing?key=1`,
  );
});

Deno.test("probeNode() accepts any status as a sign of life", async () => {
  for (const status of [204, 206, 302, 400, 401, 403, 404, 429, 500, 503]) {
    const syncing = await probeAnswer(() =>
      new Response(status === 204 ? null : "gone fishing", { status })
    );
    assertEquals([status, syncing], [status, undefined]);
  }
});

Deno.test("probeNode() accepts any body as a sign of life", async () => {
  const bodies = [
    "",
    "<html>",
    "null",
    "[]",
    '{"data":null}',
    '{"data":{"head_slot":"1"}}',
    '{"data":{"head_slot":1,"is_syncing":false}}',
    '{"data":{"head_slot":"-1","is_syncing":false}}',
    '{"data":{"head_slot":"9999999999999999","is_syncing":false}}',
    '{"data":{"head_slot":"1","is_syncing":"false"}}',
  ];
  for (const body of bodies) {
    const syncing = await probeAnswer(() => new Response(body));
    assertEquals([body, syncing], [body, undefined]);
  }
});

Deno.test("probeNode() leaves an endless body", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const syncing = await probeAnswer(() =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: cancelled.resolve,
      }),
    )
  );
  assertEquals(syncing, undefined);
  await cancelled.promise;
});

Deno.test("probeNode() leaves the body of another status unread", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const syncing = await probeAnswer(() =>
    new Response(new ReadableStream({ cancel: cancelled.resolve }), {
      status: 404,
    })
  );
  assertEquals(syncing, undefined);
  await cancelled.promise;
});

Deno.test("probeNode() rejects when a node does not answer in time", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  await using server = new HttpServer(() => promise);
  const url = `${server.url.replace("//", "//uSeR:pAsS@")}/sEcReT?key=hIdDeN`;
  const error = await assertRejects(() => probe(url, 20), BeaconTimeoutError);
  assertEquals([error.name, error.phase], ["BeaconTimeoutError", "probe"]);
  assertStringIncludes(error.message, `Cannot reach ${server.url}/…`);
  assertStringIncludes(error.message, "within 20 ms");
  for (const secret of ["uSeR", "pAsS", "sEcReT", "hIdDeN"]) {
    assert(!inspect(error).includes(secret), inspect(error));
  }
  resolve(new Response());
});

Deno.test("probeNode() ends its request when the time is over", async () => {
  const ended = Promise.withResolvers<unknown>();
  const answer = Promise.withResolvers<Response>();
  await assertRejects(
    () =>
      probeNode(new NodeEndpoint("http://a"), 20, {
        fetch: (_url, init) => {
          init!.signal!.addEventListener("abort", ended.resolve);
          return answer.promise;
        },
        signal: new AbortController().signal,
      }),
    BeaconTimeoutError,
  );
  await ended.promise;
});

Deno.test("probeNode() accepts headers as a sign of life, though the body does not come", async () => {
  await using server = new HttpServer(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array([123])),
      }),
    )
  );
  assertEquals(await probe(server.url, 500), undefined);
});

Deno.test("probeNode() rejects when a node cannot be reached", async () => {
  const url = `http://127.0.0.1:${unusedPort()}`;
  await assertRejects(() => probe(url), BeaconNetworkError, url);
});

Deno.test("probeNode() rejects when the connection breaks within the body", async () => {
  await using server = new RawServer(
    'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":',
  );
  const outcome = await probe(server.url).catch((error) => error);
  assert(
    outcome === undefined || outcome instanceof BeaconNetworkError,
    inspect(outcome),
  );
});

Deno.test("probeNode() rejects with the signal's reason when aborted", async () => {
  const requested = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = new HttpServer(() => {
    requested.resolve();
    return answer.promise;
  });
  const controller = new AbortController();
  const pending = assertRejects(() =>
    probe(server.url, PATIENT_MS, controller.signal)
  );
  await requested.promise;
  const reason = new Error("stop");
  controller.abort(reason);
  assertEquals(await pending, reason);
  answer.resolve(new Response());
});
