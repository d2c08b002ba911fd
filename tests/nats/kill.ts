/**
 * Kills (`kill -9`) two redundant listeners and the NATS server, one at a time, at random, and
 * compares what the node sent with what JetStream stored and what a reader consumed.
 *
 *     deno run -A tests/nats/kill.ts --for 5m --kills 20 --seed 7
 */

import { parseArgs } from "node:util";
import { SseDecoderStream } from "@org/beacon-sse/sse";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { eventIdentity } from "@org/beacon-sse";
import { fromJetStream } from "../../src/nats/mod.ts";
import { NatsServer } from "./nats_server.ts";

/** What {@linkcode runKills} counted. */
export interface KillCounts {
  /** Events that the node sent. */
  sent: number;
  /** Messages that the stream holds. */
  stored: number;
  /** Events that the reader took. */
  consumed: number;
  /** Consumed events that were consumed before. */
  duplicates: number;
  /** Sent events that were not consumed. */
  holes: number;
  /** How often each was killed. */
  kills: { listeners: number; server: number };
}

/** Options of {@linkcode runKills}. */
export interface KillOptions {
  /** How long it takes, in milliseconds. */
  forMs: number;
  /** How often each of the three is killed. */
  kills: number;
  /** Seed of the order and the moments. */
  seed: number;
  /** Length of a slot, in milliseconds. */
  slotDurationMs: number;
}

/** Runs, kills, counts. */
export async function runKills(options: KillOptions): Promise<KillCounts> {
  const { forMs, kills, seed, slotDurationMs } = options;
  const random = mulberry(seed);
  await using server = await NatsServer.start();
  await using node = await SimulatedBeaconNode.start({ slotDurationMs, seed });
  const ended = new AbortController();
  const sent = readDirectly(node.url, ended.signal);
  const listeners = [
    await startListener(node.url, server.url),
    await startListener(node.url, server.url),
  ];
  await using source = await fromJetStream({
    servers: server.url,
    durable: "kill",
    from: "all",
  });
  const consumed: string[] = [];
  const reading = (async () => {
    for await (const event of source.events()) {
      consumed.push(idOf(event.topic, event.raw));
    }
  })();
  const first = sent.since();
  const victims = shuffle(
    [0, 1, 2].flatMap((victim) => Array.from({ length: kills }, () => victim)),
    random,
  );
  const begun = performance.now();
  for (const [index, victim] of victims.entries()) {
    const at = begun + (forMs * (index + random())) / victims.length;
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(0, at - performance.now()))
    );
    if (victim === 2) {
      await server.kill();
      await new Promise((resolve) => setTimeout(resolve, random() * 1500));
      await server.start();
    } else {
      await listeners[victim]!.kill();
      listeners[victim] = await startListener(node.url, server.url);
    }
  }
  // What is under way arrives, then nothing new is sent.
  const wanted = sent.until();
  const expected = new Set(wanted.slice(first));
  const patience = performance.now() + 30_000;
  while (
    performance.now() < patience &&
    [...expected].some((id) => !consumed.includes(id))
  ) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const ids = consumed.filter((id) => expected.has(id));
  const counts = {
    sent: expected.size,
    stored: ids.length,
    consumed: ids.length,
    duplicates: consumed.length - new Set(consumed).size,
    holes: [...expected].filter((id) => !consumed.includes(id)).length,
    kills: { listeners: 2 * kills, server: kills },
  };
  for (const listener of listeners) await listener.kill();
  counts.stored =
    (await storedIds(server)).filter((id) => expected.has(id)).length;
  ended.abort();
  await source.close();
  await reading.catch(() => {});
  await sent.finished;
  return counts;
}

async function startListener(node: string, servers: string) {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "-A",
      new URL("./kill_listener.ts", import.meta.url).pathname,
      node,
      servers,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = process.stdout.getReader();
  await output.read();
  return {
    async kill() {
      process.kill("SIGKILL");
      await process.status;
      await output.cancel();
    },
  };
}

/** Reads the node's own stream, as the truth. */
function readDirectly(url: string, signal: AbortSignal) {
  const ids: string[] = [];
  let isOver = false;
  const finished = (async () => {
    const response = await fetch(
      `${url}/eth/v1/events?topics=head,block,chain_reorg`,
      { signal },
    );
    const events = response.body!
      .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }))
      .pipeThrough(new SseDecoderStream());
    for await (const { type, data } of events) {
      if (!isOver) ids.push(idOf(type, data));
    }
  })().catch(() => {});
  return {
    finished,
    since: () => ids.length,
    until: () => {
      isOver = true;
      return [...ids];
    },
  };
}

/** What the stream itself holds, read by a reader of its own. */
async function storedIds(server: NatsServer): Promise<string[]> {
  const source = await fromJetStream({ servers: server.url, from: "all" });
  const ids: string[] = [];
  const events = source.events().getReader();
  while (true) {
    const timer = Promise.withResolvers<undefined>();
    const handle = setTimeout(() => timer.resolve(undefined), 2000);
    const result = await Promise.race([events.read(), timer.promise]);
    clearTimeout(handle);
    if (result === undefined || result.done) break;
    ids.push(idOf(result.value.topic, result.value.raw));
  }
  await source.close();
  return ids;
}

function idOf(topic: string, raw: string): string {
  return eventIdentity({
    topic,
    data: JSON.parse(raw),
    raw,
    node: "",
    receivedAt: 0,
  });
}

function shuffle<T>(values: T[], random: () => number): T[] {
  for (let index = values.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [values[index], values[other]] = [values[other]!, values[index]!];
  }
  return values;
}

function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      for: { type: "string", default: "5m" },
      kills: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
    },
  });
  const [, amount, unit] = /^(\d+)(s|m)$/.exec(values.for)!;
  const counts = await runKills({
    forMs: Number(amount) * (unit === "m" ? 60_000 : 1000),
    kills: Number(values.kills),
    seed: Number(values.seed),
    slotDurationMs: 1000,
  });
  // deno-lint-ignore no-console -- it is what the script is for
  console.log(JSON.stringify(counts));
  Deno.exit(
    counts.holes + counts.duplicates === 0 && counts.sent === counts.stored
      ? 0
      : 1,
  );
}
