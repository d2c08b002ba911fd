/** A TCP proxy on loopback that damages what passes: stands in front of any node, simulated or real. */

import { delay } from "@std/async/delay";
import {
  type AddressInfo,
  createServer,
  type Server,
  type Socket,
} from "node:net";
import type { ActiveFault, FaultHandle } from "../faults/active_fault.ts";
import { checkFault } from "../faults/check_fault.ts";
import { WIRE_FAULT_TYPES, type WireFault } from "../faults/fault.ts";
import {
  type FaultProxyOptions,
  resolveProxyOptions,
} from "./fault_proxy_options.ts";
import { FaultSet } from "../faults/fault_set.ts";
import { Occurrences } from "../chain/occurrences.ts";
import { ProxiedConnection } from "./proxied_connection.ts";

/** Pause before a port is tried again that somebody else has taken meanwhile, in milliseconds. */
const RELISTEN_PAUSE_MS = 50;

/**
 * A TCP proxy that passes bytes on as they are until a fault is caused. Faults
 * strike the connections that are open, and those that come. Of several that
 * wait for a point in the bytes, a connection takes one after another.
 *
 * @example Reset in the middle of a line
 * ```ts
 * import { FaultProxy, SimulatedBeaconNode } from "@org/beacon-sse/testing";
 * import { assertRejects } from "@std/assert";
 *
 * await using node = await SimulatedBeaconNode.start({ autoplay: false });
 * await using proxy = await FaultProxy.start({ target: node.url });
 * const response = await fetch(`${proxy.url}/eth/v1/events?topics=head`);
 * await node.whenConnected();
 * const reset = proxy.fault({ type: "reset", inMidLine: true, times: 1 });
 * await node.produceBlock();
 * await reset.whenHit();
 * await assertRejects(() => response.text());
 * ```
 */
export class FaultProxy implements AsyncDisposable {
  readonly #url: URL;
  #port: number;
  readonly #target: Deno.ConnectOptions;
  readonly #hostname: string;
  readonly #faults = new FaultSet<WireFault>();
  /** Those that are open, and when they are done. */
  readonly #connections = new Map<ProxiedConnection, Promise<void>>();
  readonly #accepted = new Occurrences();
  readonly #life = new AbortController();
  #server: Server | undefined;
  #listening: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(target: URL, hostname: string, port: number) {
    this.#target = {
      hostname: target.hostname.replace(/^\[|\]$/g, ""),
      port: Number(target.port || 80),
    };
    this.#url = new URL(target);
    this.#url.hostname = hostname.includes(":") ? `[${hostname}]` : hostname;
    this.#hostname = hostname;
    this.#port = port;
  }

  /**
   * Starts a proxy; it listens when the promise resolves. Whether the node is
   * there shows with the first connection.
   *
   * @param options Where the node is, and what is wrong.
   * @returns The proxy; leave it by `await using`, or `close()` it.
   * @throws {RangeError} An option is out of its range.
   * @throws {TypeError} An option is of the wrong type.
   * @throws {Deno.errors.AddrInUse} The port is taken.
   */
  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const { target, hostname, port, faults } = resolveProxyOptions(options);
    const proxy = new FaultProxy(target, hostname, port);
    await proxy.#listen();
    for (const fault of faults) proxy.fault(fault);
    return proxy;
  }

  /** Base URL of the node through the proxy, without a slash at its end where there is no path. */
  get url(): string {
    return this.#url.href.replace(/\/$/, "");
  }

  /** How many connections were accepted since the start. */
  get connectionCount(): number {
    return this.#accepted.count;
  }

  /** How many connections are open now. */
  get openConnections(): number {
    return this.#connections.size;
  }

  /** The faults that are on, oldest first. */
  get faults(): readonly WireFault[] {
    return this.#faults.faults;
  }

  /**
   * Waits until so many connections have been accepted since the start.
   *
   * @param count How many, 1 or more.
   * @throws {Error} The proxy was closed before.
   */
  whenConnected(count = 1): Promise<void> {
    return this.#accepted.when(count);
  }

  /** Waits until the proxy listens again after `refuse` was healed, which takes a moment. */
  async whenListening(): Promise<void> {
    await this.#listening;
  }

  /**
   * Causes a fault.
   *
   * @param fault What goes wrong, as plain data.
   * @returns The fault, to see how often it strikes and to heal it.
   * @throws {RangeError} An option of it is out of its range.
   * @throws {TypeError} An option of it is of the wrong type, or there is no such option or fault.
   */
  fault<F extends WireFault>(fault: F): ActiveFault<F> {
    checkFault(fault, WIRE_FAULT_TYPES);
    const times = "times" in fault ? fault.times ?? Infinity : Infinity;
    const handle = this.#faults.add(fault, times);
    const general = handle as unknown as FaultHandle<WireFault>;
    if (fault.type === "refuse") this.#refuse(general);
    for (const connection of this.#connections.keys()) {
      connection.apply(general);
    }
    return handle;
  }

  /** Ends all faults. */
  heal(): void {
    this.#faults.heal();
  }

  /** Closes all connections and frees the port. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  /** Same as `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#life.abort();
    this.#accepted.end(new Error("Cannot wait: the proxy is closed"));
    this.heal();
    this.#server?.close();
    for (const connection of this.#connections.keys()) connection.close();
    await Promise.all([...this.#connections.values(), this.#listening]);
  }

  #accept(client: Socket): void {
    const connection = new ProxiedConnection(client);
    for (const handle of this.#faults.striking()) connection.apply(handle);
    const done = connection.carry(this.#target)
      .finally(() => this.#connections.delete(connection));
    this.#connections.set(connection, done);
    this.#accepted.happen();
  }

  #refuse(handle: FaultHandle<WireFault>): void {
    this.#server?.close();
    this.#server = undefined;
    handle.healed.addEventListener("abort", () => {
      this.#listening = this.#listening.then(() => this.#relisten());
    }, { once: true });
  }

  /** Whether clients are to be accepted. */
  get #isWanted(): boolean {
    return !this.#life.signal.aborted &&
      this.#faults.ofType("refuse").length === 0;
  }

  async #relisten(): Promise<void> {
    const { signal } = this.#life;
    while (this.#isWanted && !this.#server) {
      await this.#listen()
        .catch(() => delay(RELISTEN_PAUSE_MS, { signal }).catch(() => {}));
    }
  }

  async #listen(): Promise<void> {
    const server = createServer((client) => this.#accept(client));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.on("error", reject);
    server.listen(this.#port, this.#hostname, resolve);
    try {
      await promise;
    } catch (cause) {
      if ((cause as { code?: string }).code !== "EADDRINUSE") throw cause;
      throw new Deno.errors.AddrInUse(
        `Cannot start a proxy: port ${this.#port} is taken`,
        { cause },
      );
    }
    this.#port = (server.address() as AddressInfo).port;
    this.#url.port = String(this.#port);
    if (this.#isWanted) this.#server = server;
    else server.close();
  }
}
