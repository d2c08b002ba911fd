import { assertEquals } from "@std/assert";
import type { NodeStatus } from "@org/beacon-sse";
import { NodeEndpoint } from "../../src/beacon/http/endpoint.ts";
import { Broadcast } from "../../src/listener/broadcast/broadcast.ts";
import { NodeReporter } from "../../src/listener/node_reporter.ts";
import { NodeState } from "../../src/listener/node_state.ts";

/** A reporter under a clock of the test, and what it logs. */
function reporting() {
  const log: string[] = [];
  const time = { now: 0 };
  const reporter = new NodeReporter({
    status: new Broadcast<NodeStatus>(),
    now: () => time.now,
    log: ({ message }) => log.push(message),
  });
  const node = new NodeState(new NodeEndpoint("http://node.test"), ["head"], 0);
  return { log, time, reporter, node };
}

Deno.test("NodeReporter.disconnected() logs the first failure at once, and one a minute while the node is away", () => {
  const { log, time, reporter, node } = reporting();
  const fail = () =>
    reporter.disconnected(node, {
      reason: "network",
      error: new Error("Lost it"),
      retryInMs: 8100,
    });
  for (; time.now <= 130_000; time.now += 10_000) fail();
  reporter.connected(node);
  fail();
  assertEquals(log, [
    "Lost it; next attempt in 8.1 s",
    "Away for 1 min, 6 attempts: Lost it; next attempt in 8.1 s",
    "Away for 2 min, 12 attempts: Lost it; next attempt in 8.1 s",
    "Listening for head",
    "Lost it; next attempt in 8.1 s",
  ]);
});

Deno.test("NodeReporter.warn() logs one warning of a kind and node in ten seconds", () => {
  const { log, time, reporter, node } = reporting();
  for (; time.now < 20_000; time.now += 1000) {
    reporter.warn(node, "malformed", `malformed at ${time.now}`);
  }
  reporter.warn(node, "timing", "timing");
  assertEquals(log, ["malformed at 0", "malformed at 10000", "timing"]);
});
