/** The event streams of other people's test suites, read in place where they are at hand. */

import { assertEquals } from "@std/assert";
import {
  SseBatchDecoderStream,
  SseDecoder,
  SseDecoderStream,
} from "@org/beacon-sse/sse";
import { needs } from "../needs.ts";

interface ConformanceCase {
  name: string;
  source: string;
  input?: string;
  inputBase64?: string;
  chunks?: string[];
  chunksBase64?: string[];
  expected: { event: string; data: string; id: string }[];
  retry?: number;
  lastEventId: string;
}

const cases = readCases();
const NEEDS_CASES = needs("the conformance cases", cases.length > 0);

for (
  const { name, cut } of [
    { name: "whole", cut: (test: ConformanceCase) => [wholeInput(test)] },
    { name: "as split by its suite", cut: givenChunks },
    {
      name: "byte by byte",
      cut: (test: ConformanceCase) =>
        Array.from(wholeInput(test), (byte) => Uint8Array.of(byte)),
    },
  ]
) {
  Deno.test({
    name: `SseDecoder.push() decodes the 297 conformance cases ${name}`,
    ...NEEDS_CASES,
    fn() {
      assertEquals(cases.length, 297);
      for (const test of cases) {
        let retry: number | undefined;
        const decoder = new SseDecoder({
          onRetry: (milliseconds) => retry = milliseconds,
        });
        const text = new TextDecoder("utf-8", { ignoreBOM: true });
        const events = cut(test).flatMap((bytes) =>
          decoder.push(text.decode(bytes, { stream: true }))
        );
        events.push(...decoder.push(text.decode()));
        assertEquals(
          { name: test.name, events, lastEventId: decoder.lastEventId, retry },
          {
            name: test.name,
            events: test.expected.map(({ event, data, id }) => ({
              type: event,
              data,
              lastEventId: id,
            })),
            lastEventId: test.lastEventId,
            retry: test.retry,
          },
        );
      }
    },
  });

  Deno.test({
    name:
      `SseDecoderStream() and SseBatchDecoderStream() decode the cases ${name}`,
    ...NEEDS_CASES,
    async fn() {
      for (const test of cases) {
        const text = () =>
          ReadableStream.from(cut(test))
            .pipeThrough(new TextDecoderStream("utf-8", { ignoreBOM: true }));
        const expected = test.expected.map(({ event, data, id }) => ({
          type: event,
          data,
          lastEventId: id,
        }));
        const single = await Array.fromAsync(
          text().pipeThrough(new SseDecoderStream()),
        );
        const batches = await Array.fromAsync(
          text().pipeThrough(new SseBatchDecoderStream()),
        );
        assertEquals([test.name, single], [test.name, expected]);
        assertEquals([test.name, batches.flat()], [test.name, expected]);
      }
    },
  });
}

function readCases(): ConformanceCase[] {
  try {
    const url = new URL(
      "../../../shared/data/conformance.json",
      import.meta.url,
    );
    return JSON.parse(Deno.readTextFileSync(url));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function wholeInput(test: ConformanceCase): Uint8Array<ArrayBuffer> {
  return test.inputBase64 === undefined
    ? new TextEncoder().encode(test.input)
    : Uint8Array.fromBase64(test.inputBase64);
}

function givenChunks(test: ConformanceCase): Uint8Array<ArrayBuffer>[] {
  if (test.chunksBase64) {
    return test.chunksBase64.map((chunk) => Uint8Array.fromBase64(chunk));
  }
  return test.chunks?.map((chunk) => new TextEncoder().encode(chunk)) ??
    [wholeInput(test)];
}
