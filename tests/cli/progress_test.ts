import { assertEquals } from "@std/assert";
import { mock } from "node:test";
import type { NodeSnapshot, NodeStatus, SseListener } from "@org/beacon-sse";
import { Broadcast } from "../../src/listener/broadcast/broadcast.ts";
import { Progress } from "../../src/cli/progress.ts";

/** A progress on a terminal of 80 columns, and what it shows. */
function start(names: string[]) {
  mock.timers.enable({ apis: ["setInterval", "Date"] });
  let screen = "";
  const terminal = {
    writeSync(bytes: Uint8Array) {
      screen = new TextDecoder().decode(bytes).split("\r\x1b[K").at(-1)!;
      return bytes.length;
    },
  };
  const statuses = new Broadcast<NodeStatus>();
  const nodes = names.map((name) => ({ name, state: "connecting" }));
  const progress = new Progress(terminal, () => 80);
  progress.follow({
    nodes: nodes as unknown as NodeSnapshot[],
    status: (options) => statuses.subscribe(options),
  } as Pick<SseListener, "nodes" | "status">);
  return {
    progress,
    nodes,
    screen: () => screen,
    /** Reports that a node is away. */
    async disconnect(node: string, message: string, retryInMs: number) {
      const error = new Error(message);
      const at = Date.now();
      statuses.post(
        { type: "disconnected", reason: "network", node, at, error, retryInMs },
      );
      await new Promise((resolve) => setTimeout(resolve));
    },
    tick: (ms: number) => mock.timers.tick(ms),
    [Symbol.dispose]() {
      progress.end();
      mock.timers.reset();
    },
  };
}

Deno.test("Progress() shows what it connects to, and for how long", () => {
  using shown = start(["a", "b"]);
  assertEquals(shown.screen(), "Connecting to a, b (0 s)");
  shown.tick(3000);
  assertEquals(shown.screen(), "Connecting to a, b (3 s)");
});

Deno.test("Progress() shows that it waits for the first event", () => {
  using shown = start(["a"]);
  shown.nodes[0]!.state = "connected";
  shown.tick(12_000);
  assertEquals(
    shown.screen(),
    "Connected, waiting for the first event (12 s)",
  );
});

Deno.test("Progress() shows the next attempt and why, cut between words", async () => {
  using shown = start(["a", "b"]);
  await shown.disconnect(
    "b",
    "Cannot reach http://b: tcp connect error: Connection refused",
    4000,
  );
  shown.tick(1000);
  assertEquals(
    shown.screen(),
    "No node is connected (1 s), next attempt in 3 s: Cannot reach http://b: tcp…",
  );
  shown.tick(4000);
  assertEquals(
    shown.screen(),
    "No node is connected (5 s), connecting again: Cannot reach http://b: tcp…",
  );
  shown.nodes[0]!.state = "connected";
  shown.tick(1000);
  assertEquals(
    shown.screen(),
    "1 of 2 nodes connected, waiting for the first event (6 s), connecting again:…",
  );
});

Deno.test("Progress.hide() makes room for another line until the next second", () => {
  using shown = start(["a"]);
  shown.progress.hide();
  assertEquals(shown.screen(), "");
  shown.tick(1000);
  assertEquals(shown.screen(), "Connecting to a (1 s)");
});

Deno.test("Progress() takes its line away for good at its end", () => {
  using shown = start(["a"]);
  shown.progress.end();
  shown.tick(5000);
  assertEquals(shown.screen(), "");
});
