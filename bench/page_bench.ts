/**
 * From an event to its pixels: how long after a simulated node has sent a head the live page has
 * painted it, with three nodes, in Debian's Chromium. The first round has few events on the page, the
 * second one as many as it keeps.
 *
 * `deno run -A bench/page_bench.ts [--smoke]` prints a table in Markdown.
 */

// deno-lint-ignore-file no-console -- a script that prints

import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SseListener } from "@org/beacon-sse";
import { createGateway, toNodeListener } from "@org/beacon-sse/gateway";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { Browser, NEEDS_CHROMIUM } from "../tests/gateway/page/browser.ts";

const HEADS = Deno.args.includes("--smoke") ? 5 : 50;
/** More than the page keeps. */
const FILLING = Deno.args.includes("--smoke") ? 100 : 5000;
const SLOT_MS = 500;

/** In the page: when each head was painted. The task behind a frame runs once that frame is painted. */
const WATCH = `
  window.painted = {};
  const head = document.getElementById("now-head");
  new MutationObserver(() => {
    const slot = head.textContent;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => window.painted[slot] ??= Date.now();
      port2.postMessage(0);
    });
  }).observe(head, { childList: true, characterData: true, subtree: true });`;

async function main(): Promise<void> {
  if (NEEDS_CHROMIUM.ignore) return;
  await using stack = new AsyncDisposableStack();
  const options = { autoplay: false, slotDurationMs: SLOT_MS, seed: 3 };
  const first = stack.use(await SimulatedBeaconNode.start(options));
  const { genesisTime, slotsPerEpoch } = first;
  const nodes = [first];
  for (const _ of [1, 2]) {
    nodes.push(
      stack.use(await SimulatedBeaconNode.start({ ...options, genesisTime })),
    );
  }
  const listener = stack.use(
    await SseListener.start({
      nodes: nodes.map(({ url }) => url),
      config: { genesisTime, slotDurationMs: SLOT_MS, slotsPerEpoch },
    }),
  );
  const gateway = createGateway(listener);
  stack.defer(() => gateway.close());
  const server = createServer(toNodeListener(gateway)).listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  await Promise.all(nodes.map((node) => node.whenConnected()));
  const browser = stack.use(await Browser.start());
  const { port } = server.address() as AddressInfo;
  await browser.goto(`http://127.0.0.1:${port}/`);
  await browser.waitFor("document.querySelector('[data-slot]')");
  await browser.evaluate(WATCH);

  /** A head on all nodes, a fifth into the next slot. Returns its delay. */
  const headDelay = async () => {
    const slot = Math.floor((Date.now() - genesisTime) / SLOT_MS) + 1;
    const due = genesisTime + (slot + 0.2) * SLOT_MS;
    await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
    const at = Date.now();
    await Promise.all(nodes.map((node) => node.produceBlock({ slot })));
    return await browser.waitFor<number>(`window.painted[${slot}]`) - at;
  };
  console.log("| events on the page | p50 | p95 | most |");
  console.log("|---:|---:|---:|---:|");
  for (const filling of [0, FILLING]) {
    // Of blocks of the last epoch that gossip alone knows.
    for (let i = 0; i < filling; i++) {
      const slot = String(first.head.slot - 1 - i % 7);
      const block = `0x${i.toString(16).padStart(64, "0")}`;
      first.emit("block_gossip", JSON.stringify({ slot, block }));
      // The listener reads them meanwhile.
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await headDelay();
    const delays: number[] = [];
    for (let i = 0; i < HEADS; i++) delays.push(await headDelay());
    delays.sort((a, b) => a - b);
    const [p50, p95] = [0.5, 0.95].map((share) =>
      delays[Math.floor(delays.length * share)]
    );
    const events = await browser.evaluate(
      "document.getElementById('scrub').max",
    );
    console.log(`| ${events} | ${p50} ms | ${p95} ms | ${delays.at(-1)} ms |`);
  }
  console.log(`\nLoad of the machine: ${Deno.loadavg()[0]!.toFixed(1)}.`);
}

if (import.meta.main) await main();
