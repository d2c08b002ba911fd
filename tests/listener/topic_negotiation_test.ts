import { assertEquals } from "@std/assert";
import { mock } from "node:test";
import { SseListener, type SseListenerOptions } from "@org/beacon-sse";
import { TopicNegotiation } from "../../src/listener/topic_negotiation.ts";
import { brief, configAtSlot, nextStatus, sample, take } from "./helpers.ts";
import {
  endedStream,
  frame,
  head,
  openStream,
  ScriptedNode,
} from "./scripted_node.ts";

const HASTY = { config: configAtSlot(100), random: () => 0 } satisfies Partial<
  SseListenerOptions
>;
const FOUR = ["head", "chain_reorg", "block", "block_gossip"];

Deno.test("TopicNegotiation.refused() leaves out what the node names", () => {
  const negotiation = new TopicNegotiation(FOUR);
  assertEquals(
    negotiation.refused(`{"code":400,"message":"Invalid topic: block_gossip"}`),
    "retry",
  );
  assertEquals(negotiation.request, {
    topics: ["head", "chain_reorg", "block"],
    form: "joined",
  });
  assertEquals(negotiation.missing, ["block_gossip"]);
});

Deno.test("TopicNegotiation.refused() does not take head_v2 for head, nor block_gossip for block", () => {
  const negotiation = new TopicNegotiation([
    "head_v2",
    "block_gossip",
    "block",
  ]);
  negotiation.refused("Invalid topic: block_gossip");
  assertEquals(negotiation.request.topics, ["head_v2", "block"]);
  negotiation.refused("Invalid topic: head_v2");
  assertEquals(negotiation.request.topics, ["head", "block"]);
  assertEquals(negotiation.missing, ["head_v2", "block_gossip"]);
});

Deno.test("TopicNegotiation.refused() learns nothing from an answer that repeats the list", () => {
  const negotiation = new TopicNegotiation(FOUR);
  assertEquals(
    negotiation.refused(`bad request: topics=${FOUR.join()}`),
    "retry",
  );
  assertEquals(negotiation.request.topics, ["head", "chain_reorg", "block"]);
  assertEquals(
    negotiation.refused(`bad request: topics=head,chain_reorg,block`),
    "probe",
  );
});

Deno.test("TopicNegotiation.probed() asks for what is taken alone, then with repeated keys", () => {
  const negotiation = new TopicNegotiation(FOUR);
  negotiation.refused("");
  assertEquals(negotiation.refused(""), "probe");
  assertEquals(negotiation.probed(new Set(["head", "block"])), "retry");
  assertEquals(negotiation.request, {
    topics: ["head", "block"],
    form: "joined",
  });
  assertEquals(negotiation.refused(""), "retry");
  assertEquals(negotiation.request, {
    topics: ["head", "block"],
    form: "repeated",
  });
  assertEquals(negotiation.refused(""), "exhausted");
  assertEquals(negotiation.request, { topics: FOUR, form: "joined" });
});

Deno.test("TopicNegotiation.probed() takes a list of which each topic is fine for the problem", () => {
  const negotiation = new TopicNegotiation(FOUR);
  negotiation.refused("");
  negotiation.refused("");
  negotiation.probed(new Set(FOUR));
  assertEquals(negotiation.request, { topics: FOUR, form: "repeated" });
});

Deno.test("TopicNegotiation.probed() lets head_v2 stand in for head, and the other way", () => {
  for (
    const [wanted, other] of [["head", "head_v2"], ["head_v2", "head"]] as const
  ) {
    const negotiation = new TopicNegotiation([wanted, "block"]);
    negotiation.refused("");
    assertEquals(negotiation.candidates.includes(other), true);
    negotiation.probed(new Set([other, "block"]));
    assertEquals(negotiation.request.topics, [other, "block"]);
  }
});

Deno.test("TopicNegotiation.unanswered() tries repeated keys and then commas again", () => {
  const negotiation = new TopicNegotiation(["head", "block"]);
  negotiation.unanswered();
  assertEquals(negotiation.request.form, "repeated");
  negotiation.unanswered();
  assertEquals(negotiation.request.form, "joined");
});

/** A node that takes some topics, and refuses a list with any other one in its own way. */
function picky(
  known: string[],
  refuse: (unknown: string[]) => Response,
): ScriptedNode {
  return new ScriptedNode({
    events(request) {
      const asked = new URL(request.url).searchParams.getAll("topics").flatMap((
        t,
      ) => t.split(","));
      const unknown = asked.filter((topic) => !known.includes(topic));
      return unknown.length > 0
        ? refuse(unknown)
        : openStream(frame("head", head(100)));
    },
  });
}

Deno.test("SseListener() gets three topics of four from a node that knows three, and says so", async () => {
  const known = ["head", "chain_reorg", "block"];
  await using node = picky(
    known,
    ([unknown]) =>
      Response.json({ code: 400, message: `Invalid topic: ${unknown}` }, {
        status: 400,
      }),
  );
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  const statuses = listener.status();
  assertEquals((await take(listener.events(), 1)).map(brief), ["head 100"]);
  const { topics, missing } = await nextStatus(statuses, "topics");
  assertEquals([topics, missing], [known, ["block_gossip"]]);
  assertEquals(listener.nodes[0]!.topics, known);
  assertEquals(listener.nodes[0]!.missingTopics, ["block_gossip"]);
  assertEquals(listener.nodes[0]!.reconnects, 0);
  const metrics = await listener.registry.metrics();
  const active = (topic: string) =>
    sample(metrics, "app_beacon_node_sse_topic_active", {
      addr: node.url,
      topic,
    });
  assertEquals([active("head"), active("block_gossip")], [1, 0]);
});

Deno.test("SseListener() finds the refused topics one by one where a 400 does not name them", async () => {
  await using node = picky(
    ["chain_reorg", "head"],
    () => new Response("no", { status: 400 }),
  );
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  assertEquals((await take(listener.events(), 1)).map(brief), ["head 100"]);
  assertEquals(listener.nodes[0]!.topics, ["head", "chain_reorg"]);
});

Deno.test("SseListener() takes streams that end at once for a refusal", async () => {
  await using node = picky(["head", "block"], () => endedStream());
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  assertEquals((await take(listener.events(), 1)).map(brief), ["head 100"]);
  assertEquals(listener.nodes[0]!.topics, ["head", "block"]);
});

Deno.test("SseListener() repeats the key for a node that refuses every list with commas", async () => {
  await using node = new ScriptedNode({
    events: (request) =>
      new URL(request.url).search.includes(",")
        ? new Response(null, { status: 400 })
        : openStream(frame("head", head(100))),
  });
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
  });
  assertEquals((await take(listener.events(), 1)).map(brief), ["head 100"]);
  assertEquals(
    new URL(node.requests.at(-1)!.url).searchParams.getAll("topics"),
    FOUR,
  );
});

Deno.test("SseListener() repeats the key for a node that never answers a list with commas", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using node = new ScriptedNode({
    events: (request) =>
      new URL(request.url).search.includes(",")
        ? never
        : openStream(frame("head", head(100))),
  });
  await using listener = await SseListener.start({
    ...HASTY,
    idleTimeoutMs: 100,
    nodes: [node.url],
  });
  assertEquals((await take(listener.events(), 1)).map(brief), ["head 100"]);
  assertEquals(listener.nodes[0]!.missingTopics, []);
  resolve(new Response());
});

Deno.test("SseListener() delivers heads as head where a node does not know head_v2", async () => {
  await using node = picky(
    ["head"],
    ([unknown]) => new Response(`Invalid topic: ${unknown}`, { status: 400 }),
  );
  await using listener = await SseListener.start({
    ...HASTY,
    nodes: [node.url],
    topics: ["head_v2"],
  });
  const [event] = await take(listener.events({ topics: ["head_v2"] }), 1);
  assertEquals(event!.topic, "head");
  assertEquals(listener.nodes[0]!.topics, ["head"]);
});

Deno.test("SseListener() waits at the cap for a node that refuses every topic", async () => {
  await using node = picky([], () => new Response(null, { status: 400 }));
  await using listener = await SseListener.start({
    ...HASTY,
    random: () => 0.5,
    nodes: [node.url],
  });
  const { reason, retryInMs } = await nextStatus(
    listener.status(),
    "disconnected",
  );
  assertEquals([reason, retryInMs], ["status", 15_000]);
  assertEquals(listener.nodes[0]!.topics, FOUR);
});

Deno.test("SseListener() asks again for a refused topic after an hour", async () => {
  const known = ["head", "chain_reorg", "block"];
  await using node = picky(
    known,
    ([unknown]) => new Response(`Invalid topic: ${unknown}`, { status: 400 }),
  );
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await using listener = await SseListener.start({
      ...HASTY,
      idleTimeoutMs: 36_000_000,
      nodes: [node.url],
    });
    const statuses = listener.status()[Symbol.asyncIterator]();
    const next = async (type: string) => {
      for (;;) {
        const { value } = await statuses.next();
        if (value!.type === type) return value!;
      }
    };
    await next("connected");
    known.push("block_gossip");
    mock.timers.tick(3_599_000);
    assertEquals(listener.nodes[0]!.missingTopics, ["block_gossip"]);
    mock.timers.tick(1000);
    // The probe's own patience is a timer as well, but the answer comes before it.
    await next("disconnected");
    mock.timers.tick(1000);
    await next("connected");
    assertEquals(listener.nodes[0]!.topics, [
      ...known.slice(0, 3),
      "block_gossip",
    ]);
    assertEquals(listener.nodes[0]!.missingTopics, []);
  } finally {
    mock.timers.reset();
  }
});
