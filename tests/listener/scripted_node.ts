/** A beacon node on loopback whose event stream does exactly what a test prescribes. */

import {
  HttpServer,
  type ReceivedRequest,
} from "../beacon/http/http_server.ts";

/** What a test lets the node do; all but the functions may change meanwhile. */
export interface ScriptedNodeOptions {
  /** Answers the n-th event stream request, counted from 0. */
  events: (
    request: Request,
    connection: number,
  ) => Response | Promise<Response>;
  /** Answers everything else; the default serves genesis, spec and syncing. */
  other?: (
    request: Request,
    path: string,
  ) => Response | Promise<Response> | undefined;
  /** Unix time of slot 0 in seconds. */
  genesisTime?: number;
  /** The `genesis_validators_root`. */
  validatorsRoot?: string;
  /** Values that replace or, as `undefined`, remove keys of the spec. */
  spec?: Record<string, string | undefined>;
}

/** Answers as scripted until it is disposed. */
export class ScriptedNode implements AsyncDisposable {
  readonly url: string;
  /** Every event stream request. */
  readonly requests: ReceivedRequest[] = [];
  readonly #server: HttpServer;

  constructor(options: ScriptedNodeOptions) {
    this.#server = new HttpServer((path, request) => {
      if (path.endsWith("/eth/v1/events")) {
        this.requests.push(this.#server.requests.at(-1)!);
        return options.events(request, this.requests.length - 1);
      }
      return options.other?.(request, path) ?? answerOf(options, path);
    });
    this.url = this.#server.url;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

/** What a node answers of itself. */
function answerOf(
  {
    genesisTime = 1_600_000_000,
    validatorsRoot = root(0xab),
    spec,
  }: ScriptedNodeOptions,
  path: string,
): Response {
  if (path.endsWith("/eth/v1/beacon/genesis")) {
    const data = {
      genesis_time: String(genesisTime),
      genesis_validators_root: validatorsRoot,
      genesis_fork_version: "0x00000001",
    };
    return Response.json({ data });
  }
  if (path.endsWith("/eth/v1/config/spec")) {
    const timing = { SLOT_DURATION_MS: "12000", SLOTS_PER_EPOCH: "32" };
    return Response.json({ data: { ...timing, ...spec } });
  }
  if (path.endsWith("/eth/v1/node/syncing")) {
    const data = {
      head_slot: "1",
      sync_distance: "0",
      is_syncing: false,
      is_optimistic: false,
    };
    return Response.json({ data });
  }
  return Response.json({ code: 404, message: "Not found" }, { status: 404 });
}

/** A node whose event streams are these pieces, and stay open behind them. */
export function nodeSending(...pieces: (string | Uint8Array)[]): ScriptedNode {
  return new ScriptedNode({ events: () => openStream(...pieces) });
}

/** An event stream of these pieces that stays open behind them, until the client leaves. */
export function openStream(...pieces: (string | Uint8Array)[]): Response {
  return new Feed().open(...pieces);
}

/** An event stream of these pieces that ends behind them. */
export function endedStream(...pieces: (string | Uint8Array)[]): Response {
  const feed = new Feed();
  const response = feed.open(...pieces);
  feed.end();
  return response;
}

/** An event stream of one piece again and again, until the client leaves. */
export function drippingStream(piece: string, everyMs: number): Response {
  const feed = new Feed();
  const timer = setInterval(() => feed.send(piece), everyMs);
  feed.left.then(() => clearInterval(timer));
  return feed.open();
}

/** An event stream that breaks off behind these pieces: it promises more bytes than it has. */
export function brokenStream(...pieces: string[]): Response {
  const response = endedStream(...pieces);
  response.headers.set("content-length", "1000000");
  return response;
}

/** An event stream that a test writes to as it goes. */
export class Feed {
  readonly #left = Promise.withResolvers<void>();
  #controller!: ReadableStreamDefaultController<Uint8Array>;

  /** Resolves when a client has left. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** Begins a stream with these pieces, and returns the answer that has it. */
  open(...pieces: (string | Uint8Array)[]): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void (this.#controller = controller),
      cancel: () => this.#left.resolve(),
    });
    for (const piece of pieces) this.send(piece);
    return new Response(body, {
      headers: { "content-type": "text/event-stream" },
    });
  }

  /** Sends a piece as one chunk. */
  send(piece: string | Uint8Array): void {
    this.#controller.enqueue(
      typeof piece === "string" ? new TextEncoder().encode(piece) : piece,
    );
  }

  /** Ends the stream. */
  end(): void {
    this.#controller.close();
  }
}

/** A frame as most nodes send it. */
export function frame(topic: string, data: unknown): string {
  return `event: ${topic}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A root that shows a number. */
export function root(number: number): string {
  return `0x${number.toString(16).padStart(64, "0")}`;
}

/** A `head` payload. */
export function head(
  slot: number,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    slot: String(slot),
    block: root(slot),
    state: root(slot + 1_000_000),
    epoch_transition: false,
    previous_duty_dependent_root: root(1),
    current_duty_dependent_root: root(2),
    execution_optimistic: false,
    ...changes,
  };
}

/** A `head_v2` payload. */
export function headV2(slot: number): Record<string, unknown> {
  return {
    version: "gloas",
    data: {
      slot: String(slot),
      block: root(slot),
      state: root(slot + 1_000_000),
      payload_status: "empty",
      epoch_transition: false,
      current_epoch_dependent_root: root(1),
      next_epoch_dependent_root: root(2),
      execution_optimistic: false,
    },
  };
}

/** A `block` or `block_gossip` payload. */
export function block(slot: number): Record<string, unknown> {
  return { slot: String(slot), block: root(slot), execution_optimistic: false };
}

/** A `chain_reorg` payload. */
export function chainReorg(
  slot: number,
  depth: number,
  changes: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    slot: String(slot),
    depth: String(depth),
    old_head_block: root(slot + 100),
    new_head_block: root(slot),
    old_head_state: root(slot + 200),
    new_head_state: root(slot + 300),
    epoch: String(Math.floor(slot / 32)),
    execution_optimistic: false,
    ...changes,
  };
}
