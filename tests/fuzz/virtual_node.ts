/** A beacon node in memory: it follows the chain by virtual time, answers requests, and has faults. */

import { type Frame, FrameWriter } from "./frames.ts";
import {
  type Failure,
  type Fault,
  type FaultKind,
  type NodePlan,
  SLOT_MS,
} from "./random_schedule.ts";
import type { SeededRandom } from "./seeded_random.ts";
import { VirtualBody } from "./virtual_body.ts";
import {
  commonAncestor,
  isOnBranchOf,
  type VirtualBlock,
  type VirtualChain,
} from "./virtual_chain.ts";
import { VirtualConnection } from "./virtual_connection.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What a {@linkcode VirtualNode} needs. */
export interface VirtualNodeOptions {
  /** Its host, by which the listener calls it. */
  name: string;
  /** Its habits and faults. */
  plan: NodePlan;
  /** When what happens. */
  time: VirtualTime;
  /** Chance of its own. */
  random: SeededRandom;
  /** The tree of blocks. */
  chain: VirtualChain;
  /** Unix time of slot 0, in milliseconds. */
  genesisTime: number;
  /** Slots in an epoch. */
  slotsPerEpoch: number;
  /** The listener's cap, for events that just exceed it. */
  maxEventBytes: number;
}

/** A request that arrived. */
export interface VirtualRequest {
  /** When, in virtual milliseconds. */
  at: number;
  /** Path of the endpoint. */
  path: string;
}

/** A beacon node. */
export class VirtualNode {
  /** Its host. */
  readonly name: string;
  /** Its habits and faults. */
  readonly plan: NodePlan;
  /** Its head. */
  head: VirtualBlock;
  /** Every head it had, and since when. */
  readonly heads: { at: number; block: VirtualBlock }[] = [];
  /** Every request, in order. */
  readonly requests: VirtualRequest[] = [];
  /** Every event stream, in order. */
  readonly connections: VirtualConnection[] = [];
  /** Every body that was handed out. */
  readonly bodies: VirtualBody[] = [];
  /** Requests that were neither answered nor aborted. */
  unanswered = 0;
  readonly #options: VirtualNodeOptions;
  readonly #writer: FrameWriter;
  readonly #known = new Map<string, VirtualBlock>();
  #unasked = 0;

  /** @param options Its surroundings. */
  constructor(options: VirtualNodeOptions) {
    const { name, plan, chain, slotsPerEpoch } = options;
    this.#options = options;
    this.name = name;
    this.plan = plan;
    this.head = chain.head;
    this.heads.push({ at: options.time.now, block: chain.head });
    this.#writer = new FrameWriter(plan, slotsPerEpoch);
    for (
      let block: VirtualBlock | undefined = chain.head;
      block;
      block = block.parent
    ) {
      this.#known.set(block.root, block);
    }
    for (const fault of plan.faults) {
      options.time.after(fault.at, () => this.#strike(fault));
    }
  }

  /** Event streams that are open. */
  get open(): VirtualConnection[] {
    return this.connections.filter(({ isOpen }) => isOpen);
  }

  /** A slot begins, with a block of the canonical branch or without. */
  onSlot(
    index: number,
    slot: number,
    canonical: VirtualBlock | undefined,
  ): void {
    const { time, random, chain } = this.#options;
    const isAlone = this.plan.forks.some(([from, slots]) =>
      index >= from && index < from + slots
    );
    const block = isAlone ? chain.add(slot, this.head) : canonical;
    if (block === undefined) return;
    const gossipAfter = this.plan.lagMs +
      random.integer(200, random.chance(0.1) ? 8000 : 2500);
    time.after(gossipAfter, () => {
      this.#emit(
        "block_gossip",
        () => this.#writer.block("block_gossip", block),
      );
      if (this.plan.isRude) this.#emitUnasked();
    });
    time.after(gossipAfter + random.integer(0, 900), () => {
      this.#import(block);
      this.#follow(block);
    });
  }

  /** Answers a request. */
  fetch(url: URL, signal: AbortSignal | undefined): Promise<Response> {
    const { time, random } = this.#options;
    this.requests.push({ at: time.now, path: url.pathname });
    this.unanswered++;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        this.unanswered--;
        reject(signal.reason);
        return;
      }
      const bodies: VirtualBody[] = [];
      let isSettled = false;
      const settle = () => {
        if (isSettled) return false;
        this.unanswered--;
        return isSettled = true;
      };
      signal?.addEventListener("abort", () => {
        if (settle()) reject(signal.reason);
        for (const body of bodies) body.abort(signal.reason);
      }, { once: true });
      const answer: Answer = {
        own: (body) => {
          bodies.push(body);
          this.bodies.push(body);
        },
        respond: (body, init) => {
          if (!settle()) return;
          if (body !== null && !bodies.includes(body)) answer.own(body);
          resolve(new Response(body?.stream ?? null, init));
        },
        refuse: () => {
          if (settle()) {
            const cause = new Error(
              "tcp connect error: Connection refused (os error 111)",
            );
            reject(new TypeError("fetch failed", { cause }));
          }
        },
      };
      time.after(random.integer(0, this.plan.latencyMs), () => {
        if (!isSettled) this.#answer(url, answer);
      });
    });
  }

  #answer(url: URL, answer: Answer): void {
    const path = url.pathname;
    if (this.#active("refuse") !== undefined) {
      answer.refuse();
      return;
    }
    const status = this.#active("status");
    if (
      status !== undefined && (status.on === "all" || path === "/eth/v1/events")
    ) {
      this.#answerStatus(status, answer);
    } else if (path === "/eth/v1/events") this.#answerEvents(url, answer);
    else if (path === "/eth/v1/node/syncing") {
      if (this.#active("probeHang") === undefined) this.#answerSyncing(answer);
    } else if (path.startsWith("/eth/v1/beacon/headers/")) {
      const failing = this.#active("walkFails");
      if (failing !== undefined) fail(failing.how, answer);
      else this.#answerHeader(path.slice(path.lastIndexOf("/") + 1), answer);
    } else {
      const failing = this.#active("configFails");
      if (failing !== undefined) fail(failing.how, answer);
      else this.#answerConfig(path, answer);
    }
  }

  #answerStatus(
    fault: Extract<FaultKind, { kind: "status" }>,
    answer: Answer,
  ): void {
    const { status, retryAfter } = fault;
    const headers = new Headers(
      retryAfter === null ? {} : { "retry-after": retryAfter },
    );
    if (status === 204) {
      answer.respond(null, { status, headers });
      return;
    }
    let pulls = 0;
    const bodies: Record<typeof fault.body, VirtualBody> = {
      json: textBody(JSON.stringify({ code: status, message: "no luck" })),
      huge: new VirtualBody({
        pull: () => pulls++ < HUGE_CHUNKS ? HUGE_CHUNK : undefined,
      }),
      hang: new VirtualBody({}),
    };
    answer.respond(bodies[fault.body], { status, headers });
  }

  #answerEvents(url: URL, answer: Answer): void {
    const headers = { "content-type": "text/event-stream" };
    const other = this.#active("contentType");
    if (other !== undefined) {
      answer.respond(textBody("<html>\n\n"), {
        headers: { "content-type": other.type },
      });
    } else if (this.#active("emptyStream") !== undefined) {
      answer.respond(textBody(""), { headers });
    } else if (this.#active("headersHang") === undefined) {
      this.#open(url.searchParams.getAll("topics"), answer, headers);
    }
  }

  #open(
    asked: string[],
    answer: Answer,
    headers: Record<string, string>,
  ): void {
    const { time, random } = this.#options;
    const {
      unsupported,
      refusal,
      commas,
      hasBom,
      isLateWithHeaders,
      cutShare,
      keepAliveMs,
    } = this.plan;
    const hasList = asked.some((value) => value.includes(","));
    if (hasList && commas === "hang") return;
    const topics = hasList && commas === "list"
      ? asked.flatMap((value) => value.split(","))
      : asked;
    const unknown = topics.find((topic) =>
      unsupported.includes(topic) || topic.includes(",")
    );
    if (unknown !== undefined) {
      const message = refusal === "names"
        ? `Invalid topic: ${unknown}`
        : "Bad request";
      if (refusal === "empty") answer.respond(textBody(""), { headers });
      else {answer.respond(textBody(JSON.stringify({ code: 400, message })), {
          status: 400,
        });}
      return;
    }
    let isAnswered = false;
    const respond = () => {
      if (isAnswered) return;
      isAnswered = true;
      connection.headersAt = time.now;
      answer.respond(connection.body, { headers });
    };
    const connection = new VirtualConnection({
      time,
      random,
      topics,
      cutShare,
      keepAliveMs: isLateWithHeaders ? 0 : keepAliveMs,
      comment: this.#writer.plain(":"),
      onFirstByte: respond,
    });
    this.connections.push(connection);
    answer.own(connection.body);
    if (!isLateWithHeaders) respond();
    if (hasBom) connection.write(new Uint8Array([0xef, 0xbb, 0xbf]));
  }

  #answerSyncing(answer: Answer): void {
    const head_slot = String(this.head.slot);
    answerJson(answer, {
      data: {
        head_slot,
        sync_distance: "0",
        is_syncing: false,
        is_optimistic: false,
      },
    });
  }

  #answerHeader(id: string, answer: Answer): void {
    const block = this.#find(id);
    if (block === undefined) {
      const body = textBody(
        JSON.stringify({ code: 404, message: "Block not found" }),
      );
      answer.respond(body, { status: 404 });
      return;
    }
    const message = {
      slot: String(block.slot),
      proposer_index: "7",
      parent_root: block.parent?.root ?? `0x${"0".repeat(64)}`,
      state_root: block.stateRoot,
      body_root: block.root,
    };
    const signature = `0x${"0".repeat(192)}`;
    answerJson(answer, {
      execution_optimistic: false,
      finalized: false,
      data: {
        root: block.root,
        canonical: true,
        header: { message, signature },
      },
    });
  }

  #find(id: string): VirtualBlock | undefined {
    if (id === "head") return this.head;
    let block = this.#known.get(id.toLowerCase());
    if (/^\d+$/.test(id)) {
      block = this.head;
      while (block !== undefined && block.slot > Number(id)) {
        block = block.parent;
      }
      if (block?.slot !== Number(id)) return undefined;
    }
    if (block === undefined) return undefined;
    return this.plan.forgetsOrphans && !isOnBranchOf(block, this.head)
      ? undefined
      : block;
  }

  #answerConfig(path: string, answer: Answer): void {
    const { genesisTime, slotsPerEpoch } = this.#options;
    if (path === "/eth/v1/beacon/genesis") {
      answerJson(answer, {
        data: {
          genesis_time: String(genesisTime / 1000),
          genesis_validators_root: `0x${"ab".repeat(32)}`,
          genesis_fork_version: "0x00000001",
        },
      });
    } else if (path === "/eth/v1/config/spec") {
      answerJson(answer, {
        data: {
          SLOT_DURATION_MS: String(SLOT_MS),
          SLOTS_PER_EPOCH: String(slotsPerEpoch),
        },
      });
    } else {
      answer.respond(
        textBody(JSON.stringify({ code: 404, message: "NOT_FOUND" })),
        { status: 404 },
      );
    }
  }

  /** A fault that is under way. */
  #active<K extends FaultKind["kind"]>(
    kind: K,
  ): Extract<Fault, { kind: K }> | undefined {
    const { elapsed } = this.#options.time;
    return this.plan.faults.find((
      fault,
    ): fault is Extract<Fault, { kind: K }> =>
      fault.kind === kind && elapsed >= fault.at &&
      elapsed < fault.at + fault.forMs
    );
  }

  /** What a fault does at its beginning. */
  #strike(fault: Fault): void {
    for (const connection of this.open) {
      if (!connection.isMute) this.#strikeConnection(fault, connection);
    }
    switch (fault.kind) {
      case "burst":
        for (let i = 0; i < fault.count; i++) {
          const block = this.#options.chain.add(
            this.head.slot,
            this.head.parent,
          );
          this.#emit(
            "block_gossip",
            () => this.#writer.block("block_gossip", block),
          );
        }
        break;
      case "flip": {
        const { head } = this;
        if (head.parent === undefined) break;
        const other = this.#options.chain.add(head.slot, head.parent);
        this.#import(other);
        this.#follow(other);
        this.#follow(head);
      }
    }
  }

  #strikeConnection(fault: Fault, connection: VirtualConnection): void {
    const { time, maxEventBytes } = this.#options;
    const frame = this.#writer.head(this.head);
    const end = () => connection.end();
    switch (fault.kind) {
      case "eof":
        if (fault.part === 0) connection.send(frame);
        else connection.write(startOf(frame, fault.part));
        end();
        break;
      case "reset":
        if (fault.isSameTurn) {
          connection.send(frame);
          connection.break();
        } else {
          connection.write(startOf(frame, fault.part));
          connection.mute();
          time.after(1, () => connection.break());
        }
        break;
      case "halfOpen":
        connection.write(startOf(frame, fault.part));
        connection.mute();
        break;
      case "commentsOnly":
        connection.mute();
        for (let ms = 0; ms < fault.forMs; ms += 5000) {
          time.after(
            ms,
            () => connection.comment(this.#writer.plain(": alive")),
          );
        }
        time.after(fault.forMs, end);
        break;
      case "dribble":
        connection.mute();
        for (let ms = 0; ms < fault.forMs; ms += 2000) {
          time.after(ms, () => connection.force(new Uint8Array([120])));
        }
        time.after(fault.forMs, end);
        break;
      case "hold":
        connection.hold(fault.forMs);
        break;
      case "malformed":
        for (const number of fault.which) {
          connection.send(this.#writer.malformed(number, this.head));
        }
        break;
      case "future":
        connection.send(this.#writer.future(fault.slots, this.head));
        break;
      case "torn":
        connection.send(this.#writer.torn(frame, fault.part));
        break;
      case "oversize":
        connection.send(
          this.#writer.ofSize(
            maxEventBytes + fault.over,
            maxEventBytes,
            this.head,
          ),
        );
        break;
      case "endless":
        connection.send(
          this.#writer.endless(
            Math.floor(maxEventBytes * fault.caps),
            maxEventBytes,
          ),
        );
        connection.mute();
        if (fault.then === "eof") end();
        else if (fault.then === "reset") {
          time.after(5000, () => connection.break());
        }
        break;
      case "retry":
        connection.write(this.#writer.plain(`retry: ${fault.value}`));
        break;
      case "dropped":
        connection.leaveOut(fault.count);
    }
  }

  /** Takes a block in, and before it what it builds on, if that was heard of on another branch only. */
  #import(block: VirtualBlock): void {
    if (this.#known.has(block.root)) return;
    if (block.parent !== undefined) this.#import(block.parent);
    this.#known.set(block.root, block);
    this.#emit("block", () => this.#writer.block("block", block));
  }

  /** Makes a block the head, and tells. */
  #follow(block: VirtualBlock): void {
    const oldHead = this.head;
    this.head = block;
    this.heads.push({ at: this.#options.time.now, block });
    if (!isOnBranchOf(oldHead, block)) {
      const ancestor = commonAncestor(oldHead, block);
      const reorg = { oldHead, newHead: block, ancestor };
      this.#emit("chain_reorg", () => this.#writer.chainReorg(reorg));
    }
    this.#emit("head", () => this.#writer.head(block));
    const { slotsPerEpoch } = this.#options;
    if (block.slot % slotsPerEpoch === 0) {
      const epoch = block.slot / slotsPerEpoch - 2;
      this.#emit(
        "finalized_checkpoint",
        () => this.#writer.finalized(epoch, block),
      );
    }
  }

  #emitUnasked(): void {
    for (const connection of this.open) {
      connection.send(this.#writer.unasked(++this.#unasked));
    }
  }

  #emit(topic: string, write: () => Frame): void {
    const connections = this.open.filter(({ topics }) =>
      topics.includes(topic)
    );
    if (connections.length === 0) return;
    const frame = write();
    for (const connection of connections) connection.send(frame);
  }
}

interface Answer {
  /** Ties a body to the request before there is an answer. */
  own(body: VirtualBody): void;
  respond(body: VirtualBody | null, init: ResponseInit): void;
  refuse(): void;
}

/** Too little of a frame to be an event. */
function startOf(
  { bytes, decidedAfter }: Frame,
  part: number,
): Uint8Array<ArrayBuffer> {
  return bytes.subarray(0, Math.floor(part * decidedAfter));
}

const HUGE_CHUNK = new Uint8Array(16_384).fill(120);
/** 100 MB, for a body that must not be read. */
const HUGE_CHUNKS = 6400;

function answerJson(answer: Answer, value: unknown): void {
  answer.respond(textBody(JSON.stringify(value)), {
    headers: { "content-type": "application/json" },
  });
}

function textBody(text: string): VirtualBody {
  let isGiven = false;
  return new VirtualBody({
    pull() {
      if (isGiven || text === "") return undefined;
      isGiven = true;
      return new TextEncoder().encode(text);
    },
  });
}

function fail(how: Failure, answer: Answer): void {
  switch (how) {
    case "status":
      answer.respond(textBody("out of order"), { status: 500 });
      break;
    case "garbage":
      answer.respond(textBody('{"data":{"root":7}}'), { status: 200 });
      break;
    case "refuse":
      answer.refuse();
      break;
    case "hang":
  }
}
