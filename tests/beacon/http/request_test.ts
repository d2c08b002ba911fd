import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { mock } from "node:test";
import {
  BeaconHttpError,
  BeaconNetworkError,
  type BeaconNodeOptions,
  BeaconProtocolError,
} from "@org/beacon-sse";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import {
  httpError,
  type NodeRequestOptions,
  requestJson,
  requestNode,
} from "../../../src/beacon/http/request.ts";
import { HttpServer, inspect, RawServer, unusedPort } from "./http_server.ts";

const PATH = "/eth/v1/config/spec";
const MIB = 1024 * 1024;

function options(
  changes: Partial<NodeRequestOptions> = {},
): NodeRequestOptions {
  return { fetch, signal: new AbortController().signal, ...changes };
}

/** Requests the path of a node. */
function request(
  node: string | BeaconNodeOptions,
  changes: Partial<NodeRequestOptions> = {},
): Promise<Response> {
  return requestNode(new NodeEndpoint(node), PATH, options(changes));
}

/** Reads the JSON of a path of a node. */
function readJson(url: string): Promise<unknown> {
  return requestJson(new NodeEndpoint(url), PATH, options());
}

/** The error that a response with another status leads to. */
function errorOf(
  body: BodyInit | null,
  init: ResponseInit = { status: 500 },
): Promise<BeaconHttpError> {
  const node = new NodeEndpoint("http://u:p@a/base?key=1");
  return httpError(node, PATH, new Response(body, init));
}

/** Asserts that an error shows none of these, wherever it is looked at. */
function assertKeepsSecret(error: unknown, ...secrets: string[]): void {
  const shown = `${inspect(error)} ${JSON.stringify(error)}`;
  for (const secret of secrets) assert(!shown.includes(secret), shown);
}

/** Answers with a redirect. */
function redirect(location: string, status = 302): Response {
  return new Response("moved", { status, headers: { location } });
}

Deno.test("requestNode() sends what the node needs", async () => {
  await using server = new HttpServer(() => new Response("{}"));
  const node = new NodeEndpoint({
    url: `${server.url.replace("//", "//user:pass@")}/base/?key=1`,
    headers: { "X-Key": "secret" },
  });
  const response = await requestNode(
    node,
    PATH,
    options({ query: "topics=head,block", accept: "text/event-stream" }),
  );
  assertEquals([response.status, await response.text()], [200, "{}"]);
  const [request] = server.requests;
  assertEquals(request!.method, "GET");
  assertEquals(
    request!.url,
    `${server.url}/base${PATH}?key=1&topics=head,block`,
  );
  assertEquals(request!.headers.get("accept"), "text/event-stream");
  assertEquals(request!.headers.get("accept-encoding"), "identity");
  assertEquals(request!.headers.get("x-key"), "secret");
  assertEquals(
    request!.headers.get("authorization"),
    `Basic ${btoa("user:pass")}`,
  );
});

Deno.test("requestNode() requests JSON by default", async () => {
  await using server = new HttpServer(() => new Response(null));
  const response = await request(server.url);
  await response.body?.cancel();
  assertEquals(server.requests[0]!.headers.get("accept"), "application/json");
});

Deno.test("requestNode() answers with any status", async () => {
  for (const status of [204, 400, 404, 429, 500, 503]) {
    await using server = new HttpServer(() => new Response(null, { status }));
    const response = await request(server.url);
    await response.body?.cancel();
    assertEquals(response.status, status);
  }
});

for (const status of [301, 302, 303, 307, 308]) {
  Deno.test(`requestNode() follows a ${status} within the origin with its credentials`, async () => {
    await using server = new HttpServer((path) =>
      path === PATH ? redirect("../moved?x=1", status) : new Response("here")
    );
    const node = new NodeEndpoint({
      url: server.url.replace("//", "//user:pass@"),
      headers: { "X-Key": "secret" },
    });
    const response = await requestNode(node, PATH, options());
    assertEquals(await response.text(), "here");
    assertEquals(server.requests[1]!.url, `${server.url}/eth/v1/moved?x=1`);
    for (const { headers } of server.requests) {
      assertEquals(headers.get("authorization"), `Basic ${btoa("user:pass")}`);
      assertEquals(headers.get("x-key"), "secret");
    }
  });
}

Deno.test("requestNode() follows a redirect from http to https on the same host, with its credentials", async () => {
  const requests: [string, string | null][] = [];
  const node = new NodeEndpoint("http://user:pass@node.example:5052");
  const response = await requestNode(
    node,
    PATH,
    options({
      fetch: (input, init) => {
        const authorization = new Headers(init!.headers).get("authorization");
        requests.push([String(input), authorization]);
        return Promise.resolve(
          String(input).startsWith("https:")
            ? new Response("here")
            : redirect(`https://node.example${PATH}`),
        );
      },
    }),
  );
  assertEquals(await response.text(), "here");
  const authorization = `Basic ${btoa("user:pass")}`;
  assertEquals(requests, [
    [`http://node.example:5052${PATH}`, authorization],
    [`https://node.example${PATH}`, authorization],
  ]);
});

for (
  const [base, location, shown] of [
    [
      "http://node.example",
      "http://other.example/eth/v1/x?token=sEcReT",
      "http://other.example/eth/v1/x?…",
    ],
    [
      "http://node.example",
      "http://user:sEcReT@other.example/",
      "http://…@other.example",
    ],
    [
      "http://node.example",
      "http://node.example:81/",
      "http://node.example:81",
    ],
    ["https://node.example", "http://node.example/", "http://node.example"],
    ["http://node.example", "//other.example/sEcReT", "http://other.example/…"],
    ["http://node.example", "http://sEcReT:99999/", "an unusable URL"],
    ["http://node.example", "file:///etc/sEcReT", "a file: URL"],
    ["http://node.example", "data:,sEcReT", "a data: URL"],
  ] as const
) {
  Deno.test(`requestNode() follows no redirect from ${base} to ${location}, and names it`, async () => {
    let requests = 0;
    const error = await assertRejects(
      () =>
        request(base, {
          fetch: () => {
            requests++;
            return Promise.resolve(redirect(location));
          },
        }),
      BeaconProtocolError,
      `Cannot reach ${base}${PATH}: redirects are followed to the same host only, got ${shown}`,
    );
    assertEquals(requests, 1);
    assertKeepsSecret(error, "sEcReT", "moved");
  });
}

Deno.test("requestNode() gives up after too many redirects", async () => {
  await using server = new HttpServer((path) => redirect(`${path}/sEcReT`));
  const error = await assertRejects(
    () => request(server.url),
    BeaconNetworkError,
    "more than 5 redirects",
  );
  assertEquals(server.requests.length, 6);
  assertStringIncludes(error.message, server.url + PATH);
  assertKeepsSecret(error, "sEcReT");
});

Deno.test("requestNode() follows five redirects", async () => {
  await using server = new HttpServer((path) =>
    path.endsWith("5") ? new Response("here") : redirect(
      `/${Number(/\d$/.exec(path)?.[0] ?? 0) + 1}`,
    )
  );
  const node = new NodeEndpoint(server.url);
  const response = await requestNode(node, "/start", options());
  assertEquals(await response.text(), "here");
});

Deno.test("requestNode() returns a redirect without a location", async () => {
  await using server = new HttpServer(() =>
    new Response(null, { status: 302 })
  );
  const response = await request(server.url);
  await response.body?.cancel();
  assertEquals(response.status, 302);
});

Deno.test("requestNode() names why there is no answer, without URL and credentials", async () => {
  const port = unusedPort();
  const error = await assertRejects(
    () =>
      request({
        url: `http://uSeR:pAsS@127.0.0.1:${port}/sEcReT?key=hIdDeN`,
        headers: { "X-Key": "pRiVaTe" },
      }, { query: "topics=head" }),
    BeaconNetworkError,
  );
  assertStringIncludes(
    error.message,
    `Cannot reach http://127.0.0.1:${port}/…${PATH}: `,
  );
  assertStringIncludes(error.message, "refused");
  assertInstanceOf(error.cause, Error);
  assertKeepsSecret(
    error,
    "uSeR",
    "pAsS",
    btoa("uSeR:pAsS"),
    "sEcReT",
    "hIdDeN",
    "pRiVaTe",
    "topics=",
  );
});

Deno.test("requestNode() hides a path and a query that hold parentheses and quotes", async () => {
  for (const key of ["a)hIdDeN", "(a)hIdDeN", "a'hIdDeN", "a(b)c)hIdDeN"]) {
    for (const rest of [key, `?key=${key}`]) {
      const base = `http://127.0.0.1:${unusedPort()}/${rest}`;
      const error = await assertRejects(
        () => request(base),
        BeaconNetworkError,
      );
      assertKeepsSecret(error, "hIdDeN");
    }
  }
});

Deno.test("requestNode() hides URLs in every cause, and keeps the causes", async () => {
  const innermost = new Error("no route to https://u:p@a/sEcReT?key=hIdDeN");
  innermost.name = "RouteError";
  const failing = () =>
    Promise.reject(
      new TypeError("fetch of http://u:p@a/sEcReT?key=hIdDeN failed", {
        cause: innermost,
      }),
    );
  const error = await assertRejects(
    () => request("http://a", { fetch: failing }),
    BeaconNetworkError,
    "no route to the node",
  );
  const { cause } = error as { cause: Error };
  assertEquals([cause.name, cause.message], [
    "TypeError",
    "fetch of the node failed",
  ]);
  assertEquals((cause.cause as Error).name, "RouteError");
  assertKeepsSecret(error, "sEcReT", "hIdDeN", "u:p");
});

Deno.test("requestNode() takes anything that a fetch may throw", async () => {
  for (const thrown of ["out of\nluck", undefined, null, { no: "error" }]) {
    const error = await assertRejects(
      () => request("http://a", { fetch: () => Promise.reject(thrown) }),
      BeaconNetworkError,
    );
    assertInstanceOf(error.cause, Error);
    assert(!error.message.includes("\n"));
  }
});

Deno.test("requestNode() rejects with the signal's reason when aborted", async () => {
  const requested = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  await using server = new HttpServer(() => {
    requested.resolve();
    return answer.promise;
  });
  const controller = new AbortController();
  const { signal } = controller;
  const pending = assertRejects(() => request(server.url, { signal }));
  await requested.promise;
  const reason = new Error("stop");
  controller.abort(reason);
  assertEquals(await pending, reason);
  answer.resolve(new Response());
});

Deno.test("requestJson() parses the answer", async () => {
  const value = { data: { SLOTS_PER_EPOCH: "32", text: "é漢💥" } };
  await using server = new HttpServer(() => Response.json(value));
  assertEquals(
    await readJson(server.url),
    value,
  );
});

Deno.test("requestJson() reads 1 MiB and not a byte more", async () => {
  const jsonOf = (bytes: number) => `"${"x".repeat(bytes - 2)}"`;
  await using server = new HttpServer((path) =>
    new Response(jsonOf(path === "/fits" ? MIB : MIB + 1))
  );
  const node = new NodeEndpoint(server.url);
  const text = await requestJson(node, "/fits", options());
  assertEquals((text as string).length, MIB - 2);
  const error = await assertRejects(
    () => requestJson(node, "/exceeds", options()),
    BeaconProtocolError,
    "1048576",
  );
  assertStringIncludes(error.message, `${server.url}/exceeds`);
});

Deno.test("requestJson() leaves an endless body", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  await using server = new HttpServer(() =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        cancel: cancelled.resolve,
      }),
    )
  );
  await assertRejects(
    () => readJson(server.url),
    BeaconProtocolError,
  );
  await cancelled.promise;
});

Deno.test("requestJson() refuses what is not JSON, with the cause", async () => {
  for (const body of ["", "<html>", '{"data":', "{}{}"]) {
    await using server = new HttpServer(() => new Response(body));
    const error = await assertRejects(
      () => readJson(server.url),
      BeaconProtocolError,
      "not JSON",
    );
    assertInstanceOf(error.cause, Error);
    assertEquals(error.cause.name, "SyntaxError");
  }
});

Deno.test("requestJson() rejects when the connection breaks within the body", async () => {
  await using server = new RawServer(
    'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"data":',
  );
  const error = await assertRejects(
    () => readJson(server.url),
    Error,
    server.url + PATH,
  );
  assertInstanceOf(error, BeaconNetworkError, error.message);
  assertInstanceOf(error.cause, Error);
});

Deno.test("requestJson() refuses any status but 200", async () => {
  for (const status of [201, 204, 400, 404, 500]) {
    await using server = new HttpServer(() =>
      new Response(status === 204 ? null : '{"message":"no luck"}', { status })
    );
    const error = await assertRejects(
      () => readJson(server.url),
      BeaconHttpError,
      String(status),
    );
    assertEquals(error.status, status);
  }
});

Deno.test("httpError() shows status, endpoint and the body's beginning", async () => {
  const error = await errorOf(' {"message":"not yet"}\n', { status: 404 });
  assertEquals(error.name, "BeaconHttpError");
  assertEquals(error.status, 404);
  assertEquals(error.url, `http://a/base${PATH}`);
  assertEquals(error.body, '{"message":"not yet"}');
  assertEquals(
    error.message,
    `Cannot read http://a/base${PATH}: status 404 (Not Found): {"message":"not yet"}`,
  );
  assertKeepsSecret(error, "key=1", "u:p");
});

Deno.test("httpError() needs no body and no known status", async () => {
  const error = await errorOf(null, { status: 599 });
  assertEquals([error.status, error.body], [599, ""]);
  assert(error.message.endsWith("status 599 (unknown status)"), error.message);
});

Deno.test("httpError() escapes control characters of the body", async () => {
  const { body, message } = await errorOf("a\x1b[31m\r\nWARN forged\u2028line");
  assertEquals(body, String.raw`a\u001b[31m\u000d\u000aWARN forged\u2028line`);
  assert(message.endsWith(body));
});

Deno.test("httpError() shows no credentials that the node sends back", async () => {
  const secrets = ["uSeR", "pAsS word", "sEcReT", "hIdDeN", "tOkEn"];
  const node = new NodeEndpoint({
    url: "http://uSeR:pAsS%20word@a/sEcReT?key=hIdDeN",
    headers: { "X-Key": "tOkEn" },
  });
  await using server = new HttpServer((_path, { url, headers }) =>
    new Response(`${url} ${secrets} ${[...headers]}`, { status: 401 })
  );
  const echoed = await fetch(`${server.url}/sEcReT?key=hIdDeN`, {
    headers: node.headers("text/plain"),
  });
  const error = await httpError(node, PATH, echoed);
  assertEquals(error.status, 401);
  assertStringIncludes(error.body, server.url);
  const { value } = /(?<value>\S+)$/.exec(
    node.headers("text/plain").get("authorization")!,
  )!.groups!;
  assertKeepsSecret(error, ...secrets, "pAsS", value!);
});

Deno.test("httpError() reads the beginning of an endless body and leaves the rest", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  await using server = new HttpServer(() =>
    new Response(
      new ReadableStream({
        pull: (controller) =>
          controller.enqueue(new TextEncoder().encode("漢".repeat(20_000))),
        cancel: cancelled.resolve,
      }),
      { status: 500 },
    )
  );
  const node = new NodeEndpoint(server.url);
  const response = await requestNode(node, PATH, options());
  const error = await httpError(node, PATH, response);
  await cancelled.promise;
  assertEquals(error.body, `${"漢".repeat(300)}…`);
  assert(error.message.length < 500);
});

Deno.test("httpError() does not wait for a body that drips", async () => {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode("half")),
    cancel: () => void (cancelled = true),
  });
  const settled = Promise.withResolvers<void>();
  setTimeout(settled.resolve);
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const pending = errorOf(body);
    await settled.promise;
    mock.timers.tick(1000);
    assertEquals((await pending).body, "half");
    assert(cancelled);
  } finally {
    mock.timers.reset();
  }
});

Deno.test("httpError() shows what arrived before the connection broke", async () => {
  let pulls = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (pulls++ > 0) controller.error(new Error("reset"));
      else controller.enqueue(new TextEncoder().encode("half"));
    },
  });
  assertEquals((await errorOf(body)).body, "half");
});

Deno.test("httpError() reads a Retry-After of seconds", async () => {
  for (
    const [value, milliseconds] of [
      ["0", 0],
      ["7", 7000],
      ["0120", 120_000],
      [" 3 ", 3000],
    ] as const
  ) {
    const headers = { "retry-after": value };
    const { retryAfterMs } = await errorOf(null, { status: 503, headers });
    assertEquals(retryAfterMs, milliseconds);
  }
});

Deno.test("httpError() reads a Retry-After of a date", async () => {
  const headers = { "retry-after": "Fri, 01 Jan 2999 00:00:00 GMT" };
  const date = Date.UTC(2999, 0, 1);
  const before = Date.now();
  const { retryAfterMs } = await errorOf(null, { status: 503, headers });
  const after = Date.now();
  assert(date - after <= retryAfterMs! && retryAfterMs! <= date - before);
});

Deno.test("httpError() reads a Retry-After of a past date as none to wait for", async () => {
  const headers = { "retry-after": "Wed, 21 Oct 2015 07:28:00 GMT" };
  const { retryAfterMs } = await errorOf(null, { status: 503, headers });
  assertEquals(retryAfterMs, 0);
});

Deno.test("httpError() ignores a Retry-After that is neither", async () => {
  for (const value of ["", "soon", "5 minutes"]) {
    const headers = { "retry-after": value };
    const { retryAfterMs } = await errorOf(null, { status: 503, headers });
    assertEquals([value, retryAfterMs], [value, undefined]);
  }
  assertEquals((await errorOf(null)).retryAfterMs, undefined);
});
