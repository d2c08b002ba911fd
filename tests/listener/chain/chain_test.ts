import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { SseListener, type SseListenerOptions } from "@org/beacon-sse";
import type { ChainConfig } from "../../../src/beacon/api/chain_config.ts";
import { NodeEndpoint } from "../../../src/beacon/http/endpoint.ts";
import { Chain } from "../../../src/listener/chain/chain.ts";
import { WrongChainError } from "../../../src/listener/chain/chain_errors.ts";
import { NodeState } from "../../../src/listener/node_state.ts";
import { nextStatus, take, until } from "../helpers.ts";
import {
  chainReorg,
  Feed,
  frame,
  head,
  root,
  ScriptedNode,
} from "../scripted_node.ts";

/** A chain with nodes `a`, `b`, ..., and all that it did. */
function chainOf(count: number, given?: ChainConfig) {
  const did: string[] = [];
  const nodes = new Map<string, NodeState>();
  for (const name of ["a", "b", "c", "d"].slice(0, count)) {
    const endpoint = new NodeEndpoint({ url: "http://node.test", name });
    nodes.set(name, new NodeState(endpoint, [], 0));
  }
  const chain = new Chain({
    nodes,
    config: given,
    reporter: {
      clockKnown: (node) => did.push(`known by ${node}`),
      chainChanged: (node, previous, root) =>
        did.push(`${previous.at(-1)} to ${root.at(-1)} by ${node}`),
    },
  });
  chain.follow({
    start: (clock) =>
      did.push(`clock ${clock.genesisTime} ${clock.slotDurationMs(0)}`),
    reset: () => did.push("reset"),
  });
  did.splice(0);
  const report = (name: string, changes: Partial<ChainConfig> = {}) => {
    const config = { ...CONFIG, ...changes };
    const genesis = {
      root: config.genesisValidatorsRoot,
      time: config.genesisTime,
    };
    const node = nodes.get(name)!;
    chain.report(node, { genesis, config, isAnswered: true });
    return did.splice(0);
  };
  const accepted = () =>
    [...nodes.values()].filter((node) => chain.accepts(node))
      .map(({ name }) => name).join("");
  return { chain, nodes, report, accepted, did };
}

const CONFIG = {
  genesisTime: 1000,
  slotDurationMs: 12_000,
  slotsPerEpoch: 32,
  genesisValidatorsRoot: root(0xa),
};
const B = { genesisValidatorsRoot: root(0xb) };

Deno.test("Chain.report() follows the chain that most nodes report, when more than half have answered", () => {
  const { report, accepted } = chainOf(3);
  assertEquals(report("a", B), []);
  assertEquals(report("b"), ["clock 1000 12000", "known by b"]);
  assertEquals(accepted(), "ac");
  assertEquals(report("c"), [
    "reset",
    "b to a by c",
    "clock 1000 12000",
    "known by c",
  ]);
  assertEquals(accepted(), "bc");
});

Deno.test("Chain.report() keeps the chain in force at a tie", () => {
  const { report, accepted } = chainOf(2);
  report("a");
  report("b");
  assertEquals(report("b", B), []);
  assertEquals(accepted(), "a");
  assertEquals(report("a", B), [
    "reset",
    "a to b by a",
    "clock 1000 12000",
    "known by a",
  ]);
});

Deno.test("Chain.report() takes chains of one root and two genesis times for two", () => {
  const { report, accepted, chain, nodes } = chainOf(3);
  report("a");
  report("b");
  report("c", { genesisTime: 5000 });
  assertEquals(accepted(), "ab");
  assertThrows(
    () => chain.check(nodes.get("c")!),
    WrongChainError,
    "its genesis is at 1970-01-01T00:00:05.000Z, that of the listener's chain at 1970-01-01T00:00:01.000Z",
  );
});

Deno.test("Chain.report() has a configured root decide alone", () => {
  const { report, accepted } = chainOf(3, {
    ...CONFIG,
    ...B,
  });
  report("a");
  report("b");
  assertEquals(report("c", { ...B, genesisTime: 999 }), []);
  assertEquals(accepted(), "c");
});

Deno.test("Chain.report() follows the timing that most nodes of the chain report", () => {
  const { report, chain, nodes } = chainOf(3);
  report("a", { slotDurationMs: 6000 });
  report("b");
  assertEquals(report("c"), [
    "reset",
    "a to a by c",
    "clock 1000 12000",
    "known by c",
  ]);
  assertEquals(chain.differences(nodes.get("a")!), [
    "slotDurationMs 6000 instead of 12000",
  ]);
});

Deno.test("Chain.report() corrects the clock and forgets nothing where only deadlines are others", () => {
  const { report, chain } = chainOf(1);
  report("a");
  assertEquals(report("a", { attestationDueBps: 2500 }), ["clock 1000 12000"]);
  assertEquals([chain.changes, chain.clock!.attestationDueMs(1)], [0, 3000]);
});

Deno.test("Chain.report() has no clock from a new genesis until its timing is known", () => {
  const { report, chain, nodes, did } = chainOf(1);
  report("a");
  chain.report(nodes.get("a")!, { genesis: { root: root(0xb), time: 7000 } });
  assertEquals(did.splice(0), ["reset", "a to b by a"]);
  assertEquals(chain.clock, undefined);
  assertEquals(report("a", { ...B, genesisTime: 7000 }), [
    "clock 7000 12000",
    "known by a",
  ]);
});

Deno.test("Chain.review() follows another chain when the nodes of the old one are removed", () => {
  const { report, chain, nodes, did } = chainOf(2);
  report("a");
  report("b");
  report("b", B);
  nodes.delete("a");
  chain.review("a");
  assertEquals(did[1], "a to b by a");
});

Deno.test("Chain.awaitDecision() decides by the reports there are when too few nodes answer", async () => {
  const { report, chain, did } = chainOf(3);
  report("a");
  await chain.awaitDecision("a", new AbortController().signal);
  assertEquals(did, ["clock 1000 12000", "known by a"]);
});

/** A node on a chain that a test may change, whose streams begin with these frames. */
function nodeOn(
  chain: { validatorsRoot: string; genesisTime: number },
  frames: () => string[],
): { url: string; restart: () => void } & AsyncDisposable {
  const feed = new Feed();
  const node = new ScriptedNode({
    events: () => feed.open(`:\n\n${frames().join("")}`),
    get validatorsRoot() {
      return chain.validatorsRoot;
    },
    get genesisTime() {
      return chain.genesisTime;
    },
  });
  return {
    url: node.url,
    restart: () => feed.end(),
    [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
  };
}

const nowSeconds = () => Math.floor(Date.now() / 1000);
const AT_ONCE = { random: () => 0 } satisfies Partial<SseListenerOptions>;

Deno.test("SseListener() follows two right nodes though a wrong one answers first", async () => {
  const [right, wrong] = [root(1), root(2)].map((validatorsRoot) => ({
    validatorsRoot,
    genesisTime: nowSeconds() - 1200,
  }));
  const heads = () => [frame("head", head(100))];
  await using a = nodeOn(wrong!, () => [frame("head", head(99))]);
  await using b = nodeOn(right!, heads);
  await using c = nodeOn(right!, heads);
  const requested = Promise.withResolvers<void>();
  // The right nodes answer when the wrong one has.
  const later: typeof fetch = async (input, init) => {
    const isWrong = `${input}`.startsWith(a.url);
    if (!isWrong && `${input}`.includes("/genesis")) await requested.promise;
    const response = await fetch(input, init);
    if (isWrong && `${input}`.includes("/spec")) requested.resolve();
    return response;
  };
  await using listener = await SseListener.start({
    ...AT_ONCE,
    fetch: later,
    nodes: [a, b, c].map(({ url }, index) => ({ url, name: "abc"[index]! })),
  });
  const events = listener.events();
  const wrongNode = await nextStatus(listener.status(), "wrong_chain");
  assertEquals(wrongNode.node, "a");
  assertEquals((await take(events, 1)).map(({ slot }) => slot), [100]);
  await until(() =>
    listener.nodes.every(({ state }) => state !== "connecting")
  );
  assertEquals(listener.nodes.map(({ state }) => state).sort(), [
    "connected",
    "connected",
    "wrong_chain",
  ]);
});

for (
  const [name, secondsAgo] of [["younger", 20], ["older", 50_000_000]] as const
) {
  Deno.test(`SseListener() follows its one node to a ${name} chain, and applies nothing of the old one to it`, async () => {
    const chain = {
      validatorsRoot: root(1),
      genesisTime: nowSeconds() - 1_000_000,
    };
    let slot = Math.floor(1_000_000 / 12);
    const frames = () => [
      frame(
        "head",
        head(slot, { current_duty_dependent_root: chain.validatorsRoot }),
      ),
      frame(
        "chain_reorg",
        chainReorg(slot, 1, {
          old_head_block: root(7),
          new_head_block: root(8),
        }),
      ),
    ];
    await using node = nodeOn(chain, frames);
    const log: string[] = [];
    await using listener = await SseListener.start({
      ...AT_ONCE,
      nodes: [node.url],
      log: ({ message }) => log.push(message),
    });
    const events = listener.events({ topics: ["head"] })
      [Symbol.asyncIterator]();
    const reorgs = listener.reorgs()[Symbol.asyncIterator]();
    const duties = listener.duties();
    const statuses = listener.status();
    await listener.ready;
    assertEquals((await events.next()).value!.slot, slot);
    assertEquals(
      (await reorgs.next()).value!.epoch,
      Math.floor((slot - 1) / 32),
    );
    Object.assign(chain, {
      validatorsRoot: root(2),
      genesisTime: nowSeconds() - secondsAgo,
    });
    slot = Math.floor(secondsAgo / 12);
    node.restart();
    const change = await nextStatus(statuses, "chain");
    assertEquals([change.previousRoot, change.root], [root(1), root(2)]);
    assertEquals((await events.next()).value!.slot, slot);
    assertEquals((await reorgs.next()).value!.slot, slot);
    assertEquals(listener.clock!.genesisTime, chain.genesisTime * 1000);
    const { headSlot, state } = listener.nodes[0]!;
    assertEquals([headSlot, state], [slot, "connected"]);
    assert(log.some((message) => message.includes("The chain has changed")));
    const metrics = await listener.registry.metrics();
    assertMatch(metrics, /head_delay_bucket\{.*le="12".*\} 2\n/);
    await listener.close();
    assertEquals(await Array.fromAsync(duties), []);
  });
}

Deno.test("SseListener() observes no delay before genesis", async () => {
  const chain = { validatorsRoot: root(1), genesisTime: nowSeconds() + 3600 };
  await using node = nodeOn(chain, () => [frame("head", head(0))]);
  await using listener = await SseListener.start({ nodes: [node.url] });
  const events = listener.events();
  await listener.ready;
  assertEquals((await take(events, 1)).map(({ slot }) => slot), [0]);
  const metrics = await listener.registry.metrics();
  assertStringIncludes(metrics, `sse_head_slot{addr="${node.url}"} 0`);
  assertEquals(
    /head_delay_count/.test(metrics.replaceAll(/^#.*$/gm, "")),
    false,
  );
});
