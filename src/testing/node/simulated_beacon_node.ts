/** The simulated beacon node behind a real HTTP server. */

import { delay } from "@std/async/delay";
import { checkInteger, checkObject, refuse } from "../../values/check.ts";
import { NODE_FAULT_TYPES, type NodeFault } from "../faults/fault.ts";
import { SimulatedNode } from "./simulated_node.ts";
import type { SimulatedNodeOptions } from "./simulated_node_options.ts";

/** How long closing waits for clients to take what was sent, in milliseconds. */
const CLOSING_GRACE_MS = 100;

/** Options for {@linkcode SimulatedBeaconNode.start}. */
export interface SimulatedBeaconNodeOptions
  extends Omit<SimulatedNodeOptions, "url" | "faults"> {
  /**
   * Address to listen on.
   * @default {"127.0.0.1"}
   */
  hostname?: string;
  /**
   * TCP port to listen on; 0 takes a free one.
   * @default {0}
   */
  port?: number;
  /**
   * What is wrong from the start, as with {@linkcode SimulatedBeaconNode.fault}.
   * @default {nothing}
   */
  faults?: readonly NodeFault[];
}

/**
 * A {@linkcode SimulatedNode} that listens on a TCP port of this machine; needs
 * Deno and `--allow-net`. What can go wrong on the wire is caused by a
 * {@linkcode FaultProxy} in front of it.
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
export class SimulatedBeaconNode extends SimulatedNode {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  private constructor(options: SimulatedBeaconNodeOptions) {
    checkObject("start a node", "options", options);
    const { hostname = "127.0.0.1", port = 0, ...rest } = options;
    if (typeof hostname !== "string" || hostname === "") {
      refuse("start a node", "hostname", "an address", hostname);
    }
    checkInteger("start a node", "port", port, 0, 65_535);
    super(rest);
    const { signal } = this.#abort;
    try {
      this.#server = Deno.serve(
        { hostname, port, signal, onListen: () => {} },
        (request, info) => this.#serve(request, info),
      );
    } catch (error) {
      super.shutDown();
      throw error;
    }
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
    return new Promise((resolve) => resolve(new SimulatedBeaconNode(options)));
  }

  /** Base URL, such as `http://127.0.0.1:54321`. */
  override get url(): string {
    const { hostname, port } = this.#server.addr;
    return `http://${
      hostname.includes(":") ? `[${hostname}]` : hostname
    }:${port}`;
  }

  /** The types of the faults that {@linkcode fault} takes: all but those of the wire. */
  override get faultTypes(): readonly NodeFault["type"][] {
    return NODE_FAULT_TYPES;
  }

  #serve(
    { method, url, headers }: Request,
    { completed }: Deno.ServeHandlerInfo,
  ): Promise<Response> {
    const forget = (): void => void this.#underWay.delete(delivered);
    const delivered: Promise<void> = completed.then(forget, forget);
    this.#underWay.add(delivered);
    const { pathname: path, searchParams: query } = new URL(url);
    return this.handle({ method, path, query, headers: new Headers(headers) });
  }

  /** Waits a moment for answers that are under way, cuts off the rest, and frees the port. */
  protected override async shutDown(): Promise<void> {
    await super.shutDown();
    const grace = new AbortController();
    await Promise.race([
      Promise.all(this.#underWay),
      delay(CLOSING_GRACE_MS, { signal: grace.signal }).catch(() => {}),
    ]);
    grace.abort();
    this.#abort.abort();
    await this.#server.finished;
  }
}
