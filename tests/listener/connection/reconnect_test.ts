import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { mock } from "node:test";
import { setImmediate } from "node:timers";
import {
  BeaconHttpError,
  BeaconNetworkError,
  BeaconProtocolError,
  BeaconTimeoutError,
  type DisconnectedStatus,
  type SseListenerOptions,
} from "@org/beacon-sse";
import { FaultProxy } from "@org/beacon-sse/testing";
import { unusedPort } from "../../beacon/http/http_server.ts";
import {
  brief,
  briefs,
  configAtSlot,
  listen,
  nextStatus,
  take,
} from "../helpers.ts";
import {
  drippingStream,
  endedStream,
  Feed,
  frame,
  head,
  nodeSending,
  openStream,
  ScriptedNode,
} from "../scripted_node.ts";

/** The first disconnect that a node's answer leads to. */
async function disconnectBy(
  events: () => Response | Promise<Response>,
  options: Partial<SseListenerOptions> = {},
): Promise<DisconnectedStatus> {
  await using node = new ScriptedNode({ events });
  await using listener = await listen([node], { ...options });
  return await nextStatus(listener.status(), "disconnected");
}

for (
  const [what, text] of [
    ["a topic that was not requested", "event: foo\ndata: {}\n\n"],
    ["malformed events only", "event: head\ndata: {}\n\n"],
  ] as const
) {
  Deno.test(`SseListener() waits longer each time where a node sends ${what}, and ends`, async () => {
    await using node = new ScriptedNode({ events: () => endedStream(text) });
    await using listener = await listen([node], { random: () => 0.2 });
    const waits: number[] = [];
    for await (const status of listener.status()) {
      if (status.type === "disconnected") waits.push(status.retryInMs);
      if (waits.length === 3) break;
    }
    assertEquals(waits, [200, 400, 800]);
  });
}

Deno.test("SseListener() connects a second time when the stream ends, also in mid-event", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? endedStream(frame("head", head(98)), "event: head\ndata: {")
        : openStream(frame("head", head(99)), frame("head", head(100))),
  });
  await using listener = await listen([node]);
  const events = await take(listener.events(), 3);
  assertEquals(events.map(brief), ["head 98", "head 99", "head 100"]);
  assertEquals(node.requests.length, 2);
  assertEquals(listener.nodes[0]!.reconnects, 1);
});

Deno.test("SseListener() requests its topics in one comma-joined list", async () => {
  await using node = nodeSending();
  await using listener = await listen([`${node.url}/base/?key=1`]);
  await nextStatus(listener.status(), "connected");
  const url = new URL(node.requests[0]!.url);
  assertEquals(url.pathname, "/base/eth/v1/events");
  assertEquals(url.search, "?key=1&topics=head,chain_reorg,block,block_gossip");
  assertEquals(node.requests[0]!.headers.get("accept"), "text/event-stream");
});

Deno.test("SseListener() waits longer after each failure, and from the base again after a valid event", async () => {
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 3
        ? endedStream(frame("head", head(99)))
        : new Response(null, { status: 500 }),
  });
  const draws: number[] = [];
  const random = () => {
    draws.push(0);
    return 0.1;
  };
  await using listener = await listen([node], { random });
  const waits: number[] = [];
  for await (const status of listener.status()) {
    if (status.type !== "disconnected") continue;
    waits.push(status.retryInMs);
    if (waits.length === 5) break;
  }
  assertEquals(waits, [100, 200, 400, 100, 200]);
  assertEquals(draws.length, 5);
});

Deno.test("SseListener() reports a clean end as eof", async () => {
  const { reason, error } = await disconnectBy(() =>
    endedStream(frame("head", head(1)))
  );
  assertEquals(reason, "eof");
  assertInstanceOf(error, BeaconProtocolError);
});

Deno.test("SseListener() reports a refused connection as network, with its cause", async () => {
  await using listener = await listen([`http://127.0.0.1:${unusedPort()}`]);
  const { reason, error } = await nextStatus(listener.status(), "disconnected");
  assertEquals(reason, "network");
  assertInstanceOf(error, BeaconNetworkError);
  assertInstanceOf(error.cause, Error);
  assertStringIncludes(error.message, "refused");
});

for (const status of [204, 401, 403, 404, 409, 429, 500, 503]) {
  Deno.test(`SseListener() retries after status ${status}, which the error names`, async () => {
    const body = status === 204 ? null : `{"message":"no\nluck"}`;
    await using node = new ScriptedNode({
      events: (_request, connection) =>
        connection === 0
          ? new Response(body, { status })
          : openStream(frame("head", head(100))),
    });
    await using listener = await listen([node]);
    const statuses = listener.status();
    assertEquals(await briefs(listener.events(), 1), "head 100");
    const { reason, error } = await nextStatus(statuses, "disconnected");
    assertEquals(reason, "status");
    assertInstanceOf(error, BeaconHttpError);
    assertEquals(error.status, status);
    if (body !== null) {
      assertEquals(error.body, String.raw`{"message":"no\u000aluck"}`);
    }
  });
}

Deno.test("SseListener() honours Retry-After on 429 and 503", async () => {
  for (const status of [429, 503]) {
    const { retryInMs } = await disconnectBy(() =>
      new Response(null, { status, headers: { "retry-after": "7" } })
    );
    assertEquals(retryInMs, 7000);
  }
});

Deno.test("SseListener() clamps a server's retry to its own bounds", async () => {
  for (
    const [retry, wait] of [["0", 500], ["4000", 2000], [
      "999999999",
      6000,
    ]] as const
  ) {
    const { retryInMs } = await disconnectBy(
      () => endedStream(`retry: ${retry}\n\n`),
      { random: () => 0.5 },
    );
    assertEquals(retryInMs, wait);
  }
});

Deno.test("SseListener() refuses another content type", async () => {
  const { reason, error } = await disconnectBy(() =>
    new Response("<html>\n\n")
  );
  assertEquals(reason, "content_type");
  assertInstanceOf(error, BeaconProtocolError);
  assertStringIncludes(error.message, "text/plain");
});

Deno.test("SseListener() leaves a node that never sends headers", async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  const { reason } = await disconnectBy(() => promise, { idleTimeoutMs: 100 });
  resolve(openStream());
  assertEquals(reason, "idle");
});

Deno.test("SseListener() leaves a stream of bytes that never make an event", async () => {
  const { reason, error } = await disconnectBy(() => drippingStream("x", 5), {
    idleTimeoutMs: 200,
  });
  assertEquals(reason, "stalled");
  assertStringIncludes(error.message, "a proxy in front of it buffers");
});

Deno.test("SseListener() lets five slots of silence pass where no timeout is given", async () => {
  const { reason, error } = await disconnectBy(() => openStream(), {
    config: configAtSlot(100, 20),
  });
  assertEquals(reason, "idle");
  assertInstanceOf(error, BeaconTimeoutError);
  assertEquals(error.phase, "idle");
  assertStringIncludes(error.message, "within 100 ms");
});

Deno.test("SseListener() counts any answer to its probe as a sign of life", async () => {
  await using node = new ScriptedNode({
    events: () => openStream(frame("head", head(100))),
    other: () => new Response("gone fishing", { status: 500 }),
  });
  await using listener = await listen([node]);
  assertEquals(await briefs(listener.events(), 1), "head 100");
});

Deno.test("SseListener() survives a reset in mid-line at the cost of one reconnect", async () => {
  const feed = new Feed();
  await using node = new ScriptedNode({
    events: (_request, connection) =>
      connection === 0
        ? feed.open(frame("head", head(98)))
        : openStream(frame("head", head(99))),
  });
  await using proxy = await FaultProxy.start({ target: node.url });
  await using listener = await listen([proxy]);
  const events = listener.events();
  const statuses = listener.status();
  const next = async () =>
    (await take(events.values({ preventCancel: true }), 1)).map(brief);
  assertEquals(await next(), ["head 98"]);
  const reset = proxy.fault({ type: "reset", inMidLine: true });
  feed.send(frame("head", head(99)));
  const { reason } = await nextStatus(statuses, "disconnected");
  reset.heal();
  assertEquals(reason, "network");
  assertEquals(await next(), ["head 99"]);
  assertEquals(listener.nodes[0]!.reconnects, 1);
});

Deno.test("SseListener() contacts a server that accepts and closes a bounded number of times", async () => {
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let contacts = 0;
  const accepting = (async () => {
    for await (const connection of server) {
      contacts++;
      connection.close();
    }
  })();
  const { port } = server.addr as Deno.NetAddr;
  await using listener = await listen([`http://127.0.0.1:${port}`], {
    random: () => 0.1,
  });
  const failures = (await take(listener.status(), 3)) as DisconnectedStatus[];
  assertEquals(failures.map(({ retryInMs }) => retryInMs), [100, 200, 400]);
  server.close();
  await accepting;
  // The runtime's fetch may try a fresh connection once by itself.
  assert(contacts <= 6, `${contacts} contacts for 3 attempts`);
});

Deno.test("SseListener() requests a node that cannot be reached again when the wait is over, and not once it is closed", async () => {
  using clock = new FakeClock();
  const waits = [500, 1000, 2000, 4000, 6000, 6000, 6000];
  let passed = 0;
  const requestedAt = new Set<number>();
  const listener = await listen({ a: "http://127.0.0.1:5052" }, {
    random: () => 0.5,
    fetch: () => {
      requestedAt.add(passed);
      return Promise.reject(new TypeError("no route to host"));
    },
  });
  const statuses = listener.status();
  const reported: number[] = [];
  while (requestedAt.size <= waits.length) {
    const { retryInMs } = await nextStatus(
      statuses.values({ preventCancel: true }),
      "disconnected",
    );
    reported.push(retryInMs);
    passed += retryInMs - 1;
    await clock.tick(retryInMs - 1);
    assertEquals(requestedAt.size, reported.length);
    passed += 1;
    await clock.tick(1);
    assertEquals(requestedAt.size, reported.length + 1);
  }
  await listener.close();
  await clock.tick(3_600_000);
  assertEquals(requestedAt.size, waits.length + 1);
  assertEquals(reported, waits);
});

/** Time that passes only when a test lets it, and real turns of the event loop in between. */
class FakeClock implements Disposable {
  constructor() {
    mock.timers.enable({ apis: ["setTimeout"] });
  }

  /** Lets time pass, and then all that follows from it without input from outside. */
  async tick(milliseconds: number): Promise<void> {
    mock.timers.tick(milliseconds);
    await new Promise((resolve) => setImmediate(resolve));
  }

  [Symbol.dispose](): void {
    mock.timers.reset();
  }
}
