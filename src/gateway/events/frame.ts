/** An event as readers receive it: encoded once, and shared by all of them. */

/** Which frames a reader receives, and in what form. Readers with equal filters share their bytes. */
export interface Filter {
  /** Equal filters have the same key. */
  readonly key: string;
  /** The topics of the Beacon API; empty where gaps of all topics are wanted, and nothing else. */
  readonly topics: ReadonlySet<string>;
  /** Whether gaps are sent as events too; the comment is sent in any case. */
  readonly gaps: boolean;
  /** Whether a comment says which node reported the event, and when. */
  readonly sources: boolean;
}

/** An event, or a gap, in its place in the stream. */
export interface Frame {
  /** Number in the stream, from 1. */
  readonly seq: number;
  /** Latest slot of the stream when it came. */
  readonly slot: number;
  /** When the event arrived, Unix time in milliseconds. */
  readonly receivedAt: number;
  /** Topic of the event; `undefined` for a gap. */
  readonly topic: string | undefined;
  /** What a reader gets: the event, or the comment that says that some are missing. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For a gap: the same with the event `gap`. */
  readonly gapBytes?: Uint8Array<ArrayBuffer>;
  /** For a gap: the topics that may be concerned. */
  readonly gapTopics?: readonly string[];
  /** For a gap: its last slot, which may be after `slot`. */
  readonly gapTo?: number;
  /** Name of the node that reported the event. */
  readonly node: string;
  /** Own slot of the event: before `slot` where it came late. */
  readonly ownSlot: number | undefined;
  /** Whether the listener has recovered it: then it may have come long after its slot. */
  readonly isRecovered: boolean;
  /** What makes it the same event at another gateway; only for topics that follow the chain. */
  readonly identity: string | undefined;
}

/** Events that a reader does not receive. */
export interface Gap {
  /** First slot from which something may be missing. */
  from: number;
  /** Last slot from which something may be missing. */
  to: number;
  /** The topics that may be concerned. */
  topics: readonly string[];
  /** Why. */
  reason: string;
}

const encoder = new TextEncoder();

/** Encodes an event; the payload stays as the node sent it. */
export function encodeEvent(
  id: string | undefined,
  topic: string,
  raw: string,
): Uint8Array<ArrayBuffer> {
  const data = raw.includes("\n") ? raw.replaceAll("\n", "\ndata: ") : raw;
  const first = id === undefined ? "" : `id: ${id}\n`;
  return encoder.encode(`${first}event: ${topic}\ndata: ${data}\n\n`);
}

/** The payload of an encoded event. */
export function rawOf(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes);
  const begin = text.indexOf("\ndata: ") + "\ndata: ".length;
  return text.slice(begin, -2).replaceAll("\ndata: ", "\n");
}

/**
 * Encodes a gap: Lighthouse's comment, which listeners understand, and for who lists the topic
 * `gap` an event, because a browser shows no comments.
 *
 * @param id Position behind the gap.
 * @param gap What is missing.
 * @param count How many events; at least one.
 * @param isEvent Whether to add the event.
 */
export function encodeGap(
  id: string | undefined,
  { from, to, topics, reason }: Gap,
  count: number,
  isEvent: boolean,
): Uint8Array<ArrayBuffer> {
  const comment = `: error - dropped ${Math.max(1, count)} messages\n\n`;
  if (!isEvent) return encoder.encode(comment);
  const data = JSON.stringify({ from, to, topics, reason });
  const first = id === undefined ? "" : `id: ${id}\n`;
  return encoder.encode(`${comment}${first}event: gap\ndata: ${data}\n\n`);
}

/** A keep-alive that carries the position: an `id` alone dispatches no event. */
export function encodeKeepAlive(
  id: string | undefined,
): Uint8Array<ArrayBuffer> {
  return encoder.encode(id === undefined ? ":\n\n" : `:\nid: ${id}\n\n`);
}

/** The bytes of a frame for a reader with that filter; `undefined` where it gets nothing. */
export function bytesFor(
  frame: Frame,
  filter: Filter,
): Uint8Array<ArrayBuffer> | undefined {
  const { topic, bytes, gapTopics } = frame;
  if (topic === undefined) {
    const isConcerned = filter.topics.size === 0 ||
      gapTopics!.some((topic) => filter.topics.has(topic));
    if (!isConcerned) return undefined;
    return filter.gaps ? frame.gapBytes : bytes;
  }
  if (!filter.topics.has(topic)) return undefined;
  if (!filter.sources) return bytes;
  const { node, receivedAt } = frame;
  const source = encoder.encode(`: ${JSON.stringify({ node, receivedAt })}\n`);
  return joined([source, bytes]);
}

/** The bytes of a frame with another position. */
export function withPosition(
  bytes: Uint8Array<ArrayBuffer>,
  id: string,
): Uint8Array<ArrayBuffer> {
  let start = 0;
  while (!(bytes[start] === LETTER_I && bytes[start + 1] === LETTER_D)) {
    start = bytes.indexOf(LINE_FEED, start) + 1;
    // The comment alone has no position.
    if (start === 0 || start === bytes.length) return bytes;
  }
  const end = bytes.indexOf(LINE_FEED, start);
  const line = encoder.encode(`id: ${id}`);
  return joined([bytes.subarray(0, start), line, bytes.subarray(end)]);
}

const LETTER_I = "i".charCodeAt(0);
const LETTER_D = "d".charCodeAt(0);
const LINE_FEED = "\n".charCodeAt(0);

/** Several pieces as one; the only piece itself, uncopied. */
export function joined(
  pieces: readonly Uint8Array<ArrayBuffer>[],
): Uint8Array<ArrayBuffer> {
  if (pieces.length === 1) return pieces[0]!;
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
