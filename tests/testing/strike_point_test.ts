import { assertEquals } from "@std/assert";
import { StrikePoint } from "../../src/testing/proxy/wire.ts";

const STREAM =
  'event:head\ndata:{"slot":"1"}\n\nevent:head\ndata:{"slot":"2"}\n\n';

/** What passes of a text that comes in chunks of a size. */
function passed(point: StrikePoint, text: string, size: number): string {
  const bytes = new TextEncoder().encode(text);
  let count = 0;
  for (let from = 0; from < bytes.length; from += size) {
    count += point.pass(bytes.subarray(from, from + size));
  }
  return text.slice(0, count);
}

Deno.test("StrikePoint() lets as many bytes pass as it has to, whatever the chunks", () => {
  for (const size of [1, 2, 3, 7, 1_000]) {
    const point = new StrikePoint({ afterBytes: 12 });
    assertEquals(passed(point, STREAM, size), "event:head\nd");
    assertEquals(point.isReached, true);
  }
  assertEquals(new StrikePoint({}).isReached, true);
});

Deno.test("StrikePoint() waits for the middle of the next data line, whatever the chunks", () => {
  for (const size of [1, 2, 3, 7, 1_000]) {
    const first = new StrikePoint({ inMidLine: true });
    assertEquals(passed(first, STREAM, size), 'event:head\ndata:{"sl');
    const second = new StrikePoint({ inMidLine: true, afterBytes: 12 });
    assertEquals(
      passed(second, STREAM, size),
      'event:head\ndata:{"slot":"1"}\n\nevent:head\ndata:{"sl',
    );
  }
  const never = new StrikePoint({ inMidLine: true });
  assertEquals(passed(never, "ddata\ndatum:\n", 4), "ddata\ndatum:\n");
  assertEquals(never.isReached, false);
});
