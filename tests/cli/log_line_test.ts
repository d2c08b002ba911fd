import { assertEquals, assertMatch } from "@std/assert";
import {
  BeaconHttpError,
  BeaconNetworkError,
  SseListener,
} from "@org/beacon-sse";
import { addHint, formatLogLine } from "../../src/cli/log_line.ts";
import { HttpServer } from "../beacon/http/http_server.ts";
import { GENESIS } from "./make_event.ts";

Deno.test("formatLogLine() shows time, level, node, message and error", () => {
  const error = new Error("connection reset");
  const entry = {
    level: "warn",
    message: "disconnected",
    node: "a",
    error,
  } as const;
  assertEquals(
    formatLogLine(entry, GENESIS),
    "03:04:05.000 warn  a: disconnected: connection reset",
  );
});

Deno.test("formatLogLine() names an error once", () => {
  const error = new Error("reset");
  const entry = { level: "error", message: "lost: reset", error } as const;
  assertEquals(formatLogLine(entry, GENESIS), "03:04:05.000 error lost: reset");
});

Deno.test("formatLogLine() keeps what a node sends on one line", () => {
  const entry = { level: "info", message: "a\r\nb\x1b[31m" } as const;
  assertEquals(
    formatLogLine(entry, GENESIS),
    "03:04:05.000 info  a b\\u001b[31m",
  );
});

Deno.test("formatLogLine() names a node once", () => {
  const entry = { level: "warn", message: "Lost a: reset", node: "a" } as const;
  assertEquals(
    formatLogLine(entry, GENESIS),
    "03:04:05.000 warn  Lost a: reset",
  );
});

for (
  const [status, hint] of [
    [401, ' (a key may be given with --header "Name: value")'],
    [403, ' (a key may be given with --header "Name: value")'],
    [404, " (is this a beacon node's REST address?)"],
    [405, " (is this a beacon node's REST address?)"],
    [500, ""],
  ] as const
) {
  Deno.test(`addHint() ends a message of status ${status} with "${hint}"`, () => {
    const answer = { status, url: "http://a", body: "" };
    const error = new BeaconHttpError(`status ${status}`, answer);
    assertEquals(addHint(error.message, error), `status ${status}${hint}`);
  });
}

/** The hint on the first error that a listener reports of a server. */
async function hintOn(url: string): Promise<string> {
  await using listener = await SseListener.start({ nodes: [url] });
  for await (const status of listener.status()) {
    if (status.type !== "disconnected") continue;
    return addHint(status.error.message, status.error);
  }
  throw new Error("the statuses ended");
}

function serveHtml(): HttpServer {
  return new HttpServer(() =>
    new Response("<html>", { headers: { "content-type": "text/html" } })
  );
}

Deno.test("addHint() doubts the address of a server of pages", async () => {
  await using server = serveHtml();
  assertMatch(
    await hintOn(server.url),
    /^[^\n]+ \(is this a beacon node's REST address\?\)$/,
  );
});

Deno.test("addHint() proposes http in Node too, and keeps the URL and the next attempt", () => {
  const words =
    "C0BC:error:0A00010B:SSL routines:tls_validate:wrong version number:../tls.c:77:\n";
  const error = new BeaconNetworkError(`Cannot reach https://h/: ${words}`);
  assertEquals(
    addHint(`${error.message}; next attempt in 0.5 s`, error),
    "Cannot reach https://h/: the port does not speak TLS, try http://; next attempt in 0.5 s",
  );
});

Deno.test("addHint() proposes http where a port does not speak TLS, without the library's words", async () => {
  await using server = serveHtml();
  assertMatch(
    await hintOn(server.url.replace("http:", "https:")),
    /^Cannot reach https:\S+: the port does not speak TLS, try http:\/\/$/,
  );
});
