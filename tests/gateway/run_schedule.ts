/**
 * A random schedule in simulated time: nodes that are killed, hang, reset and fall behind, two
 * gateways over them that are restarted, and readers that go from one gateway to the other.
 */

import { type ServerSentEvent, SseDecoder, SseListener } from "@org/beacon-sse";
import { createGateway, type Gateway } from "@org/beacon-sse/gateway";
import { SimulatedNode } from "@org/beacon-sse/testing";
import { VirtualTime } from "../fuzz/virtual_time.ts";

/** What became of a schedule. */
export interface Outcome {
  seed: number;
  nodes: number;
  faults: number;
  restarts: number;
  /** How often a reader went on at another gateway, or at one that was restarted. */
  exchanges: number;
  /** Canonical blocks between the first and the last one of each reader that lists `block`. */
  blocks: number;
  /** Canonical blocks that a node reported as its head, for each reader that lists `head`. */
  heads: number;
  /** Canonical blocks, for each reader that lists `block_gossip`. */
  gossip: number;
  /** Of these the ones that a gap reports. */
  inGaps: number;
  gaps: number;
  received: number;
  /** Events that a reader received twice. */
  twice: string[];
  /** Blocks and heads that a reader did not receive, and that no gap reports. */
  missing: string[];
}

const SLOT_MS = 2000;
const READERS = [
  "block_gossip,block,head,chain_reorg,gap",
  "block,gap",
  "block,head,gap",
  "head,gap",
];

/** Runs a schedule. */
export async function runSchedule(seed: number): Promise<Outcome> {
  const random = mulberry(seed);
  using time = new VirtualTime({ startAt: 1_700_000_000_000, random });
  const stage = new Stage(seed, random);
  try {
    const running = stage.play(time);
    // Time is moved on from outside; what runs in it never waits for real time.
    let isOver = false;
    running.finally(() => isOver = true).catch(() => {});
    while (!isOver) await time.pass(1000);
    return await running;
  } finally {
    let isClosed = false;
    const closing = stage.close().finally(() => isClosed = true);
    while (!isClosed) await time.pass(100);
    await closing;
  }
}

/** Starts where a gateway is to be; it may be closed for a while. */
interface Place {
  listener?: SseListener;
  gateway?: Gateway;
}

class Stage {
  readonly #random: () => number;
  readonly #nodes: SimulatedNode[];
  readonly #places: [Place, Place] = [{}, {}];
  readonly #readers: Reader[] = [];
  readonly #outcome: Outcome;
  /** Roots of all blocks that were the head. */
  readonly #heads = new Set<string>();

  constructor(seed: number, random: () => number) {
    this.#random = random;
    const count = 2 + Math.floor(random() * 3);
    const first = this.#newNode(seed, 0);
    this.#nodes = [first];
    for (let i = 1; i < count; i++) {
      this.#nodes.push(this.#newNode(seed, i, first.genesisTime));
    }
    this.#outcome = {
      seed,
      nodes: count,
      faults: 0,
      restarts: 0,
      exchanges: 0,
      blocks: 0,
      heads: 0,
      gossip: 0,
      gaps: 0,
      inGaps: 0,
      received: 0,
      twice: [],
      missing: [],
    };
  }

  #newNode(seed: number, index: number, genesisTime?: number): SimulatedNode {
    return new SimulatedNode({
      url: `http://node${index}`,
      seed,
      slotDurationMs: SLOT_MS,
      reorgRate: 0.1,
      lagMs: Math.floor(this.#random() * 150),
      ...(genesisTime !== undefined && { genesisTime }),
    });
  }

  async play(time: VirtualTime): Promise<Outcome> {
    time.onTurn(() => this.#heads.add(this.#nodes[0]!.head.root));
    for (const place of this.#places) await this.#start(place);
    await time.sleep(3 * SLOT_MS);
    for (const topics of READERS) {
      const reader = new Reader(topics, this.#places, time, this.#random);
      this.#readers.push(reader);
      reader.start();
    }
    const until = time.elapsed + (40 + this.#random() * 40) * SLOT_MS;
    while (time.elapsed < until) {
      await time.sleep(500 + this.#random() * 5000);
      await this.#act(time);
    }
    // Whatever is wrong ends, and everybody gets the chance to find out.
    for (const node of this.#nodes) node.heal();
    await time.sleep(30 * SLOT_MS);
    for (const reader of this.#readers) reader.stop();
    await time.sleep(100);
    await this.#check();
    return this.#outcome;
  }

  async close(): Promise<void> {
    for (const reader of this.#readers) reader.stop();
    for (const place of this.#places) await this.#end(place);
    for (const node of this.#nodes) await node.close();
  }

  async #start(place: Place): Promise<void> {
    place.listener = await SseListener.start({
      nodes: this.#nodes.map(({ url }) => url),
      fetch: (input, init) => {
        const { hostname } = new URL(
          input instanceof Request ? input.url : input,
        );
        return this.#nodes[Number(hostname.slice(4))]!.fetch(input, init);
      },
    });
    place.gateway = createGateway(place.listener);
  }

  async #end(place: Place): Promise<void> {
    const { gateway, listener } = place;
    delete place.gateway;
    await gateway?.close();
    await listener?.close();
  }

  async #act(time: VirtualTime): Promise<void> {
    const random = this.#random;
    const pick = random();
    if (pick < 0.3) {
      this.#readers[Math.floor(random() * this.#readers.length)]!.move();
      return;
    }
    if (pick < 0.45) {
      const place = this.#places[random() < 0.5 ? 0 : 1];
      if (place.gateway === undefined) return;
      this.#outcome.restarts++;
      await this.#end(place);
      const pauseMs = random() < 0.5 ? 0 : random() * 4 * SLOT_MS;
      time.after(pauseMs, () => void this.#start(place));
      return;
    }
    this.#outcome.faults++;
    const node = this.#nodes[Math.floor(random() * this.#nodes.length)]!;
    const kind = Math.floor(random() * 6);
    if (kind === 0) return node.disconnect();
    if (kind === 1) return void node.fault({ type: "reset", times: 1 });
    if (kind === 2) return void node.fault({ type: "half-open", times: 1 });
    const fault = kind === 3
      ? node.fault({ type: "refuse" })
      : kind === 4
      ? node.fault({ type: "hang" })
      : node.fault({ type: "sync-state", isSyncing: true });
    time.after((1 + random() * 12) * SLOT_MS, () => fault.heal());
  }

  async #check(): Promise<void> {
    const outcome = this.#outcome;
    for (const reader of this.#readers) {
      outcome.exchanges += reader.exchanges;
      outcome.received += reader.events.length;
      outcome.twice.push(...reader.twice());
      outcome.gaps += reader.gaps;
      for (const topic of ["block", "head", "block_gossip"] as const) {
        if (!reader.topics.split(",").includes(topic)) continue;
        const slots = reader.slotsOf(topic);
        const known = reader.rootsOf(topic);
        const last = Math.max(...slots);
        for (let slot = Math.min(...slots); slot <= last; slot++) {
          const root = await this.#canonicalRoot(slot);
          if (root === undefined) continue;
          if (topic === "head" && !this.#heads.has(root)) continue;
          if (topic === "block_gossip") outcome.gossip++;
          else outcome[`${topic}s`]++;
          if (known.has(root)) continue;
          if (reader.isInGap(topic, slot)) outcome.inGaps++;
          else {
            outcome.missing.push(`${reader.topics}: ${topic} ${slot} ${root}`);
          }
        }
      }
    }
  }

  async #canonicalRoot(slot: number): Promise<string | undefined> {
    const response = await this.#nodes[0]!.fetch(
      `${this.#nodes[0]!.url}/eth/v1/beacon/headers/${slot}`,
    );
    const { data } = await response.json();
    return data?.root;
  }
}

/** Reads for ever, from this gateway or that. */
class Reader {
  readonly topics: string;
  readonly events: ServerSentEvent[] = [];
  exchanges = 0;
  readonly #places: readonly Place[];
  readonly #time: VirtualTime;
  readonly #random: () => number;
  #place: number;
  #epoch: string | undefined;
  #id = "";
  #stopped = false;
  #body: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(
    topics: string,
    places: readonly Place[],
    time: VirtualTime,
    random: () => number,
  ) {
    this.topics = topics;
    this.#places = places;
    this.#time = time;
    this.#random = random;
    this.#place = random() < 0.5 ? 0 : 1;
  }

  start(): void {
    void this.#run();
  }

  /** Leaves its gateway for the other one. */
  move(): void {
    this.#place = 1 - this.#place;
    void this.#body?.cancel().catch(() => {});
  }

  stop(): void {
    this.#stopped = true;
    void this.#body?.cancel().catch(() => {});
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const response = await this.#places[this.#place]!.gateway?.fetch(
        new Request(`http://gateway/eth/v1/events?topics=${this.topics}`, {
          headers: this.#id === "" ? {} : { "last-event-id": this.#id },
        }),
      );
      if (response?.status === 200) {
        await this.#read(response).catch(() => {});
      } else {
        await response?.body?.cancel();
        this.#place = 1 - this.#place;
      }
      await this.#time.sleep(this.#random() * 1500);
    }
  }

  async #read(response: Response): Promise<void> {
    const text = new TextDecoder();
    const decoder = new SseDecoder();
    this.#body = response.body!.getReader();
    while (true) {
      const { done, value } = await this.#body.read();
      if (done) return;
      const chunk = text.decode(value, { stream: true });
      for (const [, id] of chunk.matchAll(/^id: (\S+)$/gm)) this.#id = id!;
      this.events.push(...decoder.push(chunk));
      // A reader that comes from elsewhere has a run of its own for a while.
      const [epoch] = this.#id.split(/_?-/);
      if (epoch !== this.#epoch) {
        if (this.#epoch !== undefined) this.exchanges++;
        this.#epoch = epoch;
      }
    }
  }

  get gaps(): number {
    return this.#of("gap").length;
  }

  slotsOf(topic: string): number[] {
    return this.#of(topic).map(({ slot }) => Number(slot));
  }

  rootsOf(topic: string): Set<string> {
    return new Set(this.#of(topic).map(({ block }) => block));
  }

  isInGap(topic: string, slot: number): boolean {
    return this.#of("gap").some(({ from, to, topics }) =>
      topics.includes(topic) && Number(from) <= slot && slot <= Number(to)
    );
  }

  /** Blocks and reorgs that came twice, and heads that came twice with no other head in between. */
  twice(): string[] {
    const seen = new Set<string>();
    const twice: string[] = [];
    let head = "";
    for (const { type, data } of this.events) {
      if (type === "gap") continue;
      const { slot, block, old_head_block, new_head_block } = JSON.parse(data);
      const key = `${type} ${slot} ${block ?? old_head_block + new_head_block}`;
      const isTwice = type === "head" ? key === head : seen.has(key);
      if (type === "head") head = key;
      seen.add(key);
      if (isTwice) twice.push(`${this.topics}: ${key}`);
    }
    return twice;
  }

  // deno-lint-ignore no-explicit-any -- payloads of several topics
  #of(topic: string): any[] {
    return this.events.filter(({ type }) => type === topic)
      .map(({ data }) => JSON.parse(data));
  }
}

function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
