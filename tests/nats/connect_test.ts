import { assertRejects } from "@std/assert";
import { connectNats } from "../../src/nats/connect.ts";
import { NatsServer, NEEDS_NATS_SERVER } from "./nats_server.ts";

for (const kind of ["url", "webUrl"] as const) {
  Deno.test({
    name:
      `connectNats() leaves no connection to the server's ${kind} behind when it is aborted while it connects`,
    ...NEEDS_NATS_SERVER,
    async fn() {
      await using server = await NatsServer.start();
      const ended = new AbortController();
      const connecting = connectNats([server[kind]], ended.signal);
      ended.abort(new Error("enough"));
      await assertRejects(() => connecting, Error, "enough");
    },
  });
}
