/**
 * What a simulated node answers, in the words of the Beacon API: the event
 * stream, genesis, spec, headers, version, sync state and health. Faults
 * change the answers.
 */

import type { Endpoint, StatusFault } from "../faults/answer_faults.ts";
import type { FaultHandle, FaultSet } from "../faults/active_fault.ts";
import type { FaultOf, NodeFault } from "../faults/fault.ts";
import { seededWords, takeHex } from "../chain/random.ts";
import type {
  SimulatedBlock,
  SimulatedChain,
} from "../chain/simulated_chain.ts";
import {
  AGGREGATE_DUE_BPS,
  ATTESTATION_DUE_BPS,
} from "../chain/slot_schedule.ts";
import { type NodeClock, pause, type SimulatedClock } from "./clock.ts";
import { compressed } from "./compressed.ts";
import type { EventConnection } from "./event_connection.ts";
import type { EventStreams } from "./event_streams.ts";
import { repeatedText } from "./stream_frames.ts";

/** What is known of a request when it has to be answered. */
export interface IncomingRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path of the URL. */
  readonly path: string;
  /** Query of the URL. */
  readonly query: URLSearchParams;
  /** Headers of the request. */
  readonly headers: Headers;
}

/** What the answers are made from. */
export interface BeaconApiParts {
  /** What time it is. */
  clock: SimulatedClock;
  /** The slots. */
  slots: NodeClock;
  /** The blocks. */
  chain: SimulatedChain;
  /** The event streams. */
  streams: EventStreams;
  /** The faults that are on. */
  faults: FaultSet<NodeFault>;
  /** Puts faults on a new stream. */
  strikeNew: (connection: EventConnection) => void;
  /** Decides the root of another chain. */
  seed: number;
  /** Ends long answers. */
  signal: AbortSignal;
}

/** An answer, or the promise of one. */
type Answer = Response | Promise<Response>;

const PATHS: Record<Exclude<Endpoint, "all">, RegExp> = {
  events: /^\/eth\/v1\/events$/,
  genesis: /^\/eth\/v1\/beacon\/genesis$/,
  spec: /^\/eth\/v1\/config\/spec$/,
  headers: /^\/eth\/v1\/beacon\/headers(\/|$)/,
  version: /^\/eth\/v[12]\/node\/version$/,
  syncing: /^\/eth\/v1\/node\/syncing$/,
  health: /^\/eth\/v1\/node\/health$/,
};
const NAME = "beacon-sse-simulator";
const VERSION = "v1.0.0";
const FAR_FUTURE_EPOCH = "18446744073709551615";

/** The HTTP endpoints of a simulated node. */
export class BeaconApi {
  readonly #parts: BeaconApiParts;

  constructor(parts: BeaconApiParts) {
    this.#parts = parts;
  }

  /** Answers a request; of several faults that would strike it, the oldest decides how. */
  async respond(request: IncomingRequest): Promise<Response> {
    const { faults, clock, signal } = this.#parts;
    const { method, path } = request;
    if (method !== "GET") {
      return errorResponse(405, `Method not allowed: ${method}`);
    }
    const late = faults.find("delay");
    if (late && isAt(late.fault, path) && late.strike()) {
      const ended = AbortSignal.any([signal, late.healed]);
      await pause(clock, late.fault.ms, ended);
      late.healIfSpent();
    }
    for (const handle of faults.striking()) {
      const answer = this.#struck(handle, request);
      if (!answer) continue;
      // What hangs ends with its fault; any other answer is complete.
      if (answer instanceof Response) handle.healIfSpent();
      return answer;
    }
    return this.#answer(request);
  }

  /** What a request gets from one fault; `undefined` where it is not struck. */
  #struck(
    handle: FaultHandle<NodeFault>,
    { path, query }: IncomingRequest,
  ): Answer | undefined {
    const { seed, signal } = this.#parts;
    const { fault } = handle;
    if (fault.type === "status" || fault.type === "hang") {
      if (!isAt(fault, path) || !handle.strike()) return undefined;
      return fault.type === "hang"
        ? hangUntil(handle.healed)
        : statusResponse(fault, signal);
    }
    if (fault.type === "other-chain") {
      if (!PATHS.genesis.test(path) || !handle.strike()) return undefined;
      const { laterBy = 0 } = fault;
      const { root = takeHex(seededWords(seed, "other validators"), 32) } =
        fault;
      return this.#genesis(root, laterBy);
    }
    if (!PATHS.events.test(path)) return undefined;
    if (fault.type === "empty") {
      return handle.strike() ? streamResponse(null) : undefined;
    }
    if (fault.type === "refuse-topics") {
      const topic = requestedTopics(query).find((topic) =>
        fault.topics.includes(topic)
      );
      if (topic === undefined || !handle.strike()) return undefined;
      return fault.answer === "empty"
        ? streamResponse(null)
        : topicRefusal(topic, fault.answer);
    }
    if (fault.type === "joined-topics") {
      const list = query.getAll("topics").find((list) => list.includes(","));
      if (list === undefined || !handle.strike()) return undefined;
      return fault.answer === "hang"
        ? hangUntil(handle.healed)
        : topicRefusal(list, fault.answer);
    }
  }

  #answer(request: IncomingRequest): Answer {
    const { path, query } = request;
    switch (path) {
      case "/eth/v1/events":
        return this.#stream(request);
      case "/eth/v1/beacon/genesis":
        return this.#genesis();
      case "/eth/v1/config/spec":
        return Response.json({ data: this.#spec() });
      case "/eth/v1/beacon/headers":
        return this.#headers(query);
      case "/eth/v1/beacon/states/head/finality_checkpoints":
        return this.#finality();
      case "/eth/v1/node/version":
        return Response.json({ data: { version: `${NAME}/${VERSION}` } });
      case "/eth/v2/node/version": {
        const commit = "00000000";
        return Response.json({
          data: {
            beacon_node: { code: "SI", name: NAME, version: VERSION, commit },
          },
        });
      }
      case "/eth/v1/node/syncing":
        return Response.json({ data: this.#syncing() });
      case "/eth/v1/node/health":
        return new Response(null, {
          status: this.#syncing().is_syncing ? 206 : 200,
        });
    }
    const prefix = "/eth/v1/beacon/headers/";
    return path.startsWith(prefix)
      ? this.#header(path.slice(prefix.length))
      : errorResponse(404, `Not found: ${path}`);
  }

  #stream({ query, headers }: IncomingRequest): Answer {
    const { streams, strikeNew } = this.#parts;
    const isRepeated = query.getAll("topics").length > 1;
    const topics = isRepeated && this.#strike("repeated-topics")
      ? query.get("topics")!.split(",")
      : requestedTopics(query);
    if (topics.length === 0) {
      return errorResponse(400, "Missing query parameter: topics");
    }
    const unknown = streams.unknown(topics);
    if (unknown !== undefined) return topicRefusal(unknown, "named");
    const connection = streams.open(topics, query, headers);
    strikeNew(connection);
    const encoding = this.#strike("compressed");
    const { encoding: name = "gzip" } = encoding ?? {};
    const body = encoding && name !== "br"
      ? compressed(connection.body, name)
      : connection.body;
    const wrongType = this.#strike("content-type");
    const given = {
      ...wrongType && { "content-type": wrongType.contentType ?? "text/html" },
      ...encoding && { "content-encoding": name },
    };
    return this.#strike("late-headers")
      ? withFirstBytes(body, given)
      : streamResponse(body, given);
  }

  /** Strikes with the oldest fault of a type; `undefined` where there is none. */
  #strike<T extends NodeFault["type"]>(
    type: T,
  ): Readonly<FaultOf<NodeFault, T>> | undefined {
    const handle = this.#parts.faults.find(type);
    if (!handle?.strike()) return undefined;
    handle.healIfSpent();
    return handle.fault;
  }

  #genesis(root = this.#parts.chain.validatorsRoot, laterBy = 0): Response {
    return Response.json({
      data: {
        genesis_time: String(this.#parts.slots.genesisTime / 1000 + laterBy),
        genesis_validators_root: root,
        genesis_fork_version: "0x10000000",
      },
    });
  }

  #spec(): object {
    const { slots: { slotDurationMs }, chain } = this.#parts;
    return {
      CONFIG_NAME: "simulated",
      PRESET_BASE: "minimal",
      SLOT_DURATION_MS: String(slotDurationMs),
      ...slotDurationMs % 1000 === 0 &&
        { SECONDS_PER_SLOT: String(slotDurationMs / 1000) },
      SLOTS_PER_EPOCH: String(chain.slotsPerEpoch),
      PROPOSER_REORG_CUTOFF_BPS: "1667",
      ATTESTATION_DUE_BPS: String(ATTESTATION_DUE_BPS),
      AGGREGATE_DUE_BPS: String(AGGREGATE_DUE_BPS),
      SYNC_MESSAGE_DUE_BPS: "3333",
      CONTRIBUTION_DUE_BPS: "6667",
      ATTESTATION_DUE_BPS_GLOAS: "2500",
      AGGREGATE_DUE_BPS_GLOAS: "5000",
      SYNC_MESSAGE_DUE_BPS_GLOAS: "2500",
      CONTRIBUTION_DUE_BPS_GLOAS: "5000",
      PAYLOAD_DUE_BPS: "5000",
      PAYLOAD_ATTESTATION_DUE_BPS: "7500",
      ALTAIR_FORK_EPOCH: "0",
      BELLATRIX_FORK_EPOCH: "0",
      CAPELLA_FORK_EPOCH: "0",
      DENEB_FORK_EPOCH: "0",
      ELECTRA_FORK_EPOCH: "0",
      FULU_FORK_EPOCH: "0",
      GLOAS_FORK_EPOCH: FAR_FUTURE_EPOCH,
      BLOB_SCHEDULE: [{ EPOCH: "0", MAX_BLOBS_PER_BLOCK: "9" }],
    };
  }

  #syncing() {
    const { chain, slots, faults } = this.#parts;
    const { isSyncing = false, isOptimistic, elOffline = false } =
      this.#strike("sync-state") ?? {};
    return {
      head_slot: String(chain.head.slot),
      sync_distance: String(Math.max(0, slots.slot - chain.head.slot)),
      is_syncing: isSyncing,
      is_optimistic: isOptimistic ?? faults.find("optimistic") !== undefined,
      el_offline: elOffline,
    };
  }

  #finality(): Response {
    const { chain } = this.#parts;
    const { epoch, block } = chain.finalized;
    const checkpoint = (epoch: number, { root }: SimulatedBlock) => ({
      epoch: String(epoch),
      root,
    });
    const justified = chain.checkpoint(chain.head, epoch + 1);
    return Response.json({
      execution_optimistic: false,
      finalized: false,
      data: {
        previous_justified: checkpoint(epoch, block),
        current_justified: checkpoint(justified.epoch, justified.block),
        finalized: checkpoint(epoch, block),
      },
    });
  }

  /** Headers of a slot on all branches, or of the blocks on a parent, or of the head. */
  #headers(query: URLSearchParams): Response {
    const { chain } = this.#parts;
    const slot = query.get("slot");
    const parent = query.get("parent_root")?.toLowerCase();
    if (slot !== null && !/^\d{1,15}$/.test(slot)) {
      return errorResponse(400, `Invalid slot: ${slot}`);
    }
    const blocks = slot === null && parent === undefined
      ? [chain.head]
      : chain.blocks().filter((block) =>
        (slot === null || block.slot === Number(slot)) &&
        (parent === undefined || block.parentRoot === parent)
      );
    return Response.json({
      execution_optimistic: false,
      finalized: blocks.length > 0 &&
        blocks.every((block) => this.#isFinalized(block)),
      data: blocks.map((block) => this.#headerData(block)),
    });
  }

  #header(id: string): Response {
    const { chain } = this.#parts;
    if (!/^(head|genesis|finalized|\d{1,15}|0x[0-9a-f]{64})$/i.test(id)) {
      return errorResponse(400, `Invalid block ID: ${id}`);
    }
    const block = id === "head"
      ? chain.head
      : id === "genesis"
      ? chain.genesis
      : id === "finalized"
      ? chain.finalized.block
      : id.startsWith("0x")
      ? chain.byRoot(id)
      : chain.canonicalAt(Number(id));
    if (
      !block || !chain.isCanonical(block) && this.#strike("forget-orphans")
    ) return errorResponse(404, `Block not found: ${id}`);
    return Response.json({
      execution_optimistic: false,
      finalized: this.#isFinalized(block),
      data: this.#headerData(block),
    });
  }

  #isFinalized(block: SimulatedBlock): boolean {
    const { chain } = this.#parts;
    return block.slot <= chain.finalized.block.slot && chain.isCanonical(block);
  }

  #headerData(block: SimulatedBlock): object {
    return {
      root: block.root,
      canonical: this.#parts.chain.isCanonical(block),
      header: {
        message: {
          slot: String(block.slot),
          proposer_index: String(block.proposerIndex),
          parent_root: block.parentRoot,
          state_root: block.stateRoot,
          body_root: block.bodyRoot,
        },
        signature: takeHex(seededWords("signature", block.root), 96),
      },
    };
  }
}

/** Whether a fault strikes requests for a path. */
function isAt(
  { endpoint = "events" }: { endpoint?: Endpoint },
  path: string,
): boolean {
  return endpoint === "all" || PATHS[endpoint].test(path);
}

/** The topics that a client requests: any number of keys, each of any number of topics. */
export function requestedTopics(query: URLSearchParams): string[] {
  return query.getAll("topics").flatMap((list) => list.split(","));
}

/** An error answer: `{"code":404,"message":"…"}`. */
export function errorResponse(code: number, message: string): Response {
  return Response.json({ code, message }, { status: code });
}

function topicRefusal(
  topic: string,
  answer: "named" | "unnamed" = "named",
): Response {
  return errorResponse(
    400,
    answer === "named" ? `Invalid topic: ${topic}` : "Bad request",
  );
}

/** The answer that an event stream is the body of. */
function streamResponse(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  headers: Record<string, string> = {},
): Response {
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-cache",
      "x-accel-buffering": "no",
      ...headers,
    },
  });
}

/** Statuses that go without a body. */
const BODILESS: readonly number[] = [204, 205, 304];

/** Any status with any body, which ends early when the signal aborts. */
function statusResponse(fault: StatusFault, signal: AbortSignal): Response {
  const { status, retryAfter, contentType = "application/json", ending } =
    fault;
  const {
    body = JSON.stringify({ code: status, message: "Simulated fault" }),
    bodyBytes = new TextEncoder().encode(body).length,
  } = fault;
  const headers = new Headers(fault.headers);
  headers.set("content-type", contentType);
  if (retryAfter !== undefined) headers.set("retry-after", retryAfter);
  if (BODILESS.includes(status)) return new Response(null, { status, headers });
  if (fault.bodyBytes === undefined && !ending) {
    return new Response(body, { status, headers });
  }
  const chunks = repeatedText(body === "" ? " " : body, bodyBytes, signal);
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      const { done, value } = chunks.next();
      if (!done) return controller.enqueue(value);
      if (ending === "break") return controller.error(new Error("broken off"));
      if (ending === "hang" && !signal.aborted) return abortedOf(signal, close);
      close();
      function close() {
        try {
          controller.close();
        } catch {
          // The client has left meanwhile.
        }
      }
    },
  }, { highWaterMark: 0 });
  return new Response(stream, { status, headers });
}

/** No headers until the signal aborts, and then 503, so that nothing of the request is left. */
async function hangUntil(signal: AbortSignal): Promise<Response> {
  await abortedOf(signal, () => {});
  return errorResponse(503, "Simulated fault");
}

function abortedOf(signal: AbortSignal, act: () => void): Promise<void> {
  return new Promise((resolve) => {
    const end = () => resolve(act());
    signal.addEventListener("abort", end, { once: true });
  });
}

/** An event stream whose headers come with its first bytes. */
async function withFirstBytes(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  headers: Record<string, string>,
): Promise<Response> {
  const reader = body.getReader();
  let first: ReadableStreamReadResult<Uint8Array<ArrayBuffer>> | undefined =
    await reader.read();
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = first ?? await reader.read();
      first = undefined;
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => reader.cancel(),
  }, { highWaterMark: 0 });
  return streamResponse(rest, headers);
}
