/** What the command must do on every runtime: its flags against a simulated node. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import {
  type Cli,
  type Outcome,
  outcomeOf,
  servedUrl,
  spawnProgram,
} from "../cli/spawn_cli.ts";

/** Programs that run the command, with the arguments that come before its own. */
export type Command = [program: string, ...args: string[]];

/** The checks, by name. */
export function commandChecks(
  [program, ...before]: Command,
): Record<string, () => Promise<void>> {
  const start = (...args: string[]): Cli =>
    spawnProgram(program, [...before, ...args]);
  const run = (...args: string[]): Promise<Outcome> =>
    outcomeOf(start(...args));
  const startNode = () => SimulatedBeaconNode.start({ slotDurationMs: 300 });
  return {
    "command: JSON lines of --topics until --limit": async () => {
      await using node = await startNode();
      const { code, stdout } = await run(
        node.url,
        "--topics=head,block",
        "--limit=4",
        "--quiet",
      );
      assertEquals([code, stdout.length], [0, 4]);
      const topics = stdout.map((line) => JSON.parse(line).topic).sort();
      assertEquals(topics, ["block", "block", "head", "head"]);
    },
    "command: pretty lines": async () => {
      await using node = await startNode();
      const flags = ["--format=pretty", "--topics=head", "--limit=1"];
      const { code, stdout } = await run(node.url, ...flags);
      assertEquals([code, stdout.length], [0, 2]);
      assertMatch(stdout[0]!, /^TIME \(UTC\) +SLOT .* EVENT$/);
      assertMatch(
        stdout[1]!,
        / head .*0x[0-9a-f]{4}…[0-9a-f]{4}(, new epoch)?$/,
      );
    },
    "command: --serve has metrics, health, page and events": async () => {
      await using node = await startNode();
      await using cli = start(
        node.url,
        "--serve=127.0.0.1:0",
        "--topics=head",
        "--metric-label=cluster_name=a",
      );
      const url = await servedUrl(cli.stderr);
      await firstLine(cli.stdout);
      assertMatch(
        await (await fetch(`${url}/metrics`)).text(),
        /^app_beacon_node_sse_head_slot\{.*cluster_name="a".*\} \d+$/m,
      );
      assertEquals(await (await fetch(`${url}/healthz`)).text(), "ok\n");
      assertStringIncludes(await (await fetch(url)).text(), "<!doctype html>");
      const again = await run(url, "--topics=head", "--limit=1", "--quiet");
      assertEquals([again.code, again.stdout.length], [0, 1]);
      cli.kill("SIGTERM");
      assertEquals(await cli.code, 0);
    },
    "command: --record, and replay of what it has written": async () => {
      const folder = await Deno.makeTempDir();
      try {
        await using node = await startNode();
        const file = `${folder}/events.jsonl.gz`;
        const one = await run(node.url, "--limit=4", `--record=${file}`);
        const other = await run("replay", file, "--speed=max");
        assertEquals([one.code, other.code], [0, 0]);
        const data = ({ stdout }: Outcome) =>
          stdout.map((line) => JSON.parse(line).data);
        // What came between the last line and the end is in the recording too.
        assertEquals(data(other).slice(0, 4), data(one));
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
    "command: --token-file guards what is served": async () => {
      const file = await Deno.makeTempFile();
      try {
        await Deno.writeTextFile(file, "secret\n");
        await using node = await startNode();
        const flags = ["--serve=127.0.0.1:0", `--token-file=${file}`];
        await using cli = start(node.url, ...flags);
        const url = await servedUrl(cli.stderr);
        const status = async (headers: Record<string, string>) => {
          const response = await fetch(`${url}/metrics`, { headers });
          await response.body?.cancel();
          return response.status;
        };
        assertEquals(await status({}), 401);
        assertEquals(await status({ authorization: "Bearer secret" }), 200);
      } finally {
        await Deno.remove(file);
      }
    },
    "command: demo": async () => {
      const { code, stdout } = await run(
        "demo",
        "--limit=3",
        "--serve=127.0.0.1:0",
      );
      assertEquals([code, stdout.length], [0, 3]);
    },
    "command: Ctrl-C ends it with 0": async () => {
      await using node = await startNode();
      await using cli = start(node.url, "--quiet");
      await firstLine(cli.stdout);
      cli.kill("SIGINT");
      assertEquals(await cli.code, 0);
    },
    "command: a closed pipe ends it with 0": async () => {
      await using node = await startNode();
      await using cli = start(node.url, "--quiet");
      for await (const _line of cli.stdout) break;
      assertEquals([await cli.code, await Array.fromAsync(cli.stderr)], [
        0,
        [],
      ]);
    },
    "command: bad usage ends it with 2 and one line": async () => {
      const { code, stdout, stderr } = await run("localhost", "--limit=ten");
      assertEquals([code, stdout], [2, []]);
      assertEquals(stderr, [
        'beacon-sse: --limit must be a positive integer, got "ten"',
      ]);
    },
    "command: --version and --help": async () => {
      const { stdout, stderr } = await run("--version");
      assertMatch(stdout.join(), /^beacon-sse \d+\.\d+\.\d+$/);
      assertEquals(stderr, []);
      assert((await run("--help")).stdout.length > 20);
    },
  };
}

async function firstLine(lines: ReadableStream<string>): Promise<string> {
  for await (const line of lines.values({ preventCancel: true })) return line;
  throw new Error("stdout ended without a line");
}
