import { assertEquals } from "@std/assert";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { headFrame, startBeaconServer } from "../cli/beacon_server.ts";
import { runCli } from "../cli/spawn_cli.ts";
import { NatsServer, NEEDS_NATS_SERVER } from "./nats_server.ts";

for (const kind of ["url", "webUrl"] as const) {
  Deno.test({
    name: `beacon-sse --nats publishes what it prints, to the server's ${kind}`,
    ...NEEDS_NATS_SERVER,
    async fn() {
      await using server = await NatsServer.start();
      await using node = startBeaconServer([1, 2, 3].map(headFrame));
      const { code, stdout, stderr } = await runCli(
        [
          node.url,
          "--limit=3",
          `--nats=${server[kind]}`,
          "--nats-network=holesky",
        ],
        ["--allow-net", "--allow-env", "--allow-read", "--allow-sys"],
      );
      assertEquals([code, stdout.length], [0, 3], stderr.join("\n"));
      const connection = await connect({ servers: server.url.slice(7) });
      const manager = await jetstreamManager(connection);
      const heads: string[] = [];
      for (let seq = 1; seq <= 3; seq++) {
        const message = await manager.streams.getMessage("BEACON_HOLESKY", {
          seq,
        });
        heads.push(message!.string());
      }
      await connection.close();
      assertEquals(
        heads.map((raw) => JSON.parse(raw)),
        stdout.map((line) => JSON.parse(line).data),
      );
    },
  });
}
