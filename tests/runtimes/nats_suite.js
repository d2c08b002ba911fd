/** What `./nats` must do where TCP is: a real server carries what a node has sent. */

import { SseListener } from "@org/beacon-sse";
import { fromJetStream, toJetStream } from "@org/beacon-sse/nats";
import { SimulatedNode } from "@org/beacon-sse/testing";

/** The checks, by name, against the server at a URL. */
export function natsChecks(servers) {
  return {
    "events through JetStream, each once": async () => {
      const node = new SimulatedNode({ autoplay: false });
      const listener = await SseListener.start({
        nodes: [node.url],
        fetch: node.fetch,
        topics: ["block"],
      });
      // Each runtime has a stream of its own.
      const network = `n${Date.now()}`;
      const names = { servers, network, stream: network };
      const sinks = [1, 2].map(() => toJetStream(listener, names));
      await node.whenConnected();
      const blocks = [];
      for (let count = 0; count < 3; count++) {
        blocks.push((await node.produceBlock()).root);
      }
      const source = await fromJetStream({ ...names, from: "all" });
      const received = [];
      for await (const { topic, data } of source.events()) {
        received.push(`${topic} ${data.block}`);
        if (received.length === blocks.length) break;
      }
      const expected = blocks.map((root) => `block ${root}`);
      if (received.join() !== expected.join()) {
        throw new Error(`got ${received}, not ${expected}`);
      }
      await source.close();
      await Promise.all(sinks.map((sink) => sink.close()));
      await listener.close();
      await node.close();
    },
  };
}
