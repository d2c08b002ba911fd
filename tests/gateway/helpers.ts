/** What the gateway's tests need: a stage of nodes, listener and gateway, and a reader. */

import {
  type BeaconNodeOptions,
  type ServerSentEvent,
  SseDecoder,
  SseListener,
  type SseListenerOptions,
} from "@org/beacon-sse";
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
} from "@org/beacon-sse/gateway";
import { SimulatedBeaconNode } from "@org/beacon-sse/testing";
import { Feed } from "../listener/scripted_node.ts";

/** A listener over nodes, and a gateway over it. */
export interface Stage extends AsyncDisposable {
  listener: SseListener;
  gateway: Gateway;
}

/** Starts a listener and a gateway. */
export async function startGateway(
  nodes: readonly (SimulatedBeaconNode | BeaconNodeOptions)[],
  options: GatewayOptions = {},
  listenerOptions: Partial<SseListenerOptions> = {},
): Promise<Stage> {
  const listener = await SseListener.start({
    nodes: nodes.map((node) =>
      node instanceof SimulatedBeaconNode ? { url: node.url } : node
    ),
    ...listenerOptions,
  });
  const gateway = createGateway(listener, options);
  return {
    listener,
    gateway,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await listener.close();
    },
  };
}

/** A simulated node whose chain stands still but for what the test does. */
export function stillNode(
  options: Parameters<typeof SimulatedBeaconNode.start>[0] = {},
): Promise<SimulatedBeaconNode> {
  return SimulatedBeaconNode.start({ autoplay: false, ...options });
}

/** Reads an event stream piece by piece. */
export class StreamReader implements AsyncDisposable {
  readonly response: Response;
  /** Everything read so far. */
  text = "";
  /** Comments so far. */
  readonly comments: string[] = [];
  /** Chunks so far. */
  readonly chunks: Uint8Array[] = [];
  readonly #events: ServerSentEvent[] = [];
  readonly #decoder = new SseDecoder({
    onComment: (comment) => void this.comments.push(comment),
  });
  readonly #text = new TextDecoder();
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.getReader();
  }

  /** The next event; `undefined` at the end. */
  async next(): Promise<ServerSentEvent | undefined> {
    while (this.#events.length === 0) {
      if (!await this.readChunk()) return undefined;
    }
    return this.#events.shift();
  }

  /** So many events. */
  async take(count: number): Promise<ServerSentEvent[]> {
    const events: ServerSentEvent[] = [];
    while (events.length < count) {
      const event = await this.next();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  /** Reads a chunk; returns whether there was one. */
  async readChunk(): Promise<boolean> {
    const { done, value } = await this.#reader.read();
    if (done) return false;
    this.chunks.push(value);
    const text = this.#text.decode(value, { stream: true });
    this.text += text;
    this.#events.push(...this.#decoder.push(text));
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }
}

/** Opens an event stream through a gateway's handler, and reads its beginning. */
export async function openReader(
  gateway: Gateway,
  query: string,
  headers: HeadersInit = {},
): Promise<StreamReader> {
  const response = await get(gateway, `/eth/v1/events?${query}`, headers);
  if (response.status !== 200) {
    throw new Error(`status ${response.status}: ${await response.text()}`);
  }
  const reader = new StreamReader(response);
  await reader.readChunk();
  return reader;
}

/** Sends a GET request to a gateway's handler. */
export function get(
  gateway: Gateway,
  path: string,
  headers: HeadersInit = {},
): Promise<Response> {
  return gateway.fetch(new Request(`http://gateway${path}`, { headers }));
}

/** Topic and slot of an event. */
export function brief({ type, data }: ServerSentEvent): string {
  return `${type} ${JSON.parse(data).slot}`;
}

/** A node that is only a `fetch`: what is sent to it arrives in one piece. */
export class PipeNode {
  /** Where a listener finds it. */
  readonly url = "http://pipe.node";
  readonly #opened = Promise.withResolvers<void>();
  readonly #feed = new Feed();

  /** Takes the place of the global `fetch`. */
  readonly fetch = (input: string | URL | Request): Promise<Response> => {
    if (!`${input}`.includes("/eth/v1/events")) {
      return Promise.resolve(new Response(null, { status: 404 }));
    }
    this.#opened.resolve();
    return Promise.resolve(this.#feed.open());
  };

  /** Resolves when the listener has opened its stream. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Sends text in one chunk. */
  send(text: string): void {
    this.#feed.send(text);
  }
}

/** A `voluntary_exit` as a node sends it. */
export function exitFrame(index: number): string {
  const data = {
    message: { epoch: "1", validator_index: String(index) },
    signature: `0x${"00".repeat(96)}`,
  };
  return `event: voluntary_exit\ndata: ${JSON.stringify(data)}\n\n`;
}
