import { assertEquals } from "@std/assert";
import { SseDecoder } from "@org/beacon-sse/sse";
import { type Decoded, decodeReference } from "./reference_decoder.ts";

const WORDS = [
  "data",
  "event",
  "id",
  "retry",
  "dat",
  "eventx",
  "",
  "\uFEFF",
  ":",
  ":",
  ": ",
  " ",
  "\n",
  "\n",
  "\n\n",
  "\r",
  "\r\n",
  "\0",
  "1",
  "250",
  "é",
  "漢",
  "💥",
  "head",
  "single_attestation",
  "data: {}\n",
  "event: head\n",
  'event: head\ndata: {"slot":"1"}\n\n',
  "event: head\ndata:1\n\n",
  "event:head\ndata: 2\n\n",
  "event: block\ndata:",
  "id: 7\n",
  "retry: 9\n",
  "data:\n",
  ": keep-alive\n",
  "x".repeat(40),
  "data: " + "y".repeat(30),
  "unknown: 1\n",
];

Deno.test("SseDecoder.push() agrees with the slow reference on random streams however cut", () => {
  const first = 1;
  for (let seed = first; seed < first + 20000; seed++) {
    const random = mulberry32(seed);
    const pick = (bound: number) => Math.floor(random() * bound);
    const stream = Array.from(
      { length: pick(60) },
      () => WORDS[pick(WORDS.length)],
    ).join("");
    const maxEventBytes = pick(3) === 0 ? 1 + pick(80) : 4_194_304;
    const longest = 1 + pick(pick(2) === 0 ? 4 : 60);
    const chunks: string[] = [];
    for (let at = 0; at < stream.length;) {
      const length = pick(longest + 1);
      chunks.push(stream.slice(at, at + length));
      at += length;
    }
    assertEquals(
      { seed, ...decode(chunks, maxEventBytes) },
      { seed, ...decodeReference(stream, maxEventBytes) },
    );
  }
});

function decode(chunks: string[], maxEventBytes: number): Decoded {
  const comments: string[] = [];
  const retries: number[] = [];
  const decoder = new SseDecoder({
    maxEventBytes,
    onComment: (comment) => comments.push(comment),
    onRetry: (milliseconds) => retries.push(milliseconds),
  });
  const events = chunks.flatMap((chunk) => decoder.push(chunk));
  return {
    events,
    comments,
    retries,
    oversized: decoder.oversized,
    lastEventId: decoder.lastEventId,
  };
}

function mulberry32(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
