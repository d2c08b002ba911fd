import { assert, assertEquals } from "@std/assert";
import { DEMO_NAMES } from "../../src/cli/demo.ts";
import { runCli, servedUrl, spawnCli } from "./spawn_cli.ts";

Deno.test("beacon-sse demo shows a reorg of its own nodes within its first slots", async () => {
  const args = ["demo", "--format=json", "--limit=12", "--serve=127.0.0.1:0"];
  const { code, stdout } = await runCli(args);
  assertEquals([code, stdout.length], [0, 12]);
  const events = stdout.map((line) => JSON.parse(line));
  for (const { node } of events) assert(DEMO_NAMES.includes(node));
  const topics = new Set(events.map(({ topic }) => topic));
  assertEquals(
    [...topics].sort(),
    ["block", "block_gossip", "chain_reorg", "head"],
  );
});

Deno.test("beacon-sse demo serves on a free port where its own is taken", async () => {
  using _listener = listenOnDefaultPort();
  await using cli = spawnCli(["demo"]);
  const url = await servedUrl(cli.stderr);
  assert(!url.endsWith(":9464"), url);
  assertEquals(await (await fetch(`${url}/healthz`)).text(), "ok\n");
});

/** Takes the port; where another process has it already, that does as well. */
function listenOnDefaultPort(): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port: 9464 });
  } catch {
    return undefined;
  }
}
