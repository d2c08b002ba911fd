/** What a simulated node can put on an event stream: messages in their legal forms, and frames that no healthy node sends. */

import {
  attestationData,
  blockPayload,
  chainReorgPayload,
  headPayload,
} from "../chain/event_payloads.ts";
import { seededWords, takeHex } from "../chain/random.ts";
import { deriveBlock, type SimulatedChain } from "../chain/simulated_chain.ts";
import type {
  DeepReorgFault,
  EndlessFrameFault,
  FutureSlotFault,
  GiantEventFault,
  PaddedEventFault,
  WireFormFault,
} from "../faults/stream_faults.ts";

/** An event, a comment, or both; a field that is not set is not sent. */
export interface EventMessage {
  /** Name of the event: one line. */
  event?: string;
  /** Data of the event; several lines become several `data` fields. */
  data?: string;
  /** A comment; several lines become several comments. */
  comment?: string;
  /** Reconnection time in milliseconds, which no beacon node sends. */
  retry?: number;
}

/** What a connection carries: a message, or bytes to be sent as they are, which may be made as the client reads. */
export type EventFrame =
  | EventMessage
  | Uint8Array<ArrayBuffer>
  | Iterable<Uint8Array<ArrayBuffer>>;

/** Topic of the giant event. */
export const GIANT_TOPIC = "attester_slashing";

const LINE_ENDS = { lf: "\n", crlf: "\r\n", cr: "\r" };

/** Writes a message with its blank line, in UTF-8. */
export function encodeMessage(
  { event, data, comment, retry }: EventMessage,
  { lineEnd = "lf", space = false }: Pick<WireFormFault, "lineEnd" | "space"> =
    {},
): Uint8Array<ArrayBuffer> {
  const end = LINE_ENDS[lineEnd];
  const lines: string[] = [];
  const add = (name: string, text: string | undefined): void => {
    if (text === undefined) return;
    for (const line of text.split(/\r\n|\r|\n/)) {
      lines.push(`${name}:${space ? " " : ""}${line}${end}`);
    }
  };
  add("", comment);
  add("event", event);
  add("data", data);
  add("retry", retry?.toString());
  return bytesOf(lines.join("") + end);
}

/** The same payload as another client could write it. */
export function otherForm(data: string): string {
  const rewritten = (value: unknown): unknown =>
    typeof value === "string"
      ? value.replace(
        /^0x[0-9a-f]+$/,
        (hex) => `0x${hex.slice(2).toUpperCase()}`,
      )
      : typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(
        Object.entries(value).reverse()
          .filter(([key, value]) =>
            key !== "execution_optimistic" || value !== false
          )
          .map(([key, value]) => [key, rewritten(value)]),
      )
      : value;
  try {
    return JSON.stringify(rewritten(JSON.parse(data)));
  } catch {
    return data;
  }
}

/**
 * The n-th malformed payload to send after a good one.
 *
 * @param n Counted from 0; the payloads come in turn.
 * @param good The data of the event before it.
 */
export function malformedPayload(n: number, good: string): string {
  const kinds = [
    good.slice(0, Math.floor(good.length / 2)),
    good.slice(0, -1),
    good.replace(/"(slot|epoch)":"\d+"/, '"$1":"99999999999999999999"'),
    ...PAYLOADS,
  ];
  return kinds[n % kinds.length]!;
}

const LEVELS = 10_000;
const PAYLOADS = [
  "not JSON",
  "null",
  "[]",
  "{}",
  `{"slot":"ten"}`,
  `{"slot":"1"}`,
  `{"slot":"-1","block":"0x12"}`,
  `{"block":"0xxyz"}`,
  `{"__proto__":{"slot":"1"}}`,
  "[".repeat(LEVELS) + "]".repeat(LEVELS),
];

/** The n-th event of a topic that no client knows, at a time. */
export function unaskedEvent(n: number, at: number): EventMessage {
  const event = ["sync_state", "__proto__", "toString"][n % 3]!;
  const data = JSON.stringify({ sync_state: "IN_SYNC", n, at, text: "é漢💥" });
  return { event, data };
}

/** An event with one long line, made piece by piece; where its stream ends, it ends in the middle of the line. */
export function* endlessFrame(
  { bytes = Infinity, prefix = "data:" }: EndlessFrameFault,
  topic: string,
  isOpen: () => boolean,
  healed: AbortSignal,
): Generator<Uint8Array<ArrayBuffer>> {
  const start = bytesOf(prefix);
  yield bytesOf(`event:${topic}\n`);
  yield start;
  for (const chunk of repeatedText("x", bytes - start.length, healed)) {
    if (!isOpen() && bytes === Infinity) return;
    yield chunk;
  }
  yield bytesOf("\n\n");
}

/** Validator indices have seven digits, as most have on mainnet. */
const FIRST_INDEX = 1_000_000;
/** So many indices are made at a time. */
const BATCH = 4_096;

/**
 * An `attester_slashing` whose validators voted for two blocks of one slot;
 * made piece by piece. Each `salt` makes another one.
 */
export function* giantEvent(
  chain: SimulatedChain,
  { indices = 131_072 }: GiantEventFault,
  salt: number,
): Generator<Uint8Array<ArrayBuffer>> {
  const { slot, parentRoot } = chain.head;
  const vote = attestationData(chain, slot);
  const next = seededWords("giant event", chain.head.root, salt);
  yield bytesOf(`event:${GIANT_TOPIC}\ndata:{`);
  for (const number of [1, 2]) {
    const data = number === 1
      ? vote
      : { ...vote, beacon_block_root: parentRoot };
    yield bytesOf(`"attestation_${number}":{"attesting_indices":[`);
    for (let from = 0; from < indices; from += BATCH) {
      const batch = Array.from(
        { length: Math.min(BATCH, indices - from) },
        (_, i) => `"${FIRST_INDEX + from + i}"`,
      );
      yield bytesOf((from > 0 ? "," : "") + batch.join(","));
    }
    const signature = takeHex(next, 96);
    const rest = `],"data":${JSON.stringify(data)},"signature":"${signature}"}`;
    yield bytesOf(rest + (number === 1 ? "," : ""));
  }
  yield bytesOf("}\n\n");
}

/** A `block` of the head, padded. */
export function paddedEvent(
  { head }: SimulatedChain,
  { bytes }: PaddedEventFault,
): EventMessage {
  const data = (padding: string) =>
    JSON.stringify({ ...blockPayload(head), padding });
  const missing = bytes - "block".length - data("").length;
  return { event: "block", data: data("x".repeat(missing)) };
}

/** A `head` of a slot that is far away. */
export function futureHead(
  chain: SimulatedChain,
  { slots = 1_000_000 }: FutureSlotFault,
  slot: number,
): EventMessage {
  const block = deriveBlock(slot + slots, chain.head.root, 0);
  return {
    event: "head",
    data: JSON.stringify(headPayload(chain, block, false)),
  };
}

/** A `chain_reorg` from the parent to the head, with a depth that cannot be. */
export function deepReorg(
  chain: SimulatedChain,
  { depth = "18446744073709551614" }: DeepReorgFault,
): EventMessage {
  const { head } = chain;
  const parent = chain.ancestorAt(head, head.slot - 1);
  const payload = chainReorgPayload({
    slot: head.slot,
    depth: 1,
    epoch: chain.epochAt(head.slot),
    oldHead: parent,
    newHead: head,
    commonAncestor: parent,
  });
  return {
    event: "chain_reorg",
    data: JSON.stringify({ ...payload, depth }),
  };
}

const CHUNK_BYTES = 64 * 1024;

/** A text in UTF-8, again and again up to a length, even an endless one; it stops early when the signal is aborted. */
export function* repeatedText(
  text: string,
  bytes: number,
  end: AbortSignal,
): Generator<Uint8Array<ArrayBuffer>> {
  const once = bytesOf(text);
  const repetitions = Math.max(1, Math.floor(CHUNK_BYTES / once.length));
  const chunk = new Uint8Array(once.length * repetitions);
  for (let i = 0; i < repetitions; i++) chunk.set(once, i * once.length);
  for (let left = bytes; left > 0 && !end.aborted; left -= chunk.length) {
    yield left < chunk.length ? chunk.slice(0, left) : chunk.slice();
  }
}

/** A text in UTF-8. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
