import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import type { ServerSentEvent } from "@org/beacon-sse/sse";
import {
  type BeaconEventBatch,
  BeaconEventReader,
  type MalformedEvent,
} from "../../../src/beacon/events/beacon_event.ts";

import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";

const ROOT = `0x${"ab".repeat(32)}`;

function sse(type: string, data: unknown): ServerSentEvent {
  return {
    type,
    data: typeof data === "string" ? data : JSON.stringify(data),
    lastEventId: "",
  };
}

function block(slot: number): ServerSentEvent {
  return sse("block", { slot: String(slot), block: ROOT });
}

/** What batches of server-sent events become. */
function decode(
  batches: ServerSentEvent[][],
  now: () => number = () => 5000,
): BeaconEventBatch[] {
  const reader = new BeaconEventReader({
    node: new NodeEndpoint({ url: "http://localhost", name: "a" }),
    now,
    needsData: () => true,
  });
  return batches.map((batch) => reader.read(batch));
}

Deno.test("BeaconEventReader.read() makes events of a batch, in order", () => {
  const raw = `{ "slot":"7", "block":"0x${"AB".repeat(32)}" }`;
  assertEquals(decode([[sse("block", raw), block(8)], [block(9)]]), [
    [
      {
        topic: "block",
        data: { slot: 7, block: ROOT, execution_optimistic: false },
        raw,
        node: "a",
        receivedAt: 5000,
        slot: 7,
      },
      {
        topic: "block",
        data: { slot: 8, block: ROOT, execution_optimistic: false },
        raw: block(8).data,
        node: "a",
        receivedAt: 5000,
        slot: 8,
      },
    ],
    [
      {
        topic: "block",
        data: { slot: 9, block: ROOT, execution_optimistic: false },
        raw: block(9).data,
        node: "a",
        receivedAt: 5000,
        slot: 9,
      },
    ],
  ]);
});

Deno.test("BeaconEventReader.read() gives one time to all events of a batch", () => {
  let time = 0;
  const batches = decode(
    [[block(1), block(2), sse("block", "{}")], [block(3)]],
    () => time += 1000,
  );
  assertEquals(
    batches.map((batch) => batch.map(({ receivedAt }) => receivedAt)),
    [[1000, 1000, 1000], [2000]],
  );
});

Deno.test("BeaconEventReader.read() gives no slot to an event without one", () => {
  const checkpoint = { block: ROOT, state: ROOT, epoch: "3" };
  const [[event]] = decode([[
    sse("finalized_checkpoint", checkpoint),
  ]]) as [[BeaconEventBatch[number]]];
  assertEquals("error" in event!, false);
  assertEquals("slot" in event!, false);
});

Deno.test("BeaconEventReader.read() takes unknown topics with what JSON they have", () => {
  const [batch] = decode([
    [sse("sync_state", { sync_state: "IN_SYNC" }), sse("message", "[1]")],
  ]);
  assertEquals(batch, [
    {
      topic: "sync_state",
      data: { sync_state: "IN_SYNC" },
      raw: '{"sync_state":"IN_SYNC"}',
      node: "a",
      receivedAt: 5000,
    },
    { topic: "message", data: [1], raw: "[1]", node: "a", receivedAt: 5000 },
  ]);
});

Deno.test("BeaconEventReader.read() reads names that every object inherits as unknown topics", () => {
  const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
  const [batch] = decode([names.map((name) => sse(name, "{}"))]);
  assertEquals(
    batch!.map((event) => [event.topic, "error" in event, "slot" in event]),
    names.map((name) => [name, false, false]),
  );
});

Deno.test("BeaconEventReader.read() keeps malformed events in their place and the others whole", () => {
  const malformed: [ServerSentEvent, string][] = [
    [sse("block", ""), "block"],
    [sse("block", "{"), "JSON"],
    [sse("block", "null"), "payload"],
    [sse("block", { block: ROOT }), "slot is missing"],
    [sse("block", { slot: 7, block: ROOT }), "slot"],
    [sse("block", { slot: "ten", block: ROOT }), '"ten"'],
    [sse("block", { slot: "7", block: "0xab" }), "block"],
    [sse("unheard_of", "not JSON"), "JSON"],
  ];
  const batches = malformed.map(([event], index) => [event, block(index)]);
  const decoded = decode([batches.flat()]);
  assertEquals(decoded.length, 1);
  for (const [index, [{ type }, reason]] of malformed.entries()) {
    const [bad, good] = decoded[0]!.slice(2 * index);
    const { error, ...rest } = bad as MalformedEvent;
    assertEquals(rest, { topic: type, node: "a", receivedAt: 5000 });
    assertInstanceOf(error, Error);
    assert(error.message.includes(reason), error.message);
    assertEquals("slot" in good! && good.slot, index);
  }
});

Deno.test("BeaconEventReader.read() goes on behind a batch that is malformed as a whole", () => {
  const batches = decode([[sse("head", "x"), sse("head", "y")], [
    block(1),
  ]]);
  assertEquals(
    batches.map((batch) => batch.map((event) => "error" in event)),
    [[true, true], [false]],
  );
});

Deno.test("BeaconEventReader.read() keeps a long payload as it is", () => {
  const raw = JSON.stringify({
    slot: "7",
    block: ROOT,
    x: "漢".repeat(50_000),
  });
  const [[event]] = decode([[sse("block", raw)]]) as [
    [BeaconEventBatch[number]],
  ];
  assert("raw" in event! && event.raw === raw);
});
