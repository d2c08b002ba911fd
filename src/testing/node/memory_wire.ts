/** Reaches a simulated node without a socket: a `fetch`, with the faults of the wire. */

import type { FaultHandle, FaultSet } from "../faults/active_fault.ts";
import type { WireFault } from "../faults/wire_faults.ts";
import { Wire, type WireEnd } from "../proxy/wire.ts";
import type { IncomingRequest } from "./beacon_api.ts";
import type { SimulatedClock } from "./clock.ts";

/** What a wire joins. */
export interface MemoryWireParts {
  /** What time it is. */
  clock: SimulatedClock;
  /** The faults that are on. */
  faults: FaultSet<WireFault>;
  /** Base URL of the node. */
  url: () => string;
  /** Aborted when the node is closed. */
  signal: AbortSignal;
  /** Answers a request. */
  respond: (request: IncomingRequest) => Promise<Response>;
}

/** Carries requests to a node and answers back, each on a connection of its own. */
export class MemoryWire {
  readonly #parts: MemoryWireParts;
  readonly #open = new Set<MemoryConnection>();

  constructor(parts: MemoryWireParts) {
    this.#parts = parts;
  }

  /** Puts a fault on the connections that are open. */
  strike(handle: FaultHandle<WireFault>): void {
    for (const connection of this.#open) connection.wire.apply(handle);
  }

  /** As the global `fetch`; redirects are not followed. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const { url: base, faults, signal: closed, clock, respond } = this.#parts;
    const request = input instanceof Request ? input : undefined;
    const url = new URL(request?.url ?? String(input));
    const signal = init?.signal ?? request?.signal;
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (url.origin !== new URL(base()).origin) {
      return Promise.reject(networkError(`no such host: ${url.host}`));
    }
    const refusal = faults.find("refuse");
    if (closed.aborted || refusal) {
      refusal?.hit();
      return Promise.reject(networkError("connection refused"));
    }
    const connection = new MemoryConnection(clock, () => {
      this.#open.delete(connection);
    });
    this.#open.add(connection);
    signal?.addEventListener(
      "abort",
      () => connection.fail(signal.reason),
      { once: true, signal: connection.closed },
    );
    for (const handle of faults.striking()) connection.wire.apply(handle);
    connection.carry(() =>
      respond({
        method: init?.method ?? request?.method ?? "GET",
        path: url.pathname,
        query: url.searchParams,
        headers: new Headers(init?.headers ?? request?.headers),
      })
    );
    return connection.answer;
  }
}

type MemoryReader = ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;

/** One request and its answer. */
class MemoryConnection implements WireEnd {
  /** The answer, as the client gets it. */
  readonly answer: Promise<Response>;
  readonly wire: Wire;
  readonly #gone = new AbortController();
  readonly #onClosed: () => void;
  readonly #settle: PromiseWithResolvers<Response> = Promise.withResolvers();
  #reader: MemoryReader | undefined;
  #controller:
    | ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
    | undefined;
  #written = 0;

  constructor(clock: SimulatedClock, onClosed: () => void) {
    this.answer = this.#settle.promise;
    this.wire = new Wire(this, clock);
    this.#onClosed = onClosed;
  }

  get closed(): AbortSignal {
    return this.#gone.signal;
  }

  write(bytes: Uint8Array<ArrayBuffer>): void {
    this.#written++;
    this.#controller!.enqueue(bytes);
  }

  reset(): void {
    this.fail(networkError("connection reset by peer"));
  }

  /** In the middle of an answer an end is an error, as it is over a socket. */
  end(): void {
    this.fail(networkError("connection closed before the message completed"));
  }

  /** Ends it for the client with an error, and for the node. */
  fail(error: unknown): void {
    if (this.closed.aborted) return;
    this.#settle.reject(error);
    this.#controller?.error(error);
    this.#close();
  }

  /** Sends the request, and hands its answer to the client. */
  async carry(respond: () => Promise<Response>): Promise<void> {
    try {
      await this.wire.struck();
      if (this.closed.aborted) return;
      const response = await respond();
      this.#reader = response.body?.getReader() as MemoryReader | undefined;
      await this.wire.struck();
      if (this.closed.aborted) return this.#close();
      const { status, headers } = response;
      this.#settle.resolve(
        new Response(this.#reader ? this.#body() : null, { status, headers }),
      );
      if (!this.#reader) this.#close();
    } catch (error) {
      this.fail(error);
    }
  }

  #body(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#close(),
    }, { highWaterMark: 0 });
  }

  /** Reads until there was something for the client. */
  async #pull(): Promise<void> {
    const written = this.#written;
    try {
      while (this.#written === written && !this.closed.aborted) {
        const { done, value } = await this.#reader!.read();
        if (!done) {
          await this.wire.pass(value);
          continue;
        }
        await this.wire.finish();
        if (this.closed.aborted) return;
        this.#controller!.close();
        this.#close();
      }
    } catch {
      this.fail(networkError("error reading a body from connection"));
    }
  }

  #close(): void {
    this.#gone.abort();
    this.#reader?.cancel().catch(() => {});
    this.#onClosed();
  }
}

/** What `fetch` rejects with when the network fails. */
function networkError(reason: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(reason) });
}
