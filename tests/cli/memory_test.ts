import { assert, assertEquals } from "@std/assert";
import { needs } from "../needs.ts";
import { headData, headFrame, startBeaconServer } from "./beacon_server.ts";
import { spawnCli } from "./spawn_cli.ts";

const MIB = 1024 * 1024;
const MOST_BYTES = 160 * MIB;
const ENDLESS_BYTES = 100 * MIB;

/** An event that takes no end, cut into pieces, and a good one behind it. */
function* endlessEvent(pieceBytes: number): Generator<string> {
  const piece = "x".repeat(pieceBytes);
  yield "event: head\ndata: ";
  for (let sent = 0; sent < ENDLESS_BYTES; sent += pieceBytes) yield piece;
  yield `\n\n${headFrame(1)}`;
}

/** The most bytes of memory that a process has had so far; Linux only. */
async function peakBytes(pid: number): Promise<number> {
  // Deno itself reads nothing below /proc unless everything is allowed.
  const cat = new Deno.Command("cat", { args: [`/proc/${pid}/status`] });
  const status = new TextDecoder().decode((await cat.output()).stdout);
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]);
}

for (const pieceBytes of [65_536, 4096]) {
  Deno.test({
    name:
      `beacon-sse takes little memory for an endless event in pieces of ${pieceBytes} bytes, and prints the next one`,
    ...needs("Linux", Deno.build.os === "linux"),
    async fn() {
      await using node = startBeaconServer([], {
        pieces: endlessEvent(pieceBytes),
      });
      await using cli = spawnCli([node.url, "--topics", "head"]);
      for await (const line of cli.stdout) {
        assert(line.endsWith(`,"data":${headData(1)}}`), line);
        break;
      }
      const peak = await peakBytes(cli.pid);
      assert(peak < MOST_BYTES, `${Math.round(peak / MIB)} MiB`);
      assertEquals(node.requests.length, 1);
    },
  });
}
