/** One of the listeners of `kill.ts`: writes what its node reports into JetStream until it is killed. */

import { SseListener } from "@org/beacon-sse";
import { toJetStream } from "../../src/nats/mod.ts";

const [node, servers] = Deno.args;
const listener = await SseListener.start({
  nodes: [node!],
  topics: ["head", "block", "chain_reorg"],
});
const statuses = listener.status();
const sink = toJetStream(listener, { servers: servers! });
const connected = (async () => {
  for await (const { type } of sink.status()) if (type === "connected") return;
})();
for await (const { type } of statuses) if (type === "connected") break;
await connected;
// Says to the parent that from now on no event is lost if the other listener is killed.
await Deno.stdout.write(new TextEncoder().encode("connected\n"));
await sink.finished;
