/** A TCP proxy on loopback that damages what passes: stands in front of any node, simulated or real. */

import { delay } from "@std/async/delay";
import type { AddressInfo, Server, Socket } from "node:net";
import { checkInteger, checkObject, refuse } from "../../values/check.ts";
import {
  type ActiveFault,
  type FaultHandle,
  FaultSet,
  Occurrences,
} from "../faults/active_fault.ts";
import { checkFault, WIRE_FAULT_TYPES } from "../faults/fault.ts";
import type { WireFault } from "../faults/wire_faults.ts";
import { RUNTIME_CLOCK } from "../node/clock.ts";
import { Wire, type WireEnd } from "./wire.ts";

/** Options for {@linkcode FaultProxy.start}. */
export interface FaultProxyOptions {
  /** Base URL of the node, `http:` only; its path and query become the proxy's. */
  target: string | URL;
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
   * What is wrong from the start, as with {@linkcode FaultProxy.fault}.
   * @default {nothing}
   */
  faults?: readonly WireFault[];
}

/** Pause before the proxy tries to listen again on a port that another process took, in milliseconds. */
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
    checkObject("start a proxy", "options", options);
    const { hostname = "127.0.0.1", port = 0, faults = [] } = options;
    const target = checkTarget(options.target);
    if (typeof hostname !== "string" || hostname === "") {
      refuse("start a proxy", "hostname", "an address", hostname);
    }
    checkInteger("start a proxy", "port", port, 0, 65_535);
    if (!Array.isArray(faults)) {
      refuse("start a proxy", "faults", "an array", faults);
    }
    for (const fault of faults) checkFault(fault, WIRE_FAULT_TYPES);
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
    const handle = this.#faults.add(fault);
    const general = handle as unknown as FaultHandle<WireFault>;
    if (fault.type === "refuse") this.#refuse(general);
    for (const connection of this.#connections.keys()) {
      connection.wire.apply(general);
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
    for (const handle of this.#faults.striking()) connection.wire.apply(handle);
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
      this.#faults.find("refuse") === undefined;
  }

  async #relisten(): Promise<void> {
    const { signal } = this.#life;
    while (this.#isWanted && !this.#server) {
      await this.#listen()
        .catch(() => delay(RELISTEN_PAUSE_MS, { signal }).catch(() => {}));
    }
  }

  async #listen(): Promise<void> {
    // The second argument keeps it out of a browser's bundle of the simulated node.
    const { createServer } = await import("node:net", {});
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

/** The most bytes that are on their way from the target to the client. */
const CHUNK_BYTES = 64 * 1024;

/** Carries bytes both ways until one side ends, or a fault ends it. */
class ProxiedConnection implements WireEnd {
  readonly wire: Wire = new Wire(this, RUNTIME_CLOCK);
  readonly #client: Socket;
  readonly #gone = new AbortController();
  /** Resolves when the client's side is closed. */
  readonly #whenClosed: Promise<void>;
  #isEnding = false;

  /** Takes a client that has connected. */
  constructor(client: Socket) {
    this.#client = client;
    client.setNoDelay(true);
    // Its "close" follows; without a listener the error would be thrown.
    client.on("error", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenClosed = promise;
    client.once("close", () => {
      this.#gone.abort();
      resolve();
    });
  }

  get closed(): AbortSignal {
    return this.#gone.signal;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#client.write(bytes, (error) => error ? reject(error) : resolve());
    return promise;
  }

  reset(): void {
    this.#isEnding = true;
    this.#client.resetAndDestroy();
  }

  end(): void {
    this.#isEnding = true;
    // What is not read would turn the end into a reset.
    this.#client.resume();
    this.#client.destroySoon();
  }

  /** Closes the client's side at once. */
  close(): void {
    this.#isEnding = true;
    this.#client.destroy();
  }

  /** Carries bytes to and from a target until the connection is closed. */
  async carry(target: Deno.ConnectOptions): Promise<void> {
    if (this.#isEnding) return await this.#whenClosed;
    const { signal } = this.#gone;
    try {
      const upstream = await Deno.connect({ ...target, signal });
      const close = () => upstream[Symbol.dispose]();
      signal.addEventListener("abort", close, { once: true });
      upstream.setNoDelay(true);
      try {
        await Promise.race([this.#send(upstream), this.#deliver(upstream)]);
      } finally {
        close();
      }
      this.end();
    } catch {
      // The target is not there or has reset its side: so is the client's.
      this.reset();
    }
    await this.#whenClosed;
  }

  /** From the client to the target, until the client ends. */
  async #send(upstream: Deno.TcpConn): Promise<void> {
    for await (const bytes of this.#client) {
      for (let rest: Uint8Array = bytes; rest.length > 0;) {
        // Where the target has gone, the other direction shows it.
        const written = await upstream.write(rest).catch(() => rest.length);
        rest = rest.subarray(written);
      }
    }
  }

  /** From the target to the client, until the target ends. */
  async #deliver(upstream: Deno.TcpConn): Promise<void> {
    while (true) {
      const buffer = new Uint8Array(CHUNK_BYTES);
      let count: number | null;
      try {
        count = await upstream.read(buffer);
      } catch (error) {
        await this.wire.struck();
        throw error;
      }
      if (count === null) return await this.wire.finish();
      await this.wire.pass(buffer.subarray(0, count));
    }
  }
}

function checkTarget(target: string | URL): URL {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url?.protocol === "http:") return url;
  throw new TypeError(
    `Cannot start a proxy: target must be an http: URL, got ${
      url ? `${url.protocol}//${url.host}` : target
    }`,
  );
}
