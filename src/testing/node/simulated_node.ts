/** The simulated beacon node itself: a chain that lives by a clock, and a `fetch` that reaches it. */

import {
  BlockScript,
  type ProduceBlockOptions,
  type ReorgOptions,
} from "../chain/block_script.ts";
import { ChainEvents } from "../chain/chain_events.ts";
import {
  type SimulatedBlock,
  SimulatedChain,
  type SimulatedCheckpoint,
  type SimulatedReorg,
} from "../chain/simulated_chain.ts";
import { seededWords, takeHex } from "../chain/random.ts";
import { anchorSlotFor, SlotPlayer } from "../chain/slot_player.ts";
import { SlotSchedule } from "../chain/slot_schedule.ts";
import {
  type ActiveFault,
  type FaultHandle,
  FaultSet,
} from "../faults/active_fault.ts";
import type { NewChainFault } from "../faults/chain_faults.ts";
import {
  checkFault,
  type Fault,
  FAULT_TYPES,
  isWireFault,
  type NodeFault,
} from "../faults/fault.ts";
import type { WireFault } from "../faults/wire_faults.ts";
import { BeaconApi, type IncomingRequest } from "./beacon_api.ts";
import { NodeClock, type SimulatedClock } from "./clock.ts";
import type { EventConnection } from "./event_connection.ts";
import { EventStreams } from "./event_streams.ts";
import { MemoryWire } from "./memory_wire.ts";
import { NodeFaults } from "./node_faults.ts";
import {
  resolveOptions,
  type SimulatedNodeOptions,
} from "./simulated_node_options.ts";

/** A request that the node has received. */
export interface ReceivedRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path of the URL. */
  readonly path: string;
  /** Query of the URL. */
  readonly query: URLSearchParams;
  /** Headers of the request. */
  readonly headers: Headers;
  /** Unix time, in milliseconds. */
  readonly receivedAt: number;
  /** Status of the answer; 0 where there was none, or is none yet. */
  readonly status: number;
}

/** How many requests are remembered. */
const REMEMBERED_REQUESTS = 1_000;

/**
 * A beacon node that lives by a slot clock: in each slot a block is seen on
 * gossip, imported, and becomes the head; some slots stay empty, some blocks
 * come late, some take others back. All of it follows from a seed.
 *
 * It serves `GET /eth/v1/events` and, as the Beacon API has them, genesis,
 * spec, headers, version, sync state and health. On the wire events have
 * Lighthouse's form, `event:head` without a space; `Accept` is not looked at.
 *
 * This one has no socket: `fetch` reaches it in memory, in any runtime, and
 * with a `clock` of your own in simulated time. For a real HTTP server see
 * {@linkcode SimulatedBeaconNode}.
 *
 * @example Give its `fetch` to a listener
 * ```ts
 * import { SseListener } from "@org/beacon-sse";
 * import { SimulatedNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = new SimulatedNode({ autoplay: false });
 * await using listener = await SseListener.start({ nodes: [node.url], fetch: node.fetch });
 * const events = listener.events({ topics: ["head"] });
 * await node.whenConnected();
 * const block = await node.produceBlock();
 * for await (const event of events) {
 *   assertEquals(event.data.block, block.root);
 *   break;
 * }
 * ```
 */
export class SimulatedNode implements AsyncDisposable {
  readonly #url: string;
  readonly #life = new AbortController();
  readonly #clock: SimulatedClock;
  readonly #slots: NodeClock;
  readonly #chain: SimulatedChain;
  readonly #streams: EventStreams;
  readonly #player: SlotPlayer;
  readonly #script: BlockScript;
  readonly #nodeFaults = new FaultSet<NodeFault>();
  readonly #wireFaults = new FaultSet<WireFault>();
  readonly #faults: NodeFaults;
  readonly #wire: MemoryWire;
  readonly #api: BeaconApi;
  readonly #requests: ReceivedRequest[] = [];
  readonly #autoplay: boolean;
  /** Ends the chain that is played. */
  #playing = new AbortController();
  #played: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /**
   * Makes a node; its clock runs at once.
   *
   * @param options What the chain is like and how the node behaves.
   * @throws {RangeError} An option is out of its range.
   * @throws {TypeError} An option is of the wrong type.
   */
  constructor(options: SimulatedNodeOptions = {}) {
    const resolved = resolveOptions(options, this.faultTypes);
    const { clock, seed, startSlot, slotsPerEpoch, url } = resolved;
    const { signal } = this.#life;
    this.#url = url;
    this.#clock = clock;
    this.#autoplay = resolved.autoplay;
    const slots = this.#slots = new NodeClock(resolved);
    const anchorSlot = anchorSlotFor(startSlot);
    const chain = this.#chain = new SimulatedChain({
      seed,
      slotsPerEpoch,
      anchorSlot,
    });
    const streams = this.#streams = new EventStreams(resolved);
    const schedule = new SlotSchedule(resolved);
    const parts = {
      ...resolved,
      signal,
      slots,
      chain,
      schedule,
      streams,
      faults: this.#nodeFaults,
    };
    this.#faults = new NodeFaults({
      ...parts,
      script: () => this.#script,
      restart: (fault) => this.#restart(fault),
    });
    const events = new ChainEvents(chain, this.#faults);
    this.#script = new BlockScript({ ...parts, events });
    this.#player = new SlotPlayer({
      ...parts,
      events,
      ownBranch: () => this.#nodeFaults.find("own-branch") && `own ${url}`,
    });
    this.#api = new BeaconApi({
      ...parts,
      strikeNew: (connection) => this.#faults.strikeNew(connection),
    });
    this.#wire = new MemoryWire({
      clock,
      signal,
      url: () => this.url,
      faults: this.#wireFaults,
      respond: (request) => this.handle(request),
    });
    this.#player.replay(startSlot);
    for (const fault of resolved.faults) this.fault(fault);
    this.#play(startSlot + 1);
  }

  /** Base URL. */
  get url(): string {
    return this.#url;
  }

  /** The types of the faults that {@linkcode fault} takes. */
  get faultTypes(): readonly Fault["type"][] {
    return FAULT_TYPES;
  }

  /** The clock that it lives by. */
  get clock(): SimulatedClock {
    return this.#clock;
  }

  /** Unix time of slot 0, in milliseconds. */
  get genesisTime(): number {
    return this.#slots.genesisTime;
  }

  /** What `genesis_validators_root` reports: the root by which chains differ. */
  get genesisValidatorsRoot(): string {
    return this.#chain.validatorsRoot;
  }

  /** Length of a slot in milliseconds. */
  get slotDurationMs(): number {
    return this.#slots.slotDurationMs;
  }

  /** Length of an epoch in slots. */
  get slotsPerEpoch(): number {
    return this.#chain.slotsPerEpoch;
  }

  /** The slot that is under way by the clock. */
  get slot(): number {
    return this.#slots.slot;
  }

  /** The newest block of the canonical branch. */
  get head(): SimulatedBlock {
    return this.#chain.head;
  }

  /** The newest checkpoint that no reorg can undo: two epochs behind the head. */
  get finalized(): SimulatedCheckpoint {
    return this.#chain.finalized;
  }

  /** The faults that are on, oldest first; those of the wire come last. */
  get faults(): readonly Fault[] {
    return [...this.#nodeFaults.faults, ...this.#wireFaults.faults];
  }

  /** The last 1,000 requests of any kind, oldest first. */
  get requests(): readonly ReceivedRequest[] {
    return [...this.#requests];
  }

  /** The event streams that are open now, oldest first. */
  get connections(): readonly EventConnection[] {
    return this.#streams.connections;
  }

  /** How many event streams were opened since the start. */
  get connectionCount(): number {
    return this.#streams.accepted;
  }

  /**
   * Sends a request to the node, as the global `fetch` would: to be given to a
   * client in its place. It rejects for other hosts, and follows no redirects.
   */
  readonly fetch: typeof fetch = (input, init) => this.#wire.fetch(input, init);

  /** The block with this root on any branch, as long as it is remembered: 32 epochs. */
  block(root: string): SimulatedBlock | undefined {
    return this.#chain.byRoot(root);
  }

  /**
   * Waits until so many event streams have been opened since the start, so
   * that what is sent next reaches them.
   *
   * @param count How many, 1 or more.
   * @returns The newest one of them.
   * @throws {Error} The node was closed before.
   */
  whenConnected(count = 1): Promise<EventConnection> {
    return this.#streams.whenAccepted(count);
  }

  /**
   * Adds a block, makes it the head, and sends the events: `block_gossip`,
   * `block`, then `head` (with `chain_reorg` before, where its parent is not
   * the head).
   *
   * @param options Its slot and parent, and when the events come.
   * @returns The block, when all events are sent.
   * @throws {RangeError} No such parent, or the slot is not after its parent's.
   */
  produceBlock(options: ProduceBlockOptions = {}): Promise<SimulatedBlock> {
    return this.#script.produceBlock(options);
  }

  /**
   * Replaces the newest blocks by a branch of the same length, and sends the
   * events at once: `block_gossip` and `block` for each new block, then
   * `chain_reorg` and `head`. The new headers lead to the common ancestor; the
   * old ones are still found by root.
   *
   * @param options How deep.
   * @returns What the `chain_reorg` event reports, with the blocks.
   * @throws {RangeError} The depth is not a positive integer, or reaches below
   * the finalized block.
   */
  reorg(options: ReorgOptions = {}): SimulatedReorg {
    return this.#script.reorg(options);
  }

  /**
   * Sends an event of any content to those that requested its topic.
   *
   * @param topic Name of the event.
   * @param data Its data: a text is sent as it is, anything else as JSON.
   * @throws {TypeError} The data has no JSON form.
   */
  emit(topic: string, data: unknown): void {
    this.#streams.publish(topic, data);
  }

  /** Sends a comment to every event stream. */
  emitComment(text: string): void {
    this.#streams.send({ comment: text });
  }

  /** Sends bytes, which may be made as the client reads, or a text in UTF-8, to every event stream as they are. */
  emitRaw(
    frame: string | Uint8Array<ArrayBuffer> | Iterable<Uint8Array<ArrayBuffer>>,
  ): void {
    this.#streams.send(
      typeof frame === "string" ? new TextEncoder().encode(frame) : frame,
    );
  }

  /** Ends all event streams cleanly, after what was sent; new ones are welcome. */
  disconnect(): void {
    this.#streams.disconnect();
  }

  /**
   * Causes a fault. Faults of streams strike those that are open and those that
   * come; of several that would answer a request, the oldest does. Faults of
   * the wire strike what goes through {@linkcode fetch}.
   *
   * @param fault What goes wrong, as plain data.
   * @returns The fault, to see how often it strikes and to heal it.
   * @throws {RangeError} An option of it is out of its range.
   * @throws {TypeError} An option of it is of the wrong type, or there is no such option or fault.
   */
  fault<F extends Fault>(fault: F): ActiveFault<F> {
    checkFault(fault, this.faultTypes);
    const isOnWire = isWireFault(fault) && this.faultTypes.includes("refuse");
    if (!isOnWire) {
      return this.#faults.cause(fault as NodeFault) as ActiveFault<F>;
    }
    const handle = this.#wireFaults.add(fault);
    this.#wire.strike(handle as unknown as FaultHandle<WireFault>);
    return handle as unknown as ActiveFault<F>;
  }

  /** Ends all faults. */
  heal(): void {
    this.#nodeFaults.heal();
    this.#wireFaults.heal();
  }

  /** Ends the clock and all event streams; later requests are refused. */
  close(): Promise<void> {
    return this.#closing ??= this.shutDown();
  }

  /** Same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Answers a request, however it has come. */
  protected async handle(request: IncomingRequest): Promise<Response> {
    const received = {
      ...request,
      receivedAt: this.#clock.now(),
      status: 0,
    };
    this.#requests.push(received);
    if (this.#requests.length > REMEMBERED_REQUESTS) this.#requests.shift();
    const response = await this.#api.respond(request);
    received.status = response.status;
    return response;
  }

  /** What `close()` does, once. */
  protected async shutDown(): Promise<void> {
    this.#life.abort(new Error("The simulated node is closed"));
    this.#playing.abort();
    this.heal();
    this.#streams.close();
    await this.#played;
  }

  #play(from: number): void {
    if (!this.#autoplay) return;
    const ended = this.#played;
    const playing = this.#player.play(from, this.#playing.signal);
    this.#played = Promise.all([ended, playing]).then(() => {});
  }

  #restart({ sameRoot = false, inSeconds = 0 }: NewChainFault): void {
    const genesis = Math.ceil(this.#clock.now() / 1_000 + inSeconds);
    const key = `${this.#chain.validatorsRoot} ${genesis}`;
    this.#playing.abort();
    this.#playing = new AbortController();
    this.#slots.restart(genesis * 1_000);
    const root = takeHex(seededWords(key, "validators"), 32);
    this.#chain.restart({
      seed: key,
      ...!sameRoot && { validatorsRoot: root },
    });
    this.#player.forget();
    this.#play(1);
  }
}
