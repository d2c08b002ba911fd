/** One TCP connection through a proxy, and what goes wrong on it. */

import { delay } from "@std/async/delay";
import type { Socket } from "node:net";
import type { FaultHandle } from "../faults/active_fault.ts";
import type { WireFault } from "../faults/fault.ts";
import { StrikePoint } from "../faults/strike_point.ts";
import type {
  CutFault,
  DripFault,
  HalfOpenFault,
  ResetFault,
  StallFault,
} from "../faults/wire_fault.ts";

/** Most bytes that are on their way from the target to the client. */
const CHUNK_BYTES = 64 * 1024;

/** A fault that waits for its point. */
interface WaitingFault {
  handle: FaultHandle<ResetFault | CutFault | HalfOpenFault | StallFault>;
  point: StrikePoint;
  /** Set once it strikes: settles when bytes may pass again. */
  over?: Promise<void>;
}

/** Carries bytes both ways until one side ends, or a fault ends it. */
export class ProxiedConnection {
  /** Resolves when the client's side is closed. */
  readonly closed: Promise<void>;
  readonly #client: Socket;
  readonly #gone = new AbortController();
  /** They strike one after another. */
  readonly #waiting: WaitingFault[] = [];
  #drips: FaultHandle<DripFault>[] = [];
  #isEnding = false;

  /** Takes a client that has connected. */
  constructor(client: Socket) {
    this.#client = client;
    client.setNoDelay(true);
    // Its "close" follows; without a listener the error would be thrown.
    client.on("error", () => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    client.once("close", () => {
      this.#gone.abort();
      resolve();
    });
  }

  /** Puts a fault on the connection, if it may strike one more. */
  apply(handle: FaultHandle<WireFault>): void {
    if (!handle.claim()) return;
    const { fault } = handle;
    switch (fault.type) {
      case "refuse":
        handle.hit();
        return this.reset();
      case "slam":
        handle.hit();
        return this.#end();
      case "drip":
        handle.hit();
        this.#drips.push(handle as FaultHandle<DripFault>);
        return;
      default:
        this.#waiting.push({
          handle: handle as WaitingFault["handle"],
          point: new StrikePoint(fault),
        });
        this.#strike();
    }
  }

  /** Carries bytes to and from a target until the connection is closed. */
  async carry(target: Deno.ConnectOptions): Promise<void> {
    if (this.#isEnding) return await this.closed;
    const { signal } = this.#gone;
    try {
      using upstream = await Deno.connect({ ...target, signal });
      const close = () => upstream[Symbol.dispose]();
      signal.addEventListener("abort", close, { once: true });
      upstream.setNoDelay(true);
      await Promise.race([this.#send(upstream), this.#deliver(upstream)]);
      this.#end();
    } catch {
      // The target is not there or has reset its side: so is the client's.
      this.reset();
    }
    await this.closed;
  }

  /** Resets the client's side. */
  reset(): void {
    this.#isEnding = true;
    this.#client.resetAndDestroy();
  }

  /** Closes the client's side at once. */
  close(): void {
    this.#isEnding = true;
    this.#client.destroy();
  }

  /** Ends the client's side cleanly, after what was written. */
  #end(): void {
    this.#isEnding = true;
    // What is not read would turn the end into a reset.
    this.#client.resume();
    this.#client.destroySoon();
  }

  /** From the client to the target, until the client ends. */
  async #send(upstream: Deno.TcpConn): Promise<void> {
    for await (const bytes of this.#client) {
      for (let rest: Uint8Array = bytes; rest.length > 0;) {
        // Where the target has gone, the other direction tells.
        const written = await upstream.write(rest).catch(() => rest.length);
        rest = rest.subarray(written);
      }
    }
  }

  /** From the target to the client, until the target ends. */
  async #deliver(upstream: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    try {
      while (true) {
        const count = await upstream.read(buffer);
        if (count === null) break;
        await this.#pass(buffer.subarray(0, count));
      }
    } finally {
      // A half-open connection does not even tell of an end.
      await this.#struck();
    }
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      await this.#struck();
      const drip = this.#drip();
      const most = drip ? drip.fault.bytes ?? 1 : rest.length;
      const next = rest.subarray(0, most);
      const passing = this.#waiting[0]?.point.pass(next) ?? next.length;
      await this.#write(rest.subarray(0, passing));
      rest = rest.subarray(passing);
      if (drip) await this.#pause(drip.fault.intervalMs ?? 1, drip.healed);
    }
    this.#strike();
  }

  /** Strikes as often as it is due, and waits until bytes may pass. */
  async #struck(): Promise<void> {
    while (this.#strike()) {
      await this.#waiting[0]!.over;
      this.#waiting.shift();
    }
  }

  /** Lets the first waiting fault strike if its point is reached; true if it does. */
  #strike(): boolean {
    while (this.#waiting[0] && isHealed(this.#waiting[0])) {
      this.#waiting.shift();
    }
    const [first] = this.#waiting;
    if (!first?.point.isReached) return false;
    if (!first.over) {
      first.over = this.#happen(first.handle);
      first.handle.hit();
    }
    return true;
  }

  #happen({ fault, healed }: WaitingFault["handle"]): Promise<void> {
    if (fault.type === "stall") {
      return this.#pause(fault.ms ?? Infinity, healed);
    }
    if (fault.type === "reset") this.reset();
    if (fault.type === "cut") this.#end();
    return this.closed;
  }

  /** Waits so long, but not longer than the client and the fault are there. */
  async #pause(ms: number, healed: AbortSignal): Promise<void> {
    if (ms === 0) return;
    const signal = AbortSignal.any([healed, this.#gone.signal]);
    if (ms < Infinity) return await delay(ms, { signal }).catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (!signal.aborted) await promise;
  }

  /** The newest drip. */
  #drip(): FaultHandle<DripFault> | undefined {
    if (this.#drips.length === 0) return undefined;
    this.#drips = this.#drips.filter(({ healed }) => !healed.aborted);
    return this.#drips.at(-1);
  }

  #write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#client.write(bytes, (error) => error ? reject(error) : resolve());
    return promise;
  }
}

/** A fault that is healed does not strike any more; a dead connection stays dead. */
function isHealed({ handle, over }: WaitingFault): boolean {
  return handle.healed.aborted && over === undefined;
}
