/** A beacon node to test against: a real HTTP server on loopback with a simulated chain behind it. */

import type { ActiveFault } from "../faults/active_fault.ts";
import type {
  ProduceBlockOptions,
  ReorgOptions,
} from "../chain/block_script.ts";
import type { EventConnection } from "./event_connection.ts";
import type { NodeFault } from "../faults/fault.ts";
import type { ReceivedRequest } from "./http_server.ts";
import { assembleNode, type NodeParts } from "./node_parts.ts";
import {
  type ResolvedOptions,
  resolveOptions,
  type SimulatedBeaconNodeOptions,
} from "./simulated_beacon_node_options.ts";
import type { SimulatedBlock } from "../chain/simulated_block.ts";
import type {
  SimulatedCheckpoint,
  SimulatedReorg,
} from "../chain/simulated_chain.ts";

/**
 * A beacon node that lives by a slot clock: in each slot a block is seen on
 * gossip, imported, and becomes the head; some slots stay empty, some blocks
 * come late, some take others back. All of it follows from a seed.
 *
 * It serves `GET /eth/v1/events` and, as the Beacon API has them, genesis,
 * spec, headers, version, sync state and health. On the wire events have
 * Lighthouse's form, `event:head` without a space; `Accept` is not looked at.
 *
 * @example Follow it by its clock
 * ```ts
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertStringIncludes } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ slotDurationMs: 200 });
 * const response = await fetch(`${node.url}/eth/v1/events?topics=head,chain_reorg`);
 * for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
 *   assertStringIncludes(text, "event:head");
 *   break;
 * }
 * ```
 *
 * @example Script it
 * ```ts
 * import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * const block = await node.produceBlock();
 * const reorg = node.reorg({ depth: 2 });
 * assertEquals(reorg.oldHead, block);
 * assertEquals(node.head, reorg.newHead);
 * node.emit("head", "not JSON");
 * node.disconnect();
 * ```
 */
export class SimulatedBeaconNode implements AsyncDisposable {
  readonly #life = new AbortController();
  readonly #parts: NodeParts;
  readonly #playing: Promise<void>;
  #closing: Promise<void> | undefined;

  private constructor(options: ResolvedOptions) {
    const { signal } = this.#life;
    this.#parts = assembleNode(options, signal);
    this.#playing = options.autoplay
      ? this.#parts.player.play(options.startSlot + 1, signal)
      : Promise.resolve();
  }

  /**
   * Starts a node; it listens, and its clock runs, when the promise resolves.
   *
   * @param options What the chain is like and how the node behaves.
   * @returns The node; leave it by `await using`, or `close()` it.
   * @throws {RangeError} An option is out of its range.
   * @throws {TypeError} An option is of the wrong type.
   * @throws {Deno.errors.AddrInUse} The port is taken.
   */
  static start(
    options: SimulatedBeaconNodeOptions = {},
  ): Promise<SimulatedBeaconNode> {
    return new Promise((resolve) =>
      resolve(new SimulatedBeaconNode(resolveOptions(options)))
    );
  }

  /** Base URL, such as `http://127.0.0.1:54321`. */
  get url(): string {
    return this.#parts.server.url;
  }

  /** Unix time of slot 0, in milliseconds. */
  get genesisTime(): number {
    return this.#parts.clock.genesisTime;
  }

  /** Length of a slot in milliseconds. */
  get slotDurationMs(): number {
    return this.#parts.clock.slotDurationMs;
  }

  /** Length of an epoch in slots. */
  get slotsPerEpoch(): number {
    return this.#parts.chain.slotsPerEpoch;
  }

  /** The slot that is under way by the clock. */
  get slot(): number {
    return this.#parts.clock.slot;
  }

  /** The newest block of the canonical branch. */
  get head(): SimulatedBlock {
    return this.#parts.chain.head;
  }

  /** The newest checkpoint that no reorg can undo: two epochs behind the head. */
  get finalized(): SimulatedCheckpoint {
    return this.#parts.chain.finalized;
  }

  /** The faults that are on, oldest first. */
  get faults(): readonly NodeFault[] {
    return this.#parts.faults.list;
  }

  /** The last 1,000 requests of any kind, oldest first. */
  get requests(): readonly ReceivedRequest[] {
    return this.#parts.server.requests;
  }

  /** The event streams that are open now, oldest first. */
  get connections(): readonly EventConnection[] {
    return this.#parts.streams.connections;
  }

  /** How many event streams were opened since the start. */
  get connectionCount(): number {
    return this.#parts.streams.accepted;
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
    return this.#parts.streams.whenAccepted(count);
  }

  /**
   * Adds a block, makes it the head, and tells the listeners: `block_gossip`,
   * `block`, then `head` (with `chain_reorg` before, where its parent is not
   * the head).
   *
   * @param options Its slot and parent, and when the events come.
   * @returns The block, when all events are sent.
   * @throws {RangeError} No such parent, or the slot is not after its parent's.
   */
  produceBlock(options: ProduceBlockOptions = {}): Promise<SimulatedBlock> {
    return this.#parts.script.produceBlock(options);
  }

  /**
   * Replaces the newest blocks by a branch of the same length, and tells the
   * listeners at once: `block_gossip` and `block` for each new block, then
   * `chain_reorg` and `head`. The new headers lead to the common ancestor; the
   * old ones are still found by root.
   *
   * @param options How deep.
   * @returns What the `chain_reorg` event says, with the blocks.
   * @throws {RangeError} The depth is not a positive integer, or reaches below
   * the finalized block.
   */
  reorg(options: ReorgOptions = {}): SimulatedReorg {
    return this.#parts.script.reorg(options);
  }

  /**
   * Sends an event of any content to those who asked for its topic.
   *
   * @param topic Name of the event.
   * @param data Its data: a text is sent as it is, anything else as JSON.
   * @throws {TypeError} The data has no JSON form.
   */
  emit(topic: string, data: unknown): void {
    this.#parts.streams.publish(topic, data);
  }

  /** Sends a comment to every event stream. */
  emitComment(text: string): void {
    this.#parts.streams.send({ comment: text });
  }

  /** Sends bytes, which may be made as the client reads, or a text in UTF-8, to every event stream as they are. */
  emitRaw(
    frame: string | Uint8Array<ArrayBuffer> | Iterable<Uint8Array<ArrayBuffer>>,
  ): void {
    this.#parts.streams.send(
      typeof frame === "string" ? new TextEncoder().encode(frame) : frame,
    );
  }

  /** Ends all event streams cleanly, after what was sent; new ones are welcome. */
  disconnect(): void {
    this.#parts.streams.disconnect();
  }

  /**
   * Causes a fault. Faults of streams strike those that are open and those that
   * come; of several that would answer a request, the oldest does.
   *
   * @param fault What goes wrong, as plain data.
   * @returns The fault, to see how often it strikes and to heal it.
   * @throws {RangeError} An option of it is out of its range.
   * @throws {TypeError} An option of it is of the wrong type, or there is no such option or fault.
   */
  fault<F extends NodeFault>(fault: F): ActiveFault<F> {
    return this.#parts.faults.cause(fault);
  }

  /** Ends all faults. */
  heal(): void {
    this.#parts.faults.heal();
  }

  /** Ends the clock, all event streams and the server; a client that does not read is cut off after 100 ms. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#life.abort(new Error("The simulated node is closed"));
    this.heal();
    this.#parts.streams.close();
    await this.#playing;
    await this.#parts.server.close();
  }
}
