/** What a real node sent, recorded, played back, through the gateway, into clients that know nothing of it. */

import { assertEquals } from "@std/assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SseDecoder } from "@org/beacon-sse/sse";
import { SseListener } from "@org/beacon-sse";
import { createGateway, toNodeListener } from "@org/beacon-sse/gateway";
import { openRecording, RecordedBeaconNode } from "@org/beacon-sse/testing";
import {
  recordingHeader,
  recordingLine,
} from "../../../src/testing/recording/recording.ts";

const TOPICS = ["block", "attestation", "head", "finalized_checkpoint"];

function fixture(name: string): string {
  const folder = new URL("../../fixtures/lodestar-1.5.1/", import.meta.url);
  return Deno.readTextFileSync(new URL(name, folder));
}

const capture = new SseDecoder().push(fixture("events.sse"));
const expected = capture.map(({ type, data }) => `${type} ${data}`);

/** The capture as a recording, two seconds for each slot. */
function recorded(): string {
  const { data: genesis } = JSON.parse(fixture("genesis.json"));
  const { data: spec } = JSON.parse(fixture("spec.json"));
  const genesisTime = Number(genesis.genesis_time) * 1000;
  const slotDurationMs = Number(spec.SECONDS_PER_SLOT) * 1000;
  const header = recordingHeader({
    genesisTime,
    slotDurationMs,
    slotsPerEpoch: Number(spec.SLOTS_PER_EPOCH),
    genesisValidatorsRoot: genesis.genesis_validators_root,
  });
  let receivedAt = genesisTime;
  const lines = capture.map(({ type: topic, data: raw }) => {
    const { slot } = JSON.parse(raw);
    if (slot) receivedAt = genesisTime + Number(slot) * slotDurationMs + 300;
    return recordingLine({ topic, node: "lodestar", receivedAt, raw });
  });
  return header + lines.join("");
}

/** A gateway over the recording, which has all of it. */
async function serveCapture() {
  const text = recorded();
  const node = new RecordedBeaconNode(
    await openRecording(() => new Blob([text]).stream()),
    { speed: "max" },
  );
  const listener = await SseListener.start({
    nodes: [node.url],
    topics: TOPICS,
    fetch: node.fetch,
  });
  const gateway = createGateway(listener);
  await node.finished;
  const server = createServer(toNodeListener(gateway));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url:
      `http://127.0.0.1:${port}/eth/v1/events?topics=${TOPICS}&since=earliest`,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await listener.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

Deno.test("curl receives a real node's capture from a recording through the gateway", async () => {
  await using served = await serveCapture();
  const curl = new Deno.Command("curl", {
    args: ["-sN", served.url],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const decoder = new SseDecoder();
  const received: string[] = [];
  const text = curl.stdout.pipeThrough(new TextDecoderStream());
  for await (const chunk of text) {
    for (const { type, data } of decoder.push(chunk)) {
      received.push(`${type} ${data}`);
    }
    if (received.length >= expected.length) break;
  }
  curl.kill();
  await curl.status;
  // A listener that comes back receives the recording again.
  assertEquals(received.slice(0, expected.length), expected);
});

Deno.test({
  name:
    "eventsource receives a real node's capture from a recording through the gateway",
  // The package keeps timers and sockets of its own for a moment.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using served = await serveCapture();
    const name = "npm:eventsource@5";
    const { EventSource } = await import(name);
    const source = new EventSource(served.url);
    const received: string[] = [];
    await new Promise<void>((resolve) => {
      for (const topic of TOPICS) {
        source.addEventListener(topic, ({ data }: { data: string }) => {
          received.push(`${topic} ${data}`);
          if (received.length === expected.length) resolve();
        });
      }
    });
    source.close();
    assertEquals(received, expected);
  },
});
