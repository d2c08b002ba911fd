import { assertEquals, assertThrows } from "@std/assert";
import { RUNTIME_CLOCK } from "../../src/testing/node/clock.ts";
import { EventConnection } from "../../src/testing/node/event_connection.ts";

function open(
  options: { keepAliveMs?: number; maxQueuedEvents?: number } = {},
): EventConnection {
  return new EventConnection({
    topics: ["head"],
    query: new URLSearchParams("topics=head"),
    headers: new Headers(),
    keepAliveMs: 0,
    maxQueuedEvents: 4,
    clock: RUNTIME_CLOCK,
    ...options,
  });
}

function textOf(connection: EventConnection): Promise<string> {
  return new Response(connection.body).text();
}

Deno.test("EventConnection() frames events and comments, and sends bytes as they are", async () => {
  const connection = open();
  connection.send({ event: "head", data: "{}" });
  connection.send({ comment: "hello" });
  connection.send(new TextEncoder().encode("data: half a li"));
  connection.send({ event: "lines", data: "a\nb", retry: 5 });
  connection.close();
  assertEquals(
    await textOf(connection),
    "event:head\ndata:{}\n\n:hello\n\ndata: half a lievent:lines\ndata:a\ndata:b\nretry:5\n\n",
  );
  await connection.closed;
});

Deno.test("EventConnection() drops the oldest for a slow client and reports how many", async () => {
  const connection = open({ maxQueuedEvents: 2 });
  for (let i = 1; i <= 5; i++) connection.send({ data: `${i}` });
  connection.close();
  assertEquals(connection.dropped, 3);
  assertEquals(
    await textOf(connection),
    ":error - dropped 3 messages\n\ndata:4\n\ndata:5\n\n",
  );
});

Deno.test("EventConnection() sends a keep-alive comment after a silence", async () => {
  const connection = open({ keepAliveMs: 10 });
  const reader = connection.body.pipeThrough(new TextDecoderStream())
    .getReader();
  assertEquals((await reader.read()).value, ":\n\n");
  assertEquals((await reader.read()).value, ":\n\n");
  const next = reader.read();
  connection.send({ data: "1" });
  assertEquals((await next).value, "data:1\n\n");
  await reader.cancel();
});

Deno.test("EventConnection() is closed and takes nothing more when its client goes", async () => {
  const connection = open({ keepAliveMs: 60_000 });
  const reader = connection.body.getReader();
  const pending = reader.read();
  await reader.cancel();
  assertEquals((await pending).done, true);
  await connection.closed;
  for (let i = 0; i < 10; i++) connection.send({ data: "1" });
  assertEquals(connection.dropped, 0);
});

Deno.test("EventConnection().send() refuses an event name of two lines", () => {
  assertThrows(() => open().send({ event: "a\nb" }), TypeError, "event");
});
