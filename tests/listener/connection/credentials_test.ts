import { assert, assertEquals } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { unusedPort } from "../../beacon/http/http_server.ts";
import { take } from "../helpers.ts";
import {
  frame,
  head,
  nodeSending,
  openStream,
  ScriptedNode,
} from "../scripted_node.ts";

const SECRETS = [
  "pa55word",
  "usern4me",
  "k3y-in-the-path",
  "t0ken-in-the-query",
  "h3ader-value",
];

/** A URL with a secret in each part. */
function withSecrets(url: string): string {
  const [password, user, path, token] = SECRETS;
  return `${
    url.replace("//", `//${user}:${password}@`)
  }/${path}/?token=${token}`;
}

/** Everything that a listener shows of a node with planted credentials, in one text. */
async function outputOf(
  events: (
    request: Request,
    connection: number,
  ) => Response | Promise<Response>,
): Promise<string> {
  await using node = new ScriptedNode({
    events,
    other: (request, path) =>
      path.endsWith("/syncing")
        ? undefined
        : new Response(`no ${request.url} for ${[...request.headers]}`, {
          status: 404,
        }),
  });
  const url = withSecrets(node.url);
  const shown: unknown[] = [];
  await using listener = await SseListener.start({
    nodes: [{ url, headers: { "x-api-key": SECRETS[4]! } }],
    random: () => 0,
    log: (entry) => shown.push(entry),
  });
  const [first] = await take(listener.status(), 1);
  shown.push(first, listener.nodes, await listener.registry.metrics());
  assertEquals(node.requests[0]!.headers.get("x-api-key"), SECRETS[4]);
  assertEquals(
    node.requests[0]!.headers.get("authorization"),
    `Basic ${btoa(`${SECRETS[1]}:${SECRETS[0]}`)}`,
  );
  return shown.map((value) =>
    Deno.inspect(value, { depth: 20, strAbbreviateSize: 1e6 }) +
    JSON.stringify(value)
  ).join("\n");
}

function assertNoSecret(output: string): void {
  assert(output.length > 500);
  for (const secret of [...SECRETS, btoa(`${SECRETS[1]}:${SECRETS[0]}`)]) {
    assert(!output.includes(secret), `${secret} is in the output:\n${output}`);
  }
}

Deno.test("SseListener() shows no credentials while all is well", async () => {
  assertNoSecret(await outputOf(() => openStream(frame("head", head(1)))));
});

Deno.test("SseListener() shows no credentials that a node sends back", async () => {
  for (const status of [401, 404, 500]) {
    assertNoSecret(
      await outputOf((request) =>
        new Response(
          `refused: ${request.url} ${JSON.stringify([...request.headers])}`,
          { status },
        )
      ),
    );
  }
  assertNoSecret(
    await outputOf((request) =>
      new Response(null, {
        headers: { "content-type": `text/${request.headers.get("x-api-key")}` },
      })
    ),
  );
});

Deno.test("SseListener() shows no credentials that genesis, spec or a payload quote", async () => {
  const all = SECRETS.join(" ");
  await using node = new ScriptedNode({
    events: () =>
      openStream(
        frame("head", { slot: `${"x".repeat(40)} ${all}` }),
        frame("block", all),
        `event: ${SECRETS[2]}\ndata: not JSON\n\n`,
        `event: head\ndata: {"slot": ${all}\n\n`,
        `: error - ${all}\n`,
        frame("head", head(1)),
      ),
    spec: { SLOT_DURATION_MS: `${"x".repeat(50)} ${all}` },
  });
  const url = withSecrets(node.url);
  const shown: unknown[] = [];
  const isWarned = Promise.withResolvers<void>();
  await using listener = await SseListener.start({
    nodes: [{ url, headers: { "x-api-key": SECRETS[4]! } }],
    log(entry) {
      shown.push(entry);
      if (entry.message.includes("SLOT_DURATION_MS")) isWarned.resolve();
    },
  });
  await take(listener.events({ topics: ["head"] }), 1);
  await isWarned.promise;
  shown.push(listener.nodes, await listener.registry.metrics());
  assertNoSecret(
    shown.map((value) => Deno.inspect(value, { depth: 20 })).join("\n"),
  );
});

Deno.test("SseListener() shows no credentials when a node cannot be reached", async () => {
  const shown: unknown[] = [];
  await using listener = await SseListener.start({
    nodes: [
      withSecrets(`http://127.0.0.1:${unusedPort()}`),
    ],
    log: (entry) => shown.push(entry),
  });
  shown.push(
    await take(listener.status(), 1),
    listener.nodes,
    await listener.registry.metrics(),
  );
  assertNoSecret(
    shown.map((value) =>
      Deno.inspect(value, { depth: 20, strAbbreviateSize: 1e6 })
    ).join("\n"),
  );
});

Deno.test("SseListener() requests nothing of another host that a node redirects to", async () => {
  await using elsewhere = nodeSending(frame("head", head(1)));
  await using node = new ScriptedNode({
    events: (request) => {
      const { search } = new URL(request.url);
      return Response.redirect(`${elsewhere.url}/eth/v1/events${search}`, 307);
    },
  });
  await using listener = await SseListener.start({
    nodes: [{
      url: node.url.replace("//", "//u:p@"),
      headers: { "x-api-key": SECRETS[4]! },
    }],
  });
  for await (const status of listener.status()) {
    if (status.type !== "disconnected") continue;
    assert(status.error?.message.includes(elsewhere.url), String(status.error));
    break;
  }
  assertEquals(elsewhere.requests, []);
});

Deno.test("SseListener() lets no payload forge a log line, or poison an object", async () => {
  const log: string[] = [];
  const nested = "[".repeat(100_000) + "]".repeat(100_000);
  await using node = nodeSending(
    'event: head\ndata: "x\u001b[31m\u2028fatal: forged"\n\n',
    `event: head\ndata: {"__proto__":{"polluted":true},"slot":"1"}\n\n`,
    `event: head\ndata: ${nested}\n\n`,
    `event: unknown_one\ndata: {"__proto__":{"polluted":true}}\n\n`,
    frame("head", head(1)),
  );
  await using listener = await SseListener.start({
    nodes: [node.url],
    log: ({ message }) => log.push(message),
  });
  await take(listener.events({ topics: ["head"] }), 1);
  assertEquals(({} as { polluted?: boolean }).polluted, undefined);
  // deno-lint-ignore no-control-regex -- none of these may come through
  const control = /[\u0000-\u001f\u007f-\u009f\u2028]/;
  for (const message of log) assert(!control.test(message), message);
});
