/** A program of a user, as plain `tsc` with `strict` checks it. */

import { type BeaconEvent, SseListener, subscribe } from "@org/beacon-sse";
import { createGateway } from "@org/beacon-sse/gateway";
import { fromJetStream, toJetStream } from "@org/beacon-sse/nats";
import { SseDecoderStream } from "@org/beacon-sse/sse";

/** Uses each entry point, by its types. */
export async function use(url: string): Promise<number> {
  for await (const event of subscribe(url, { topics: ["head", "block"] })) {
    if (event.topic === "head") return event.data.slot;
  }
  const listener = await SseListener.start({ nodes: [url] });
  const events: ReadableStream<BeaconEvent<"head">> = listener.events({
    topics: ["head"],
  });
  const gateway = createGateway(listener);
  const response: Response = await gateway.fetch(new Request(`${url}/readyz`));
  const sink = toJetStream(listener, { servers: "nats://localhost" });
  const source = await fromJetStream({ servers: "nats://localhost" });
  for await (const reorg of listener.reorgs()) return reorg.epoch;
  await Promise.all([events.cancel(), sink.close(), source.close()]);
  return new SseDecoderStream() instanceof TransformStream
    ? response.status
    : 0;
}
