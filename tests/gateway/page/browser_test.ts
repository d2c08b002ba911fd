import { assert, assertEquals } from "@std/assert";
import { SseListener } from "@org/beacon-sse";
import { createGateway } from "@org/beacon-sse/gateway";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { Browser, NEEDS_CHROMIUM, type PageOptions } from "./browser.ts";

/** Nodes of one chain, a listener, a gateway and a page that shows it. */
class Stage implements AsyncDisposable {
  readonly nodes: SimulatedBeaconNode[];
  readonly listener: SseListener;
  readonly browser: Browser;
  port = 0;
  #gateway!: ReturnType<typeof createGateway>;
  #server!: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    nodes: SimulatedBeaconNode[],
    listener: SseListener,
    browser: Browser,
  ) {
    this.nodes = nodes;
    this.listener = listener;
    this.browser = browser;
  }

  static async start(
    options: PageOptions & { names?: string[]; slotDurationMs?: number } = {},
  ): Promise<Stage> {
    const { names = ["alpha", "beta"], slotDurationMs = 60_000, ...page } =
      options;
    const nodes = await Promise.all(
      names.map(() =>
        SimulatedBeaconNode.start({ autoplay: false, slotDurationMs, seed: 3 })
      ),
    );
    const listener = await SseListener.start({
      nodes: nodes.map(({ url }, index) => ({ url, name: names[index]! })),
      config: {
        genesisTime: nodes[0]!.genesisTime,
        slotDurationMs,
        slotsPerEpoch: nodes[0]!.slotsPerEpoch,
      },
    });
    const stage = new Stage(nodes, listener, await Browser.start(page));
    stage.serve();
    await Promise.all(nodes.map((node) => node.whenConnected()));
    await stage.browser.goto(`http://127.0.0.1:${stage.port}/`);
    await stage.browser.waitFor("document.querySelector('[data-slot]')");
    return stage;
  }

  serve(): void {
    this.#gateway = createGateway(this.listener);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: this.port, onListen() {} },
      this.#gateway.fetch,
    );
    this.port = this.#server.addr.port;
  }

  async stopServing(): Promise<void> {
    await this.#gateway.close();
    await this.#server.shutdown();
  }

  /** A block on every node. */
  async produce(): Promise<{ slot: number; root: string }> {
    const [block] = await Promise.all(
      this.nodes.map((node) => node.produceBlock()),
    );
    return block!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.browser[Symbol.asyncDispose]();
    await this.stopServing();
    await this.listener.close();
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}

/** The texts of the raw tail, the newest first. */
const TAIL = `[...document.querySelectorAll("#tail li")].map((row) => [
  row.dataset.topic, JSON.parse(row.querySelector("code").textContent).block ?? ""])`;

function kindOf(slot: number): string {
  return `document.querySelector('[data-slot="${slot}"]')?.dataset.kind`;
}

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `the page ${name}`, ...NEEDS_CHROMIUM, fn: run });
}

test("shows what the nodes report: head, slot, raw events, and a mark for each node", async () => {
  await using stage = await Stage.start();
  const block = await stage.produce();
  const { browser } = stage;
  await browser.waitFor(
    `document.getElementById("now-head").textContent === "${block.slot}"`,
  );
  assertEquals(
    await browser.evaluate("document.getElementById('now-nodes').textContent"),
    "2 of 2",
  );
  assertEquals(await browser.evaluate(`(${TAIL}).slice(0, 3)`), [
    ["head", block.root],
    ["block", block.root],
    ["block_gossip", block.root],
  ]);
  assertEquals(
    await browser.evaluate(
      "[...document.querySelectorAll('.node')].map((node) => node.dataset.node)",
    ),
    ["alpha", "beta"],
  );
  await browser.click(`[data-slot="${block.slot}"]`);
  await browser.waitFor(
    "document.querySelectorAll('#slot-line .mark.head').length === 3",
  );
  assert(
    await browser.evaluate<string>(
      "document.querySelector('#details .root').textContent",
    ) === block.root,
  );
});

test("marks a slot that was missed and one that a reorg left, and reports the reorg aloud", async () => {
  await using stage = await Stage.start({
    names: ["alpha"],
    slotDurationMs: 1000,
  });
  const [node] = stage.nodes;
  const { browser } = stage;
  const first = await node!.produceBlock();
  await node!.produceBlock({ slot: first.slot + 2 });
  const left = await node!.produceBlock({ slot: first.slot + 3 });
  await browser.waitFor(
    `${kindOf(first.slot)} !== undefined && ${kindOf(left.slot)} !== undefined`,
  );
  await browser.waitFor(
    `document.getElementById("now-head").textContent === "${left.slot}"`,
  );
  // It is read aloud only if it happens while the page is open.
  await browser.waitFor(
    "new Promise((resolve) => setTimeout(resolve, 2100, true))",
  );
  const { newHead } = node!.reorg({ depth: 1 });
  await browser.waitFor(`document.querySelector("#changes .reorg")`);
  await browser.waitFor(
    `document.getElementById("live").textContent.includes("reorganised")`,
  );
  await browser.waitFor(
    `(${TAIL}).some(([, root]) => root === "${newHead.root}")`,
  );
  await browser.waitFor(`${kindOf(first.slot + 1)} === "missed"`);
});

test("repeats and misses nothing when the gateway restarts in mid-stream", async () => {
  await using stage = await Stage.start({ names: ["alpha"] });
  const { browser } = stage;
  const blocks = [await stage.produce()];
  await browser.waitFor(`(${TAIL}).length >= 3`);
  await stage.stopServing();
  await browser.waitFor("!document.getElementById('banner').hidden");
  blocks.push(await stage.produce());
  stage.serve();
  await browser.waitFor(
    `(${TAIL}).some(([, root]) => root === "${blocks[1]!.root}")`,
  );
  blocks.push(await stage.produce());
  await browser.waitFor(
    `(${TAIL})[0][1] === "${blocks[2]!.root}" && (${TAIL})[0][0] === "head"`,
  );
  const heads = await browser.evaluate<string[][]>(
    `(${TAIL}).filter(([topic]) => topic === "head")`,
  );
  const ours = heads.map(([, root]) => root).filter((root) =>
    blocks.some((block) => block.root === root)
  );
  assertEquals(ours, blocks.map(({ root }) => root).reverse());
});

test("keeps each event that was found in headers when the next one comes", async () => {
  await using stage = await Stage.start({ names: ["alpha"] });
  const { browser } = stage;
  const blocks =
    `(${TAIL}).filter(([topic]) => topic === "block").map(([, root]) => root)`;
  // Those of the epochs before the gateway was there have no position in its stream.
  const found = await browser.waitFor<string[]>(
    `${blocks}.length >= 3 && ${blocks}`,
  );
  const { root } = await stage.produce();
  await browser.waitFor(`${blocks}[0] === "${root}"`);
  assertEquals(await browser.evaluate(blocks), [root, ...found]);
});

test("pauses, steps back over the ring, and goes on live", async () => {
  await using stage = await Stage.start({ names: ["alpha"] });
  const { browser } = stage;
  const first = await stage.produce();
  await browser.waitFor(
    `document.getElementById("now-head").textContent === "${first.slot}"`,
  );
  await browser.click("#pause");
  const second = await stage.produce();
  await browser.waitFor(
    "document.getElementById('banner').textContent.startsWith('Paused at event')",
  );
  assertEquals(
    await browser.evaluate("document.getElementById('now-head').textContent"),
    String(first.slot),
  );
  await browser.click("#pause");
  await browser.waitFor(
    `document.getElementById("now-head").textContent === "${second.slot}"`,
  );
});

test("selects slots by keyboard, and has a link to the selected one", async () => {
  await using stage = await Stage.start({ names: ["alpha"] });
  const { browser } = stage;
  const { slot } = await stage.produce();
  await browser.waitFor(
    `${kindOf(slot)} === "early" || ${kindOf(slot)} === "late"`,
  );
  await browser.evaluate(
    `document.querySelector('[data-slot="${slot}"]').focus()`,
  );
  await browser.press("ArrowLeft");
  assertEquals(
    await browser.evaluate("document.activeElement.dataset.slot"),
    String(slot - 1),
  );
  await browser.press("ArrowRight");
  await browser.press("Enter");
  await browser.waitFor("!document.getElementById('details').hidden");
  assertEquals(await browser.evaluate("location.hash"), `#slot=${slot}`);
  await browser.press("Escape");
  await browser.waitFor("document.getElementById('details').hidden");
  await browser.goto(`http://127.0.0.1:${stage.port}/#slot=${slot}`);
  await browser.waitFor(
    `document.querySelector("#details h3")?.textContent === "Slot ${slot}"`,
  );
});

test("shows what a node sends as text, never as markup, and requests nothing elsewhere", async () => {
  const hostile = "<img src=x onerror='window.hacked=1'>";
  await using stage = await Stage.start({ names: [hostile] });
  const { browser } = stage;
  const [node] = stage.nodes;
  await stage.produce();
  node!.emit(
    "block",
    `{"slot":"${
      node!.head.slot
    }","block":"</code><script>window.hacked=1</script>","execution_optimistic":false}`,
  );
  node!.emit(
    "chain_reorg",
    JSON.stringify({ ...reorgOf(node!), note: hostile }),
  );
  await browser.waitFor("document.querySelector('#changes .reorg')");
  assertEquals(
    await browser.evaluate(
      "document.querySelectorAll('main img, main script').length",
    ),
    0,
  );
  assertEquals(await browser.evaluate("typeof window.hacked"), "undefined");
  assertEquals(
    await browser.evaluate("document.querySelector('.node .name').textContent"),
    hostile,
  );
  const { errors, requests } = await browser.log();
  assertEquals(errors, []);
  const origin = `http://127.0.0.1:${stage.port}/`;
  assertEquals(
    requests.filter((url) =>
      !url.startsWith(origin) && !url.startsWith("data:")
    ),
    [],
  );
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 800, 1400]) {
    test(`has nothing that axe finds and nothing that is cut off, ${colorScheme}, ${width} pixels wide`, async () => {
      await using stage = await Stage.start({
        names: ["alpha", "http://beta.example:5052"],
        colorScheme,
        reducedMotion: "reduce",
        viewport: { width, height: 1000 },
      });
      const { browser } = stage;
      const { slot } = await stage.produce();
      await browser.click(`[data-slot="${slot}"]`);
      await browser.waitFor("!document.getElementById('details').hidden");
      assertEquals(
        await browser.evaluate("document.documentElement.scrollWidth"),
        width,
      );
      assertEquals(await browser.violations(), []);
    });
  }
}

/** A reorg of one block, as its payload. */
function reorgOf(node: SimulatedBeaconNode) {
  return {
    slot: String(node.head.slot),
    depth: "1",
    old_head_block: node.head.root,
    new_head_block: `0x${"ab".repeat(32)}`,
    old_head_state: node.head.stateRoot,
    new_head_state: `0x${"cd".repeat(32)}`,
    epoch: String(Math.floor(node.head.slot / node.slotsPerEpoch)),
    execution_optimistic: false,
  };
}
