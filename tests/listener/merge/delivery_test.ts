import { assertEquals, assertStringIncludes } from "@std/assert";
import type { BeaconEvent, SseListener } from "@org/beacon-sse";
import { ChainNode } from "../chain_node.ts";
import { brief, configAtSlot, listen, take, until } from "../helpers.ts";
import {
  block,
  chainReorg,
  frame,
  head,
  headV2,
  openStream,
  root,
  ScriptedNode,
} from "../scripted_node.ts";

const CONFIG = { ...configAtSlot(1000), slotsPerEpoch: 8 };
/** Of a topic that was not requested; it shows that what came before it has been delivered. */
const END: [string, unknown] = ["end", {}];

/** Listens to nodes a and b, or a alone, in slot 1000 of epochs of 8 slots. */
function listenTo(
  [a, b]: { url: string }[],
  topics: string[],
): Promise<SseListener> {
  return listen({ a: a!, ...b && { b } }, { config: CONFIG, topics });
}

/** What is delivered before the end, in order. */
async function untilEnd<T>(
  events: AsyncIterable<BeaconEvent>,
  show: (event: BeaconEvent) => T,
): Promise<T[]> {
  const shown: T[] = [];
  for await (const event of events) {
    if (event.topic as string === "end") break;
    shown.push(show(event));
  }
  return shown;
}

/** A node that refuses some topics. */
function picky(refused: string, ...frames: string[]): ScriptedNode {
  return new ScriptedNode({
    events: (request) =>
      new URL(request.url).searchParams.getAll("topics").join().split(",")
          .includes(refused)
        ? Response.json({ code: 400, message: `Invalid topic: ${refused}` }, {
          status: 400,
        })
        : openStream(...frames),
  });
}

Deno.test("SseListener.events() delivers once what one node repeats in a row, or what cannot recur", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node], ["head", "block"]);
  const events = listener.events();
  await node.send(
    ["head", head(990)],
    ["head", head(990)],
    ["block", block(990)],
    ["block", block(991)],
    ["block", block(990)],
    ["head", head(991)],
    ["head", head(990)],
    END,
  );
  assertEquals(await untilEnd(events, brief), [
    "head 990",
    "block 990",
    "block 991",
    "head 991",
    "head 990",
  ]);
  assertStringIncludes(
    await listener.registry.metrics(),
    'sse_suppressed_total{addr="a",reason="duplicate"} 2',
  );
});

Deno.test("SseListener.events() delivers once what a raw subscriber alone wants", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node], ["head", "voluntary_exit"]);
  const events = listener.events({ raw: true });
  await node.send(["voluntary_exit", {}], ["voluntary_exit", {}], END);
  assertEquals(await untilEnd(events, ({ raw }) => raw), ["{}"]);
});

for (
  const [topic, payload] of [
    [
      "head",
      (isOptimistic: boolean) =>
        head(990, { execution_optimistic: isOptimistic }),
    ],
    ["head_v2", (isOptimistic: boolean) => {
      const { version, data } = headV2(990) as {
        version: string;
        data: object;
      };
      return { version, data: { ...data, execution_optimistic: isOptimistic } };
    }],
    ["block", (isOptimistic: boolean) => ({
      ...block(990),
      execution_optimistic: isOptimistic,
    })],
    [
      "chain_reorg",
      (isOptimistic: boolean) =>
        chainReorg(990, 2, { execution_optimistic: isOptimistic }),
    ],
    ["finalized_checkpoint", (isOptimistic: boolean) => ({
      epoch: "121",
      block: root(1),
      state: root(2),
      execution_optimistic: isOptimistic,
    })],
  ] as const
) {
  Deno.test(`SseListener.events() delivers a verified ${topic} after an optimistic one, and not back`, async () => {
    await using a = new ChainNode();
    await using b = new ChainNode();
    await using listener = await listenTo([a, b], [topic]);
    const events = listener.events();
    const isOptimistic = ({ data }: BeaconEvent) =>
      (("data" in data ? data.data : data) as {
        execution_optimistic: boolean;
      }).execution_optimistic;
    await a.send([topic, payload(true)]);
    await b.connected();
    await take(listener.events(), 1);
    await b.send([topic, payload(false)]);
    await take(listener.events(), 1);
    await a.send([topic, payload(true)], [topic, payload(false)], END);
    assertEquals(await untilEnd(events, isOptimistic), [true, false]);
  });
}

Deno.test("SseListener.events() delivers a head_v2 once empty and once full, and not back", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node], ["head_v2"]);
  const events = listener.events();
  const of = (payload_status: string): [string, unknown] => {
    const { version, data } = headV2(990) as { version: string; data: object };
    return ["head_v2", { version, data: { ...data, payload_status } }];
  };
  await node.send(of("empty"), of("full"), of("empty"), of("full"), END);
  assertEquals(
    await untilEnd(
      events,
      (event) => (event as BeaconEvent<"head_v2">).data.data.payload_status,
    ),
    ["empty", "full"],
  );
});

Deno.test("SseListener.events() delivers nothing old of a node that catches up while another one is at the head", async () => {
  await using synced = new ChainNode();
  await using behind = new ChainNode();
  await using listener = await listenTo([synced, behind], [
    "head",
    "block",
    "chain_reorg",
    "finalized_checkpoint",
  ]);
  const events = listener.events();
  const [reorgs, duties] = [listener.reorgs(), listener.duties()];
  await synced.send(["head", head(1000)]);
  await take(listener.events(), 1);
  const roots = {
    previous_duty_dependent_root: root(8),
    current_duty_dependent_root: root(9),
  };
  const finalized = {
    block: root(3),
    state: root(4),
    epoch: "59",
    execution_optimistic: false,
  };
  await behind.send(
    ["block", block(500)],
    ["head", head(500)],
    ["head", head(501, roots)],
    ["chain_reorg", chainReorg(501, 2)],
    ["finalized_checkpoint", finalized],
    ["block", block(992)],
    END,
  );
  assertEquals(await untilEnd(events, brief), ["head 1000", "block 992"]);
  assertStringIncludes(
    await listener.registry.metrics(),
    'sse_suppressed_total{addr="b",reason="behind"} 5',
  );
  await listener.close();
  assertEquals(await take(reorgs, 1), []);
  assertEquals(await take(duties, 1), []);
});

Deno.test("SseListener.events() delivers what a node that catches up reports once no other node is at the head", async () => {
  await using synced = new ChainNode();
  await using behind = new ChainNode();
  await using listener = await listenTo([synced, behind], ["head", "block"]);
  const events = listener.events();
  await synced.send(["head", head(1000)]);
  await take(listener.events(), 1);
  await behind.send(["head", head(500)], ["head", head(501)]);
  await until(() => listener.nodes[1]!.headSlot === 501);
  await listener.removeNode("a");
  await behind.send(["block", block(502)], ["head", head(502)], END);
  assertEquals(await untilEnd(events, brief), [
    "head 1000",
    "block 502",
    "head 502",
  ]);
});

Deno.test("SseListener.events() delivers nothing old of a node that catches up while another one verifies an earlier head", async () => {
  await using restarted = new ChainNode();
  await using synced = new ChainNode();
  await using listener = await listenTo([restarted, synced], ["head"]);
  const delivered = async (
    node: ChainNode,
    ...heads: Record<string, unknown>[]
  ) => {
    const events = listener.events();
    const end: [string, unknown] = ["end", { behind: heads }];
    await node.send(
      ...heads.map((data): [string, unknown] => ["head", data]),
      end,
    );
    return await untilEnd(events, brief);
  };
  const optimistic = { execution_optimistic: true };
  assertEquals(
    await delivered(restarted, head(998), head(999)),
    ["head 998", "head 999"],
  );
  const late = [head(998, optimistic), head(999, optimistic), head(998)];
  assertEquals(await delivered(synced, ...late), []);
  assertEquals(listener.nodes[1]!.headSlot, 999);
  assertEquals(
    await delivered(restarted, head(500), head(996), head(997)),
    [],
  );
});

Deno.test("SseListener.events() delivers nothing a second time that a node reports of the past, optimistic and verified", async () => {
  await using synced = new ChainNode();
  await using other = new ChainNode();
  await using listener = await listenTo([synced, other], ["head"]);
  const events = listener.events();
  await other.send(["head", head(998)], ["head", head(999)]);
  await until(() => listener.nodes[1]!.headSlot === 999);
  await synced.send(["head", head(999)]);
  await until(() => listener.nodes[0]!.headSlot === 999);
  await other.send(
    ["head", head(998, { execution_optimistic: true })],
    ["head", head(999)],
    ["head", head(998)],
    END,
  );
  assertEquals(await untilEnd(events, brief), ["head 998", "head 999"]);
});

Deno.test("SseListener.events() delivers the verified head of a single node though a later head came in between", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node], ["head"]);
  const events = listener.events();
  const optimistic = { execution_optimistic: true };
  await node.send(
    ["head", head(998, optimistic)],
    ["head", head(999, optimistic)],
    ["head", head(998)],
    ["head", head(1000, optimistic)],
    ["head", head(999)],
    END,
  );
  assertEquals(
    await untilEnd(
      events,
      (event) =>
        `${event.slot} ${
          (event as BeaconEvent<"head">).data.execution_optimistic
        }`,
    ),
    ["998 true", "999 true", "998 false", "1000 true", "999 false"],
  );
  assertEquals(listener.nodes[0]!.headSlot, 1000);
});

Deno.test("SseListener.events() delivers what a single node reports of the past", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node], ["head", "block"]);
  const events = listener.events();
  await node.send(["block", block(500)], ["head", head(500)], END);
  assertEquals(await untilEnd(events, brief), ["block 500", "head 500"]);
});

Deno.test("SseListener.events() never delivers an earlier finalized checkpoint", async () => {
  await using node = new ChainNode();
  await using listener = await listenTo([node], ["finalized_checkpoint"]);
  const events = listener.events();
  const of = (epoch: number): [string, unknown] => ["finalized_checkpoint", {
    block: root(epoch),
    state: root(1),
    epoch: `${epoch}`,
    execution_optimistic: false,
  }];
  await node.send(of(120), of(119), of(200), of(121), END);
  assertEquals(
    await untilEnd(
      events,
      (event) => (event as BeaconEvent<"finalized_checkpoint">).data.epoch,
    ),
    [120, 121],
  );
});

Deno.test("SseListener.events() delivers a head in place of head_v2 once per block, though the payload becomes full", async () => {
  const full = headV2(990) as { data: object };
  full.data = { ...full.data, payload_status: "full" };
  await using node = picky(
    "head",
    frame("head_v2", headV2(990)),
    frame("head_v2", full),
    frame("head_v2", headV2(991)),
    frame("end", {}),
  );
  await using listener = await listenTo([node], ["head"]);
  const events = listener.events();
  assertEquals(await untilEnd(events, brief), ["head 990", "head 991"]);
});

Deno.test("SseListener.events() delivers no head to a subscriber of head_v2 for a block that a head_v2 has reported", async () => {
  await using recent = new ChainNode();
  await using listener = await listenTo([recent], ["head", "head_v2"]);
  const events = listener.events({ topics: ["head_v2"] });
  await recent.send(["head_v2", headV2(990)], ["head", head(990)]);
  await take(listener.events(), 2);
  await using old = picky(
    "head_v2",
    frame("head", head(990)),
    frame("head", head(991)),
  );
  await listener.addNode({ url: old.url, name: "old" });
  const received = (await take(events, 2)).map((event) => brief(event));
  assertEquals(received, ["head_v2 990", "head 991"]);
});
