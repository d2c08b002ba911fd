/** A recording, played back as a beacon node. */

import { checkObject, refuse } from "../../values/check.ts";
import { errorResponse, requestedTopics } from "../node/beacon_api.ts";
import { RUNTIME_CLOCK, type SimulatedClock, sleep } from "../node/clock.ts";
import type { RecordedEvent, Recording } from "./recording.ts";

/** Options for {@linkcode RecordedBeaconNode}. */
export interface RecordedBeaconNodeOptions {
  /**
   * How many times as fast as it was recorded, or `"max"`: as fast as it is read.
   *
   * @default {1}
   */
  speed?: number | "max";
  /**
   * `"now"` shifts the chain so that the recording begins when it is first read. `"own"` leaves the
   * times as they were. At speed `"max"` they are left as they were in any case.
   *
   * @default {"now"}
   */
  time?: "now" | "own";
  /** The clock to live by; that of the runtime by default. */
  clock?: SimulatedClock;
  /**
   * Base URL, for `fetch`.
   *
   * @default {"http://recorded.test"}
   */
  url?: string;
}

/** A block, as far as the recording shows it. */
interface RecordedBlock {
  root: string;
  slot: number;
  parent: string;
  state: string;
}

/**
 * Plays a recording as a beacon node: the event stream, genesis, spec, sync state, version, and the
 * headers of the blocks that it has come to. The parent of a block is the head before it, or the
 * common ancestor that a reorg names by its depth.
 *
 * Time begins with the first event stream that is opened; the others join where it is then. At speed
 * `"max"` each stream has the recording from its beginning. A stream ends with the recording.
 *
 * @example Try a scheduler on what was recorded
 * ```ts
 * import { subscribe } from "@org/beacon-sse";
 * import { openRecording, RecordedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const root = `0x${"11".repeat(32)}`;
 * const raw = JSON.stringify({ slot: "9", block: root, execution_optimistic: false });
 * const config = { genesisTime: 0, slotDurationMs: 12_000, slotsPerEpoch: 32 };
 * const text = JSON.stringify({ beaconSseRecording: 1, config }) + "\n" +
 *   JSON.stringify({ topic: "block", node: "a", receivedAt: 108_500, raw }) + "\n";
 * const node = new RecordedBeaconNode(
 *   await openRecording(() => new Blob([text]).stream()),
 *   { speed: "max" },
 * );
 * for await (const event of subscribe(node.url, { fetch: node.fetch, topics: ["block"] })) {
 *   assertEquals(event.raw, raw);
 *   break;
 * }
 * ```
 */
export class RecordedBeaconNode {
  /** Base URL. */
  readonly url: string;
  /** Answers requests as `fetch` does; a socket may stand in front of it. */
  readonly fetch: typeof fetch = (input, init) =>
    this.#respond(new Request(input, init));
  /** Resolves when a stream has come to the end of the recording. */
  readonly finished: Promise<void>;
  readonly #recording: Recording;
  readonly #speed: number;
  readonly #isShifted: boolean;
  readonly #clock: SimulatedClock;
  readonly #blocks = new Map<string, RecordedBlock>();
  #head: RecordedBlock | undefined;
  #finish = () => {};
  /** Where time begins: on our clock, and in the recording. */
  #origin: { ours: number; recorded: number } | undefined;

  /**
   * Makes a node.
   *
   * @param recording What to play.
   * @param options How fast.
   * @throws {TypeError} If an option is of the wrong kind; the message names it.
   * @throws {RangeError} If the speed is not positive.
   */
  constructor(recording: Recording, options: RecordedBeaconNodeOptions = {}) {
    checkObject(ACTION, "options", options);
    const {
      speed = 1,
      time = "now",
      clock = RUNTIME_CLOCK,
      url = "http://recorded.test",
    } = options;
    if (
      speed !== "max" &&
      !(typeof speed === "number" && speed > 0 && speed <= 1e6)
    ) {
      throw new RangeError(
        `Cannot ${ACTION}: speed must be "max" or a number above 0 of at most 1000000, got ${speed}`,
      );
    }
    if (time !== "now" && time !== "own") {
      refuse(ACTION, "time", `"now" or "own"`, time);
    }
    this.url = url;
    this.#recording = recording;
    this.#speed = speed === "max" ? Infinity : speed;
    this.#isShifted = speed !== "max" && time === "now";
    this.#clock = clock;
    this.finished = new Promise((resolve) => this.#finish = resolve);
  }

  async #respond(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method !== "GET") {
      return errorResponse(405, `Method not allowed: ${request.method}`);
    }
    switch (pathname) {
      case "/eth/v1/events":
        return await this.#stream(searchParams, request.signal);
      case "/eth/v1/beacon/genesis":
        return await this.#genesis();
      case "/eth/v1/config/spec":
        return this.#spec();
      case "/eth/v1/node/syncing":
        return Response.json({
          data: {
            head_slot: String(this.#head?.slot ?? 0),
            sync_distance: "0",
            is_syncing: false,
            is_optimistic: false,
            el_offline: false,
          },
        });
      case "/eth/v1/node/health":
        return new Response(null);
      case "/eth/v1/node/version":
        return Response.json({ data: { version: "beacon-sse-replay/v1.0.0" } });
    }
    const id = /^\/eth\/v1\/beacon\/headers\/([^/]+)$/.exec(pathname)?.[1];
    return id === undefined
      ? errorResponse(404, `Not found: ${pathname}`)
      : this.#header(id.toLowerCase());
  }

  /** The moment at which time begins: the first time that it is needed. */
  async #begin(): Promise<{ ours: number; recorded: number }> {
    if (this.#origin !== undefined) return this.#origin;
    let recorded = this.#clock.now();
    for await (const { receivedAt } of this.#recording.events()) {
      recorded = receivedAt;
      break;
    }
    const now = this.#clock.now();
    // Genesis is a whole second, so the shift is one, too.
    const ours = this.#isShifted ? this.#alignedStart(recorded, now) : now;
    return this.#origin ??= { ours, recorded };
  }

  /** The first moment from now on that puts genesis on a whole second. */
  #alignedStart(recorded: number, now: number): number {
    const { genesisTime = 0 } = this.#recording.config ?? {};
    const genesis = now - (recorded - genesisTime) / this.#speed;
    return now + (Math.ceil(genesis / 1000) * 1000 - genesis);
  }

  async #genesis(): Promise<Response> {
    const { config } = this.#recording;
    if (config === undefined) {
      return errorResponse(404, "The recording does not have the genesis");
    }
    const { genesisTime, genesisValidatorsRoot } = config;
    const { ours, recorded } = await this.#begin();
    const time = this.#isShifted
      ? ours - (recorded - genesisTime) / this.#speed
      : genesisTime;
    return Response.json({
      data: {
        genesis_time: String(Math.round(time / 1000)),
        genesis_validators_root: genesisValidatorsRoot ??
          `0x${"00".repeat(32)}`,
        genesis_fork_version: "0x00000000",
      },
    });
  }

  #spec(): Response {
    const { config } = this.#recording;
    if (config === undefined) {
      return errorResponse(404, "The recording does not have the spec");
    }
    const { slotDurationMs, slotsPerEpoch, attestationDueBps } = config;
    const slotMs = this.#isShifted
      ? Math.max(1, Math.round(slotDurationMs / this.#speed))
      : slotDurationMs;
    return Response.json({
      data: {
        SLOT_DURATION_MS: String(slotMs),
        SLOTS_PER_EPOCH: String(slotsPerEpoch),
        ...(attestationDueBps !== undefined &&
          { ATTESTATION_DUE_BPS: String(attestationDueBps) }),
      },
    });
  }

  async #stream(
    query: URLSearchParams,
    signal: AbortSignal,
  ): Promise<Response> {
    const topics = new Set(requestedTopics(query));
    if (topics.size === 0) {
      return errorResponse(400, "Missing query parameter: topics");
    }
    const joinedAt = this.#clock.now();
    const { ours, recorded } = await this.#begin();
    const events = this.#recording.events()[Symbol.asyncIterator]();
    const encoder = new TextEncoder();
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: async (controller) => {
        try {
          while (true) {
            const { done, value: event } = await events.next();
            if (done) {
              this.#finish();
              return controller.close();
            }
            const at = ours + (event.receivedAt - recorded) / this.#speed;
            if (this.#speed !== Infinity) {
              if (at < joinedAt) {
                this.#learn(event);
                continue;
              }
              const waitMs = Math.ceil(at - this.#clock.now());
              if (waitMs > 0) await sleep(this.#clock, waitMs, signal);
            }
            this.#learn(event);
            if (!topics.has(event.topic)) continue;
            const text = `event: ${event.topic}\ndata: ${
              event.raw.replaceAll("\n", "\ndata: ")
            }\n\n`;
            return controller.enqueue(encoder.encode(text));
          }
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      },
      cancel: async () => void await events.return?.(),
    }, { highWaterMark: 0 });
    return new Response(body, {
      headers: {
        "content-type": "text/event-stream",
        "cache-control": "no-store",
      },
    });
  }

  /** Takes in what an event shows of the chain. */
  #learn({ topic, raw }: RecordedEvent): void {
    if (
      topic !== "block" && topic !== "head" && topic !== "head_v2" &&
      topic !== "chain_reorg"
    ) {
      return;
    }
    let data;
    try {
      data = JSON.parse(raw);
    } catch {
      return;
    }
    if (topic === "head_v2") data = data.data;
    const slot = Number(data?.slot);
    if (!Number.isSafeInteger(slot)) return;
    if (topic === "chain_reorg") this.#reorg(slot, data);
    else {
      const block = this.#block(data.block, slot, this.#head?.root, data.state);
      if (topic !== "block") this.#head = block;
    }
  }

  #reorg(
    slot: number,
    data: {
      depth: string;
      old_head_block: string;
      new_head_block: string;
      new_head_state: string;
    },
  ): void {
    let ancestor = this.#blocks.get(data.old_head_block?.toLowerCase());
    while (
      ancestor !== undefined && ancestor.slot > slot - Number(data.depth)
    ) {
      ancestor = this.#blocks.get(ancestor.parent);
    }
    const block = this.#block(
      data.new_head_block,
      slot,
      ancestor?.root,
      data.new_head_state,
    );
    if (ancestor !== undefined && block.root !== ancestor.root) {
      block.parent = ancestor.root;
    }
    this.#head = block;
  }

  #block(
    root: string,
    slot: number,
    parent: string | undefined,
    state = UNKNOWN,
  ): RecordedBlock {
    const key = String(root).toLowerCase();
    let block = this.#blocks.get(key);
    if (block === undefined) {
      block = { root: key, slot, parent: parent ?? UNKNOWN, state };
      this.#blocks.set(key, block);
      if (this.#blocks.size > REMEMBERED_BLOCKS) {
        this.#blocks.delete(this.#blocks.keys().next().value!);
      }
    }
    if (state !== UNKNOWN) block.state = state;
    return block;
  }

  #header(id: string): Response {
    const block = id === "head"
      ? this.#head
      : id.startsWith("0x")
      ? this.#blocks.get(id)
      : [...this.#blocks.values()].findLast(({ slot }) => String(slot) === id);
    if (block === undefined) {
      return errorResponse(404, `Block not found: ${id}`);
    }
    return Response.json({
      execution_optimistic: false,
      finalized: false,
      data: {
        root: block.root,
        canonical: true,
        header: {
          message: {
            slot: String(block.slot),
            proposer_index: "0",
            parent_root: block.parent,
            state_root: block.state,
            body_root: UNKNOWN,
          },
          signature: `0x${"00".repeat(96)}`,
        },
      },
    });
  }
}

const ACTION = "replay a recording";
const UNKNOWN = `0x${"00".repeat(32)}`;
/** More than half a day of mainnet. */
const REMEMBERED_BLOCKS = 4096;
