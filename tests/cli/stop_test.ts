import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { unusedPort } from "../beacon/http/http_server.ts";
import { needs } from "../needs.ts";
import { headFrame, startBeaconServer } from "./beacon_server.ts";
import { MAIN, runCli, servedUrl, spawnCli } from "./spawn_cli.ts";

const NEEDS_SIGNALS = needs("signals", Deno.build.os !== "windows");

Deno.test("beacon-sse --for ends with 0, whether or not a node answers", async () => {
  const port = unusedPort();
  const { code, stdout } = await runCli([
    `127.0.0.1:${port}`,
    "--for",
    "300ms",
  ]);
  assertEquals([code, stdout], [0, []]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `beacon-sse ends with 0 on ${signal}`,
    ...NEEDS_SIGNALS,
    async fn() {
      await using node = startBeaconServer([1].map(headFrame));
      await using cli = spawnCli([node.url, "--quiet"]);
      const reader = cli.stdout.getReader();
      assert(!(await reader.read()).done);
      cli.kill(signal);
      assertEquals(await cli.code, 0);
      assert((await reader.read()).done);
      assertEquals(await Array.fromAsync(cli.stderr), []);
    },
  });
}

Deno.test({
  name: "beacon-sse ends with 0 on a signal although its stdout has no reader",
  ...NEEDS_SIGNALS,
  async fn() {
    const numbers = Array.from({ length: 2000 }, (_, i) => i);
    await using node = startBeaconServer(numbers.map(headFrame));
    await using cli = spawnCli([node.url, "--serve=127.0.0.1:0"]);
    // Lines arrive, the pipe fills up, and the last write waits for a reader.
    await eventsSeen(cli.stderr, numbers.length);
    cli.kill("SIGTERM");
    assertEquals(await cli.code, 0);
  },
});

Deno.test("beacon-sse ends quietly with 0 when the reader of stdout goes", async () => {
  await using node = startBeaconServer([1].map(headFrame), { repeat: true });
  await using cli = spawnCli([node.url, "--quiet"]);
  for await (const line of cli.stdout) {
    assertStringIncludes(line, '"topic":"head"');
    break;
  }
  assertEquals([await cli.code, await Array.fromAsync(cli.stderr)], [0, []]);
});

Deno.test({
  name: "beacon-sse exits with 1 and one line when stdout cannot be written",
  ...needs("Linux", Deno.build.os === "linux"),
  async fn() {
    await using node = startBeaconServer([1].map(headFrame), { repeat: true });
    const { code, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        `"$0" run --allow-net "$@" >/dev/full`,
        Deno.execPath(),
        MAIN,
        node.url,
        "--quiet",
      ],
      stdin: "null",
    }).output();
    assertEquals(code, 1);
    assertMatch(
      new TextDecoder().decode(stderr),
      /^beacon-sse: [^\n]*space[^\n]*\n$/,
    );
  },
});

/** Waits until the metrics show so many events. */
async function eventsSeen(
  stderr: ReadableStream<string>,
  count: number,
): Promise<void> {
  const url = await servedUrl(stderr);
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const seen =
      /^app_beacon_node_sse_events_total\{[^}]*topic="head"[^}]*\} (\d+)$/m
        .exec(text);
    if (Number(seen?.[1]) >= count) return;
  }
}
