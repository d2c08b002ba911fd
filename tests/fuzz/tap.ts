/** Listens in between a node and the listener, and writes down what passes: the ground truth of a run. */

import { SseDecoder } from "@org/beacon-sse";
import type { SimulatedBlock } from "@org/beacon-sse/testing";
import type { BlockTree } from "./block_tree.ts";
import { identify } from "./event_identity.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** An event, or something in the place of one. */
export interface Frame {
  /** What the listener has to take it for. */
  kind: "valid" | "malformed" | "oversize" | "confession";
  /** Name of the event. */
  topic: string;
  /** Its data, as sent. */
  data: string;
  /** What makes it the same event in the mouth of another node. */
  identity: string;
  /** The block that a `head` event reports. */
  head?: SimulatedBlock;
  /** The switch that a `chain_reorg` event reports. */
  reorg?: { ancestor: SimulatedBlock };
}

/** A frame that has passed. */
export interface PassedFrame {
  /** What it is. */
  frame: Frame;
  /** When, in virtual milliseconds. */
  arrivedAt: number;
  /** In which turn of the event loop. */
  arrivedInTurn: number;
  /** Whether the stream broke in the very same moment: then it may have been lost, rightly. */
  isInDoubt: boolean;
}

/** Where a body is in its life: waited for, readable, read to its end, broken off, or left by the reader. */
export type BodyState = "waiting" | "open" | "ended" | "broken" | "left";

/** A request, and what became of it. */
export interface TappedRequest {
  /** When, in virtual milliseconds. */
  at: number;
  /** Path of the endpoint. */
  path: string;
  /** When its headers came. */
  answeredAt?: number;
  /** Status of the answer. */
  status?: number;
  /** `Retry-After` of the answer. */
  retryAfter?: string | null;
  /** Bytes of the body that were handed over. */
  handed: number;
  /** Where the body is in its life. */
  state: BodyState;
}

/** An event stream. */
export interface TappedStream extends TappedRequest {
  /** What was requested. */
  topics: readonly string[];
  /** Every frame, in order. */
  sent: PassedFrame[];
  /** Bytes that were handed over in the very moment in which it ended: they may be lost, rightly. */
  inDoubt: number;
  /** Bytes as they are when a compression is undone. */
  inflated: number;
  /** Text that has passed. */
  text: string;
  /** Whether it was read at all. */
  isRead: boolean;
  /** When it ended, by whomever. */
  endedAt?: number;
  /** Long times in which it was open and no event and no comment was complete: from when, and until. */
  silences: [from: number, to: number][];
}

/** Options for {@linkcode Tap}. */
export interface TapOptions {
  /** Reaches the node. */
  fetch: typeof fetch;
  /** When what happens. */
  time: VirtualTime;
  /** The listener's cap. */
  maxEventBytes: number;
  /** The blocks there are. */
  tree: BlockTree;
  /** Takes the block of a root into the tree, if the node has it. */
  learn: (root: string) => void;
}

/** A `fetch` that writes down. */
export class Tap {
  /** Every request, in order. */
  readonly requests: TappedRequest[] = [];
  /** Every event stream, in order. */
  readonly streams: TappedStream[] = [];
  readonly #options: TapOptions;

  /** @param options Where it sits. */
  constructor(options: TapOptions) {
    this.#options = options;
  }

  /** To be used in place of the global one. */
  readonly fetch: typeof fetch = async (input, init) => {
    const { time, fetch } = this.#options;
    const url = new URL(input instanceof Request ? input.url : input);
    const request: TappedRequest = {
      at: time.now,
      path: url.pathname,
      handed: 0,
      state: "waiting",
    };
    this.requests.push(request);
    try {
      const response = await fetch(input, init);
      const { status, headers, body } = response;
      request.answeredAt = time.now;
      request.status = status;
      request.retryAfter = headers.get("retry-after");
      request.state = body ? "open" : "ended";
      const isStream = status === 200 && body &&
        url.pathname === "/eth/v1/events" &&
        headers.get("content-type") === "text/event-stream";
      if (!body) return response;
      const watched = isStream
        ? this.#watchStream(body, url, request, headers)
        : watch(body, request);
      return new Response(watched, { status, headers });
    } catch (error) {
      request.state = init?.signal?.aborted ? "left" : "broken";
      throw error;
    }
  };

  #watchStream(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    url: URL,
    request: TappedRequest,
    headers: Headers,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { time, maxEventBytes } = this.#options;
    const encoding = headers.get("content-encoding");
    const stream: TappedStream = Object.assign(request, {
      topics: url.searchParams.getAll("topics").flatMap((list) =>
        list.split(",")
      ),
      sent: [],
      inDoubt: 0,
      inflated: 0,
      text: "",
      isRead: false,
      silences: [],
    });
    this.streams.push(stream);
    let progressAt = request.at;
    const progress = () => {
      if (time.now - progressAt > LONG_MS) {
        stream.silences.push([progressAt, time.now]);
      }
      progressAt = time.now;
    };
    const pass = (frame: Frame) =>
      stream.sent.push({
        frame,
        arrivedAt: time.now,
        arrivedInTurn: time.turn,
        isInDoubt: false,
      });
    const decoder = new SseDecoder({
      maxEventBytes,
      onComment: (comment) => {
        progress();
        const lost = /^error - dropped (\d+) messages$/.exec(comment)?.[1];
        if (lost !== undefined) pass({ ...NOTHING, data: lost });
      },
    });
    let oversized = 0;
    const read = (text: string) => {
      stream.text += text;
      for (const { type, data } of decoder.push(text)) {
        progress();
        pass(this.#frameOf(type, data));
      }
      for (; oversized < decoder.oversized; oversized++) {
        pass({ ...NOTHING, kind: "oversize" });
      }
    };
    const text = new TextDecoder("utf-8", { ignoreBOM: true });
    const decode = (bytes: Uint8Array) => {
      stream.inflated += bytes.length;
      read(text.decode(bytes, { stream: true }));
    };
    const inflate = encoding === "gzip" || encoding === "deflate"
      ? inflater(encoding, decode)
      : decode;
    let turn = 0;
    let handedInTurn = 0;
    const onBytes = (bytes: Uint8Array<ArrayBuffer>) => {
      handedInTurn = bytes.length + (turn === time.turn ? handedInTurn : 0);
      turn = time.turn;
      inflate(bytes);
    };
    const onPull = () => void (stream.isRead = true);
    return watch(body, stream, onBytes, onPull, (state) => {
      progress();
      stream.endedAt = time.now;
      if (state === "ended") return;
      if (turn === time.turn) stream.inDoubt = handedInTurn;
      for (const passed of stream.sent) {
        passed.isInDoubt ||= passed.arrivedInTurn === time.turn;
      }
    });
  }

  /** What an event is, judged by the blocks that there are. */
  #frameOf(topic: string, data: string): Frame {
    const { tree, learn } = this.#options;
    for (const [root] of data.matchAll(/0x[0-9a-f]{64}/gi)) learn(root);
    const frame: Frame = { kind: "malformed", topic, data, identity: "" };
    let payload: Record<string, unknown> = {};
    const valid = (identity: string, more?: Partial<Frame>): Frame => ({
      ...frame,
      kind: "valid",
      identity: identify(topic, identity, payload),
      ...more,
    });
    try {
      payload = JSON.parse(data) ?? {};
    } catch {
      return frame;
    }
    if (!KNOWN_TOPICS.includes(topic)) return valid(data);
    const { slot, epoch, depth, block: root } = payload;
    const block = tree.get(String(root));
    if (epoch !== undefined && !/^\d{1,9}$/.test(String(epoch))) return frame;
    if (topic === "chain_reorg") {
      const from = tree.get(String(payload.old_head_block));
      const to = tree.get(String(payload.new_head_block));
      const ancestor = from && to && tree.commonAncestor(from, to);
      return ancestor && Number(slot) === to.slot &&
          Number(depth) === to.slot - ancestor.slot
        ? valid(`${slot} ${from.root} ${to.root}`, { reorg: { ancestor } })
        : frame;
    }
    if (topic === "finalized_checkpoint") {
      return block ? valid(`${epoch} ${block.root}`) : frame;
    }
    if (!block || String(block.slot) !== slot) return frame;
    return valid(
      `${slot} ${block.root}`,
      topic === "head" ? { head: block } : {},
    );
  }
}

const LONG_MS = 60_000;
const NOTHING: Frame = {
  kind: "confession",
  topic: "",
  data: "",
  identity: "",
};
const KNOWN_TOPICS = [
  "head",
  "block",
  "block_gossip",
  "chain_reorg",
  "finalized_checkpoint",
];

/** Hands a body on, keeps its state, and counts its bytes. */
export function watch(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  request: Pick<TappedRequest, "handed" | "state">,
  onBytes: (bytes: Uint8Array<ArrayBuffer>) => void = () => {},
  onPull: () => void = () => {},
  onEnd: (state: BodyState) => void = () => {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const end = (state: BodyState) => {
    if (request.state !== "open") return;
    request.state = state;
    onEnd(state);
  };
  return new ReadableStream({
    async pull(controller) {
      onPull();
      try {
        const { done, value } = await reader.read();
        if (done) {
          end("ended");
          controller.close();
        } else {
          request.handed += value.length;
          onBytes(value);
          controller.enqueue(value);
        }
      } catch (error) {
        end(error instanceof TypeError ? "broken" : "left");
        controller.error(error);
      }
    },
    cancel(reason) {
      end("left");
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}

/** Undoes a compression; what comes out of it comes in the same turn. */
function inflater(
  encoding: "gzip" | "deflate",
  onBytes: (bytes: Uint8Array) => void,
): (bytes: Uint8Array<ArrayBuffer>) => void {
  const { readable, writable } = new DecompressionStream(encoding);
  const writer = writable.getWriter();
  const read = async () => {
    for await (const bytes of readable) onBytes(bytes);
  };
  read().catch(() => {});
  return (bytes) => void writer.write(bytes).catch(() => {});
}
