/** Who may read from the gateway, how much, and what strangers can do. */

import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertThrows,
} from "@std/assert";
import { createGateway, type Gateway } from "@org/beacon-sse/gateway";
import { get, openReader, startGateway, stillNode } from "./helpers.ts";

const EVENTS = "/eth/v1/events?topics=head";
const GUARDED = [
  EVENTS,
  "/metrics",
  "/eth/v1/beacon/genesis",
  "/eth/v1/node/health",
  "/api/nodes",
  "/nowhere",
];

Deno.test("createGateway() with a token guards everything but health", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { token: "s3cret" });
  for (const path of GUARDED) {
    const response = await get(stage.gateway, path);
    assertEquals(response.status, 401, path);
    assertEquals(
      response.headers.get("www-authenticate"),
      'Basic realm="beacon-sse"',
    );
    assertEquals((await response.json()).code, 401);
  }
  await stage.listener.ready;
  for (const path of ["/healthz", "/readyz"]) {
    const response = await get(stage.gateway, path);
    assertEquals(response.status, 200, path);
    assertFalse((await response.text()).includes(node.url));
  }
});

for (
  const [name, authorization] of [
    ["Bearer", "Bearer s3cret"],
    ["bearer in lower case", "bearer s3cret"],
    ["Basic, as password of any user", `Basic ${btoa("anyone:s3cret")}`],
    ["Basic without a user", `Basic ${btoa(":s3cret")}`],
  ] as const
) {
  Deno.test(`createGateway() takes its token as ${name}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node], { token: "s3cret" });
    const reader = await openReader(stage.gateway, "topics=head", {
      authorization,
    });
    await reader[Symbol.asyncDispose]();
    assertEquals(reader.response.status, 200);
  });
}

for (
  const authorization of [
    "Bearer s3cre",
    "Bearer s3cret2",
    "Bearer",
    "Basic s3cret",
    "Basic %%%",
    `Basic ${btoa("s3cret:")}`,
    `Bearer ${"x".repeat(5000)}`,
    "s3cret",
  ]
) {
  Deno.test(`createGateway() refuses ${authorization.slice(0, 30)}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node], { token: "s3cret" });
    const response = await get(stage.gateway, EVENTS, { authorization });
    assertEquals(response.status, 401);
    assertFalse((await response.text()).includes("s3cret"));
  });
}

Deno.test("createGateway() sends the 10,001st reader away with 503 and Retry-After", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const responses: Response[] = [];
  for (let i = 0; i < 10_000; i++) {
    const response = await get(stage.gateway, EVENTS);
    assertEquals(response.status, 200);
    responses.push(response);
  }
  const refused = await get(stage.gateway, EVENTS);
  assertEquals(refused.status, 503);
  assertMatch(refused.headers.get("retry-after")!, /^\d+$/);
  assertEquals((await refused.json()).code, 503);
  await responses[0]!.body!.cancel();
  const admitted = await get(stage.gateway, EVENTS);
  assertEquals(admitted.status, 200);
  for (const response of [...responses.slice(1), admitted]) {
    await response.body!.cancel();
  }
});

function from(
  gateway: Gateway,
  hostname: string,
  headers: HeadersInit = {},
): Promise<Response> {
  return gateway.fetch(new Request(`http://gateway${EVENTS}`, { headers }), {
    remoteAddr: { hostname },
  });
}

for (
  const [title, first, second] of [
    ["whatever X-Forwarded-For has", "192.0.2.1", "192.0.2.1"],
    ["in IPv4 and as IPv6", "192.0.2.1", "::ffff:192.0.2.1"],
    ["of IPv6 by its network", "2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6"],
    ["of IPv6 with zeros left out", "2001:db8::1", "2001:db8:0:0:1::"],
  ] as const
) {
  Deno.test(`createGateway() counts the readers of one address, ${title}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node], { maxReadersPerAddress: 1 });
    const forwarded = (address: string) => ({ "x-forwarded-for": address });
    const open = await from(stage.gateway, first, forwarded("127.0.0.1"));
    const refused = await from(stage.gateway, second, forwarded("192.0.2.7"));
    assertEquals([open.status, refused.status], [200, 503]);
    await refused.body?.cancel();
    await open.body!.cancel();
  });
}

Deno.test("createGateway() counts readers of other networks by themselves", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { maxReadersPerAddress: 1 });
  const addresses = ["2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8::", "::2"];
  for (const address of addresses) {
    const response = await from(stage.gateway, address);
    assertEquals(response.status, 200, address);
    await response.body!.cancel();
  }
  const open = await Promise.all(
    addresses.map((address) => from(stage.gateway, address)),
  );
  assertEquals(open.map(({ status }) => status), [200, 200, 200, 200]);
  for (const response of open) await response.body!.cancel();
});

Deno.test("createGateway() does not count a reader that is gone before its answer", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { maxReaders: 1 });
  const gone = new AbortController();
  const request = new Request(`http://gateway${EVENTS}`, {
    signal: gone.signal,
  });
  const answer = stage.gateway.fetch(request);
  gone.abort();
  await answer;
  const next = await get(stage.gateway, EVENTS);
  assertEquals(next.status, 200);
  await next.body!.cancel();
});

Deno.test("createGateway() limits the readers of one address, but not of this machine", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node], { maxReadersPerAddress: 1 });
  const open = [
    await from(stage.gateway, "192.0.2.1"),
    await from(stage.gateway, "192.0.2.2"),
    await from(stage.gateway, "127.0.0.1"),
    await from(stage.gateway, "127.0.0.1"),
    await from(stage.gateway, "::1"),
    await from(stage.gateway, "::1"),
  ];
  const refused = await from(stage.gateway, "192.0.2.1");
  assertEquals(open.map(({ status }) => status), Array(6).fill(200));
  assertEquals(refused.status, 503);
  await refused.body?.cancel();
  for (const response of open) await response.body!.cancel();
});

Deno.test("createGateway() refuses a URL of more than 8,192 characters", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const response = await get(stage.gateway, `${EVENTS},${"x".repeat(9000)}`);
  assertEquals(response.status, 414);
  await response.body?.cancel();
});

for (
  const query of [
    "topics=%00%0d%0aevent:%20head",
    "topics=<script>alert(1)</script>",
    "topics=%F0%9F%98%80%FF",
    "topics=__proto__",
    "topics=constructor",
    "topics=gap,toString",
    `topics=${Array(65).fill("head").join()}`,
    "topics[]=head",
    "TOPICS=head",
    "topics=head&last_event_id=%0d%0a",
    "topics=head&since=%00",
    "topics=head&since=slot:99999999999999999999",
  ]
) {
  Deno.test(`createGateway() refuses the query ${query.slice(0, 50)}`, async () => {
    await using node = await stillNode();
    await using stage = await startGateway([node]);
    const response = await get(stage.gateway, `/eth/v1/events?${query}`);
    assertEquals(response.status, 400);
    assertEquals(response.headers.get("content-type"), "application/json");
    const { code, message } = await response.json();
    assertEquals(code, 400);
    // deno-lint-ignore no-control-regex -- control characters are what is looked for
    assertFalse(/[\u0000-\u001f]/.test(message), message);
  });
}

Deno.test("createGateway() shows no credentials of nodes anywhere", async () => {
  await using node = await stillNode();
  const url = new URL(`${node.url}/path/k3y-of-the-node`);
  url.username = "user";
  url.password = "pa55word";
  await using stage = await startGateway([{
    url: url.href,
    headers: { "x-api-key": "header-s3cret" },
  }]);
  for (
    const path of [
      "/metrics",
      "/readyz",
      "/eth/v1/beacon/genesis",
      "/eth/v1/node/version",
      "/eth/v1/beacon/headers/head",
      "/api/nodes",
      "/api/race",
      "/eth/v1/events?topics=x",
    ]
  ) {
    const response = await get(stage.gateway, path);
    const text = JSON.stringify([...response.headers]) + await response.text();
    assert(
      !/k3y-of-the-node|pa55word|header-s3cret/.test(text),
      `${path}: ${text}`,
    );
  }
});

Deno.test("createGateway() names a wrong option and its value", async () => {
  await using node = await stillNode();
  await using stage = await startGateway([node]);
  const { listener } = stage;
  assertThrows(
    () => createGateway(listener, { maxReaders: 0 }),
    RangeError,
    "Cannot create gateway: maxReaders must be a positive integer, got 0",
  );
  assertThrows(
    () => createGateway(listener, { passAll: "yes" as never }),
    TypeError,
    'Cannot create gateway: passAll must be a boolean, got "yes"',
  );
  assertThrows(
    () => createGateway({} as never),
    TypeError,
    "Cannot create gateway: listener must be an SseListener, got an object",
  );
  const error = assertThrows(
    () => createGateway(listener, { token: "two words" }),
    TypeError,
  );
  assertFalse(error.message.includes("two words"));
});
