import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { mock } from "node:test";
import { SseListener, type SseListenerOptions } from "@org/beacon-sse";
import { BeaconHttpError } from "../../../src/beacon/http/errors.ts";
import type { ConnectionEnd } from "../../../src/listener/connection/connection_end.ts";
import { TopicNegotiation } from "../../../src/listener/connection/topic_negotiation.ts";
import {
  brief,
  briefs,
  configAtSlot,
  listen,
  nextStatus,
  take,
} from "../helpers.ts";
import { sample } from "../../prometheus_samples.ts";
import {
  brokenStream,
  endedStream,
  Feed,
  frame,
  head,
  headV2,
  nodeSending,
  openStream,
  ScriptedNode,
} from "../scripted_node.ts";

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

Deno.test("TopicNegotiation.refused() distinguishes head_v2 from head, and block_gossip from block", () => {
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

Deno.test("TopicNegotiation.probed() requests what is accepted alone, then with repeated keys", () => {
  const negotiation = new TopicNegotiation(FOUR);
  negotiation.refused("");
  assertEquals(negotiation.refused(""), "probe");
  assertEquals(probed(negotiation, ["head", "block"]), "retry");
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

Deno.test("TopicNegotiation.probed() repeats the keys where each topic alone is accepted and the list is not", () => {
  const negotiation = new TopicNegotiation(FOUR);
  negotiation.refused("");
  negotiation.refused("");
  probed(negotiation, FOUR);
  assertEquals(negotiation.request, { topics: FOUR, form: "repeated" });
});

Deno.test("TopicNegotiation.probed() lets head_v2 stand in for head, and the other way", () => {
  for (
    const [wanted, other] of [["head", "head_v2"], ["head_v2", "head"]] as const
  ) {
    const negotiation = new TopicNegotiation([wanted, "block"]);
    negotiation.refused("");
    assertEquals(negotiation.candidates.includes(other), true);
    probed(negotiation, [other, "block"]);
    assertEquals(negotiation.request.topics, [other, "block"]);
  }
});

Deno.test("TopicNegotiation.refused() comes to an end where head and head_v2 are both wanted and refused", () => {
  const negotiation = new TopicNegotiation(["head", "head_v2", "block"]);
  const steps: string[] = [];
  for (let step = ""; step !== "exhausted" && steps.length < 20;) {
    step = negotiation.refused(
      `Invalid topic: ${negotiation.request.topics[0]}`,
    );
    steps.push(`${negotiation.request.topics}`);
  }
  assertEquals(steps, ["head_v2,block", "block", "head,head_v2,block"]);
});

Deno.test("TopicNegotiation.refused() does not read a list of what a node knows as what it refuses", () => {
  const negotiation = new TopicNegotiation([
    "head",
    "block",
    "single_attestation",
  ]);
  const message =
    "unknown variant `single_attestation`, expected one of `attestation`, `block`, `head`";
  assertEquals(negotiation.refused(message), "probe");
  probed(negotiation, ["head", "block"]);
  assertEquals(negotiation.request, {
    topics: ["head", "block"],
    form: "joined",
  });
});

Deno.test("TopicNegotiation.probed() keeps a topic of which the node revealed nothing", () => {
  const negotiation = new TopicNegotiation(FOUR);
  assertEquals(
    negotiation.probed({
      taken: new Set(["head"]),
      refused: new Set(["block_gossip"]),
    }),
    "retry",
  );
  assertEquals(negotiation.request, {
    topics: ["head", "chain_reorg", "block"],
    form: "joined",
  });
  const nothing = { taken: new Set<string>(), refused: new Set<string>() };
  assertEquals(negotiation.probed(nothing), "exhausted");
});

Deno.test("TopicNegotiation.request has heads in any case, which are missing only where they are wanted", () => {
  const negotiation = new TopicNegotiation(["block"]);
  assertEquals(negotiation.request.topics, ["block", "head"]);
  negotiation.refused("Invalid topic: head");
  assertEquals(negotiation.request.topics, ["block", "head_v2"]);
  negotiation.refused("Invalid topic: head_v2");
  assertEquals(negotiation.request.topics, ["block"]);
  assertEquals(negotiation.missing, []);
});

Deno.test("TopicNegotiation.otherRequest names what every node knows first, and heads behind it", () => {
  const orders = [
    ["block_gossip", "head", "block"],
    ["head", "chain_reorg"],
    ["block_gossip"],
    FOUR,
  ].map((topics) => new TopicNegotiation(topics).otherRequest.topics);
  assertEquals(orders, [
    ["head", "block", "block_gossip"],
    ["chain_reorg", "head"],
    ["head", "block_gossip"],
    FOUR,
  ]);
});

Deno.test("TopicNegotiation.prove() keeps a form until the node refuses it", () => {
  const negotiation = new TopicNegotiation(FOUR);
  assertEquals(negotiation.isFormOpen, true);
  negotiation.prove("repeated");
  negotiation.unanswered();
  negotiation.restart();
  assertEquals(negotiation.isFormOpen, false);
  assertEquals(negotiation.request.form, "repeated");
  negotiation.refused("");
  assertEquals(negotiation.isFormOpen, true);
});

Deno.test("TopicNegotiation.unanswered() calls for probes in the first of eight rounds", () => {
  const negotiation = new TopicNegotiation(FOUR);
  const steps = Array.from({ length: 9 }, () => negotiation.unanswered());
  assertEquals(steps, ["probe", ...Array(7).fill("wait"), "probe"]);
});

Deno.test("TopicNegotiation.probedInPairs() leaves out what a silent node does not know", () => {
  const negotiation = new TopicNegotiation(FOUR);
  const nothing = { taken: new Set<string>(), refused: new Set<string>() };
  assertEquals(negotiation.probedInPairs(nothing), "wait");
  assertEquals(negotiation.isSilent, false);
  const taken = new Set(["head", "block", "chain_reorg"]);
  const refused = new Set(["block_gossip"]);
  assertEquals(negotiation.probedInPairs({ taken, refused }), "retry");
  assertEquals(negotiation.request, {
    topics: ["head", "chain_reorg", "block"],
    form: "repeated",
  });
  assertEquals(negotiation.isSilent, true);
});

Deno.test("TopicNegotiation.recheckInMs is a minute for a topic that is newly missing, and then an hour", () => {
  let now = 0;
  const negotiation = new TopicNegotiation(FOUR, () => now);
  negotiation.after(refusal("Invalid topic: block_gossip"));
  assertEquals(negotiation.recheckInMs, 60_000);
  now = 60_000;
  assertEquals(negotiation.recheckInMs, 0);
  negotiation.rechecked();
  assertEquals(negotiation.recheckInMs, 3_600_000);
  negotiation.after(refusal("Invalid topic: block_gossip"));
  assertEquals(negotiation.recheckInMs, 3_600_000);
});

Deno.test("TopicNegotiation.forgetOldRefusals() requests everything again after an hour", () => {
  let now = 0;
  const negotiation = new TopicNegotiation(FOUR, () => now);
  negotiation.after(refusal("Invalid topic: block_gossip"));
  now = 3_599_999;
  negotiation.forgetOldRefusals();
  assertEquals(negotiation.missing, ["block_gossip"]);
  now = 3_600_000;
  negotiation.forgetOldRefusals();
  assertEquals(negotiation.missing, []);
});

/** A 400 with a body. */
function refusal(body: string): ConnectionEnd {
  const error = new BeaconHttpError("", { status: 400, url: "", body });
  return { kind: "refused", error, afterMs: 0 };
}

/** Tells that some of the topics are taken, and the others refused. */
function probed(negotiation: TopicNegotiation, taken: string[]): string {
  const refused = new Set(negotiation.candidates);
  for (const topic of taken) refused.delete(topic);
  return negotiation.probed({ taken: new Set(taken), refused });
}

/** A node that takes some topics, and refuses a list with any other one in its own way. */
function picky(
  known: string[],
  refuse: (unknown: string[]) => Response,
): ScriptedNode {
  return new ScriptedNode({
    events(request) {
      const requested = new URL(request.url).searchParams.getAll("topics")
        .flatMap((
          t,
        ) => t.split(","));
      const unknown = requested.filter((topic) => !known.includes(topic));
      return unknown.length > 0
        ? refuse(unknown)
        : openStream(frame("head", head(100)));
    },
  });
}

Deno.test("SseListener() gets three topics of four from a node that knows three, and reports the fourth", async () => {
  const known = ["head", "chain_reorg", "block"];
  await using node = picky(
    known,
    ([unknown]) =>
      Response.json({ code: 400, message: `Invalid topic: ${unknown}` }, {
        status: 400,
      }),
  );
  await using listener = await listen([node]);
  const statuses = listener.status();
  assertEquals(await briefs(listener.events(), 1), "head 100");
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
  await using listener = await listen([node]);
  assertEquals(await briefs(listener.events(), 1), "head 100");
  assertEquals(listener.nodes[0]!.topics, ["head", "chain_reorg"]);
});

/** Streams that end break off instead. */
const breakingFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  const { body, headers } = response;
  if (headers.get("content-type") !== "text/event-stream") return response;
  return new Response(
    body?.pipeThrough(
      new TransformStream({
        flush: (controller) => controller.error(new TypeError("broken")),
      }),
    ),
    { headers },
  );
};

for (
  const [manner, answer, options] of [
    ["streams that end at once", () => endedStream(), HASTY],
    [
      "streams that break off at once",
      () => endedStream(),
      { ...HASTY, fetch: breakingFetch },
    ],
    [
      "an empty answer of no content type",
      () => new Response(null),
      HASTY,
    ],
    [
      "an empty answer of another content type",
      () => new Response(""),
      HASTY,
    ],
  ] as const
) {
  Deno.test(`SseListener() counts ${manner} as a refusal`, async () => {
    await using node = picky(["head", "block"], answer);
    await using listener = await SseListener.start({
      ...options,
      nodes: [node.url],
    });
    assertEquals(await briefs(listener.events(), 1), "head 100");
    assertEquals(listener.nodes[0]!.topics, ["head", "block"]);
  });
}

for (
  const [manner, fail] of [
    ["ends its streams", () => endedStream()],
    ["ends its streams in an event", () => endedStream("event: head\ndata: {")],
    ["cuts its streams", () => brokenStream()],
    [
      "cuts its streams in an event",
      () => brokenStream("event: head\ndata: {"),
    ],
    ["refuses", () => new Response("no", { status: 400 })],
  ] as const
) {
  for (const times of [3, 6]) {
    Deno.test(`SseListener() leaves no topic out because a node ${manner} ${times} times`, async () => {
      await using node = new ScriptedNode({
        events: (_request, connection) =>
          connection < times ? fail() : openStream(frame("head", head(100))),
      });
      await using listener = await listen([node], {
        topics: ["head", "chain_reorg", "block"],
      });
      assertEquals(await briefs(listener.events(), 1), "head 100");
      assertEquals(listener.nodes[0]!.missingTopics, []);
    });
  }
}

Deno.test("SseListener() waits for a node that is slow to refuse", async () => {
  await using node = new ScriptedNode({
    async events(request) {
      if (!request.url.includes("chain_reorg")) {
        return openStream(frame("head", head(100)));
      }
      await delay(1600);
      return new Response("no", { status: 400 });
    },
  });
  await using listener = await listen([node], {
    topics: ["head", "chain_reorg"],
  });
  assertEquals(await briefs(listener.events(), 1), "head 100");
  assertEquals(listener.nodes[0]!.missingTopics, ["chain_reorg"]);
});

Deno.test("SseListener() requests each topic alone once of a node that ends every stream, and then only waits", async () => {
  await using node = new ScriptedNode({ events: () => endedStream() });
  await using listener = await listen([node]);
  const changes = await take(listener.status(), 12);
  assertEquals(
    changes.map(({ type }) => type),
    Array(6).fill(["connected", "disconnected"]).flat(),
  );
  const alone = node.requests.filter(({ url }) => !url.includes(","));
  assertEquals(alone.length, ["head_v2", ...FOUR].length);
});

Deno.test("SseListener() repeats the key for a node that refuses every list with commas", async () => {
  await using node = new ScriptedNode({
    events: (request) =>
      new URL(request.url).search.includes(",")
        ? new Response(null, { status: 400 })
        : openStream(frame("head", head(100))),
  });
  await using listener = await listen([node]);
  assertEquals(await briefs(listener.events(), 1), "head 100");
  assertEquals(
    new URL(node.requests.at(-1)!.url).searchParams.getAll("topics"),
    FOUR,
  );
});

Deno.test("SseListener() sends a bounded number of requests to a node that refuses head and head_v2", async () => {
  await using node = new ScriptedNode({
    events: (request) => {
      const [first] = new URL(request.url).searchParams.get("topics")!
        .split(",");
      return new Response(`Invalid topic: ${first}`, { status: 400 });
    },
  });
  await using listener = await listen([node], { topics: ["head", "head_v2"] });
  assertEquals(
    (await nextStatus(listener.status(), "disconnected")).reason,
    "status",
  );
  assertEquals(node.requests.length, 2);
});

Deno.test("SseListener() leaves no topic out because the node is busy", async () => {
  await using node = new ScriptedNode({
    events(request) {
      const topics = new URL(request.url).searchParams.get("topics")!
        .split(",");
      if (topics.includes("block_gossip")) {
        return new Response("no", { status: 400 });
      }
      if (topics.includes("block")) {
        return new Response("no", { status: topics.length > 1 ? 400 : 503 });
      }
      return openStream(frame("head", head(100)));
    },
  });
  await using listener = await listen([node]);
  await take(listener.events(), 1);
  assertEquals(listener.nodes[0]!.missingTopics.includes("block"), false);
});

Deno.test("SseListener() delivers head_v2 as it is and as head where both are wanted and head is refused", async () => {
  await using node = new ScriptedNode({
    events(request) {
      const topics = new URL(request.url).searchParams.get("topics")!
        .split(",");
      return topics.includes("head")
        ? new Response("Invalid topic: head", { status: 400 })
        : openStream(frame("head_v2", headV2(100)));
    },
  });
  await using listener = await listen([node], { topics: ["head", "head_v2"] });
  assertEquals(await briefs(listener.events(), 2), "head_v2 100, head 100");
});

Deno.test("SseListener() delivers heads as head where a node does not know head_v2", async () => {
  await using node = picky(
    ["head"],
    ([unknown]) => new Response(`Invalid topic: ${unknown}`, { status: 400 }),
  );
  await using listener = await listen([node], { topics: ["head_v2"] });
  const [event] = await take(listener.events({ topics: ["head_v2"] }), 1);
  assertEquals(event!.topic, "head");
  assertEquals(listener.nodes[0]!.topics, ["head"]);
});

Deno.test("SseListener() waits at the cap for a node that refuses every topic", async () => {
  await using node = picky([], () => new Response(null, { status: 400 }));
  await using listener = await listen([node], { random: () => 0.5 });
  const { reason, retryInMs } = await nextStatus(
    listener.status(),
    "disconnected",
  );
  assertEquals([reason, retryInMs], ["status", 15_000]);
  assertEquals(listener.nodes[0]!.topics, FOUR);
});

Deno.test("SseListener() requests a refused topic again after an hour", async () => {
  const known = ["head", "chain_reorg", "block"];
  await using node = picky(
    known,
    ([unknown]) => new Response(`Invalid topic: ${unknown}`, { status: 400 }),
  );
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    await using listener = await listen([node], { idleTimeoutMs: 36_000_000 });
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
    // From here on time passes by itself, ten times as fast as it does.
    const passing = setInterval(() => mock.timers.tick(100), 10);
    await next("disconnected");
    await next("connected");
    clearInterval(passing);
    assertEquals(listener.nodes[0]!.topics, [
      ...known.slice(0, 3),
      "block_gossip",
    ]);
    assertEquals(listener.nodes[0]!.missingTopics, []);
  } finally {
    mock.timers.reset();
  }
});

Deno.test("SseListener() finds the topic that a node answers with silence, in either form", async () => {
  const never = new Promise<Response>(() => {});
  const feeds = setInterval(() => {}, 1000);
  const known = ["head", "block", "chain_reorg"];
  await using node = new ScriptedNode({
    events(request) {
      const keys = new URL(request.url).searchParams.getAll("topics");
      // Stops at the first topic that it does not know, and a list with commas is none.
      return keys.every((topic) => known.includes(topic))
        ? openStream(frame("head", head(100)), frame("block", head(100)))
        : never;
    },
  });
  await using listener = await listen([node], {
    config: configAtSlot(100, 300),
    topics: ["block_gossip", "head", "block"],
  });
  const events = await take(listener.events(), 2);
  clearInterval(feeds);
  assertEquals(events.map(brief), ["head 100", "block 100"]);
  assertEquals(listener.nodes[0]!.topics, ["head", "block"]);
  assertEquals(listener.nodes[0]!.missingTopics, ["block_gossip"]);
  assertEquals(listener.nodes[0]!.topicForm, "repeated");
});

for (
  const [source, timing] of [
    ["of a given length", { config: configAtSlot(100, 200) }],
    ["of the length that the node reports meanwhile", {}],
  ] as const
) {
  Deno.test(`SseListener() requests the other form where no headers come within a slot ${source}, and leaves the first`, async () => {
    const { promise: never, resolve } = Promise.withResolvers<Response>();
    const forms: boolean[] = [];
    await using node = new ScriptedNode({
      genesisTime: Math.floor(Date.now() / 1000) - 20,
      spec: { SLOT_DURATION_MS: "200" },
      events(request) {
        const isJoined = request.url.includes(",");
        forms.push(isJoined);
        return isJoined
          ? never
          : openStream(frame("head", head(100)), frame("block", head(100)));
      },
    });
    await using listener = await SseListener.start({
      ...timing,
      random: () => 0,
      nodes: [node.url],
    });
    const statuses = listener.status();
    await take(listener.events(), 2);
    assertEquals((await nextStatus(statuses, "topics")).form, "repeated");
    assertEquals(forms, [true, false]);
    assertEquals(listener.nodes[0]!.topicForm, "repeated");
    assertEquals(listener.nodes[0]!.missingTopics, []);
    assertEquals(listener.nodes[0]!.reconnects, 0);
    resolve(new Response());
  });
}

Deno.test("SseListener() counts the events over the cap of the form that is kept, though the other one opened first", async () => {
  const joined = Promise.withResolvers<Response>();
  await using node = new ScriptedNode({
    events: (request) =>
      request.url.includes(",") ? joined.promise : openStream(),
  });
  await using listener = await listen([node], {
    config: configAtSlot(100, 200),
    maxEventBytes: 1024,
  });
  const events = listener.events();
  await nextStatus(listener.status(), "connected");
  joined.resolve(
    openStream(`data: ${"x".repeat(2000)}\n\n`, frame("head", head(100))),
  );
  await take(events, 1);
  assertEquals(
    sample(
      await listener.registry.metrics(),
      "app_beacon_node_sse_oversize_total",
      { addr: node.url },
    ),
    1,
  );
});

Deno.test("SseListener() uses the form that a node has proven though a later stream is silent", async () => {
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  const forms: boolean[] = [];
  const isSeventh = Promise.withResolvers<void>();
  await using node = new ScriptedNode({
    events(request) {
      const isJoined = request.url.includes(",");
      forms.push(isJoined);
      if (forms.length === 5) isSeventh.resolve();
      // The first one in repeated keys has events, later ones have no headers.
      return forms.length === 2
        ? openStream(frame("head", head(100)), frame("block", head(100)))
        : never;
    },
  });
  await using _listener = await listen([node], { idleTimeoutMs: 100 });
  await isSeventh.promise;
  assertEquals(forms.slice(0, 5), [true, false, false, false, false]);
  resolve(new Response());
});

Deno.test("SseListener() probes at most four topics at once, and leaves no probe behind", async () => {
  const topics = [
    "head",
    "block",
    "voluntary_exit",
    "finalized_checkpoint",
    "chain_reorg",
    "contribution_and_proof",
    "attester_slashing",
    "proposer_slashing",
  ];
  let open = 0;
  let most = 0;
  await using node = new ScriptedNode({
    events(request) {
      const isList = request.url.includes(",");
      if (isList && request.url.includes("_slashing")) {
        return new Response("no", { status: 400 });
      }
      if (open >= 4) return new Response("too many", { status: 429 });
      most = Math.max(most, ++open);
      if (request.url.includes("_slashing")) {
        open--;
        return new Response("no", { status: 400 });
      }
      const feed = new Feed();
      feed.left.then(() => open--);
      return feed.open(frame("head", head(100)));
    },
  });
  await using listener = await listen([node], { topics });
  await nextStatus(listener.status(), "connected");
  assertEquals(open, 1);
  assertEquals(most, 4);
  assertEquals(listener.nodes[0]!.topics, topics.slice(0, 6));
});

Deno.test("SseListener() delivers nothing of the heads that it requests as a heartbeat", async () => {
  await using node = nodeSending(
    frame("head", head(100)),
    frame("block", head(99)),
  );
  await using listener = await listen([node], { topics: ["block"] });
  assertEquals(await briefs(listener.events(), 1), "block 99");
  assertEquals(listener.nodes[0]!.headSlot, 100);
  assertEquals(
    new URL(node.requests[0]!.url).searchParams.get("topics"),
    "block,head",
  );
});

Deno.test("SseListener() finds the refused topic of a node that allows one connection, and sees its end late", async () => {
  let isOpen = false;
  const closing: Promise<void>[] = [];
  {
    await using node = new ScriptedNode({
      events(request) {
        if (isOpen) return new Response("too many", { status: 503 });
        if (/block_gossip|fast_confirmation/.test(request.url)) {
          return new Response("no", { status: 400 });
        }
        isOpen = true;
        const feed = new Feed();
        closing.push(
          feed.left.then(() => delay(60)).then(() => void (isOpen = false)),
        );
        return feed.open(frame("head", head(100)));
      },
    });
    await using listener = await listen([node], {
      topics: [...FOUR, "fast_confirmation"],
    });
    await take(listener.events(), 1);
    assertEquals(listener.nodes[0]!.missingTopics, [
      "block_gossip",
      "fast_confirmation",
    ]);
  }
  await Promise.all(closing);
});
