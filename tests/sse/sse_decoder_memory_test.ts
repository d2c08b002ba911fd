/** What the decoder holds while a node sends an event that never ends. */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { SseDecoder } from "@org/beacon-sse/sse";

const MIB = 1024 * 1024;
/** The default cap, one chunk, and as much again for V8's own doings. */
const BOUND = 10 * MIB;

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/**
 * Feeds `total` bytes in chunks, each a string of its own as a TextDecoder makes them, and returns
 * the most bytes that were alive at eight moments on the way, above those at the start.
 */
function peakGrowth(
  decoder: SseDecoder,
  chunk: Uint8Array<ArrayBuffer>,
  total: number,
): number {
  const text = new TextDecoder();
  const count = Math.ceil(total / chunk.byteLength);
  const step = Math.ceil(count / 8);
  collectGarbage();
  const start = Deno.memoryUsage().heapUsed;
  let peak = 0;
  for (let fed = 1; fed <= count; fed++) {
    decoder.push(text.decode(chunk));
    if (fed % step !== 0) continue;
    collectGarbage();
    peak = Math.max(peak, Deno.memoryUsage().heapUsed - start);
  }
  return peak;
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function assertBounded(growth: number): void {
  assert(growth < BOUND, `${(growth / MIB).toFixed(1)} MiB are alive`);
}

for (
  const { size, total } of [
    { size: 65_536, total: 64 * MIB },
    { size: 1000, total: 32 * MIB },
    { size: 16, total: 12 * MIB },
    { size: 1, total: 5 * MIB },
  ]
) {
  Deno.test(`SseDecoder.push() holds the cap at most of an endless line in chunks of ${size} bytes`, () => {
    const decoder = new SseDecoder();
    decoder.push("data: ");
    assertBounded(peakGrowth(decoder, bytes("x".repeat(size)), total));
    assertEquals(decoder.oversized, 1);
    assertEquals(decoder.push("\n\ndata: next\n\n").length, 1);
  });
}

Deno.test("SseDecoder.push() holds the cap at most of endless data lines", () => {
  const decoder = new SseDecoder();
  assertBounded(
    peakGrowth(decoder, bytes(`data: ${"x".repeat(93)}\n`), 32 * MIB),
  );
  assertEquals(decoder.oversized, 1);
});

Deno.test("SseDecoder.push() holds the cap at most of endless empty data lines", () => {
  const decoder = new SseDecoder();
  assertBounded(peakGrowth(decoder, bytes("data\n".repeat(1000)), 32 * MIB));
  assertEquals(decoder.oversized, 1);
});

Deno.test("SseDecoder.push() does not hold the chunks that short data lines were cut from", () => {
  const decoder = new SseDecoder();
  const chunk = `data: ${"x".repeat(50)}\n: ${"comment".repeat(9000)}\n`;
  assertBounded(peakGrowth(decoder, bytes(chunk), 64 * MIB));
  assertEquals(decoder.oversized, 0);
});

Deno.test("SseDecoder.push() does not hold the chunks that names and ids were cut from", () => {
  const decoder = new SseDecoder();
  const text = new TextDecoder();
  const padding = `: ${"x".repeat(MIB)}\n`;
  collectGarbage();
  const start = Deno.memoryUsage().heapUsed;
  for (let chunk = 0; chunk < 64; chunk++) {
    const event = `event: a_rather_long_name_${chunk}\ndata: x\n`;
    const id = `id: a_rather_long_id_${chunk}\n`;
    decoder.push(text.decode(bytes(`${event}\n${id}${event}\n${padding}`)));
  }
  collectGarbage();
  const growth = Deno.memoryUsage().heapUsed - start;
  assert(growth < 4 * MIB, `${(growth / MIB).toFixed(1)} MiB are alive`);
});

Deno.test("SseDecoder.push() holds nothing of comments and unknown fields", () => {
  for (const start of [": ", "unknown: ", "garbage"]) {
    const decoder = new SseDecoder({ onComment() {} });
    decoder.push(start);
    const growth = peakGrowth(decoder, bytes("x".repeat(65_536)), 16 * MIB);
    assert(growth < MIB, `${(growth / MIB).toFixed(1)} MiB are alive`);
    assertEquals(decoder.oversized, 0);
  }
});
