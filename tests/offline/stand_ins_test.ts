/** What stand-ins and real packages have in common: each test runs with whichever is in use. */

import {
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { abortable } from "@std/async/abortable";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import { TextLineStream } from "@std/streams/text-line-stream";
import { toText } from "@std/streams/to-text";

const never = new Promise<never>(() => {});
const gone = AbortSignal.abort(new RangeError("gone"));

for (
  const [actual, expected] of [
    [1, "1"],
    [{ a: undefined }, {}],
    [{ 0: 1, length: 1 }, [1]],
    [/a/, /a/g],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [Uint8Array.of(1), Int8Array.of(1)],
    [new URL("http://a"), new URL("http://b")],
    [new Error("a"), new Error("b")],
  ]
) {
  Deno.test(`assertEquals() separates ${Deno.inspect(actual)} from ${Deno.inspect(expected)}`, () => {
    assertNotEquals(actual, expected);
    assertThrows(() => assertEquals(actual, expected), Error);
  });
}

Deno.test("assertThrows() and assertRejects() fail where nothing, or something else, is thrown", async () => {
  const reject = () => Promise.reject(new RangeError("far"));
  assertEquals((await assertRejects(reject, RangeError, "fa")).message, "far");
  const wrong = [
    () => assertRejects(reject, TypeError),
    () => assertRejects(reject, RangeError, "near"),
    () => assertRejects(() => Promise.resolve(1)),
    // deno-lint-ignore require-await -- the assertion throws, the promise must reject
    async () => assertThrows(() => 1),
    // deno-lint-ignore require-await -- likewise
    async () => assertThrows(() => assertEquals(1, 2), TypeError),
  ];
  for (const assertion of wrong) await assertRejects(assertion, Error);
});

Deno.test("delay(), deadline() and abortable() end with the signal, deadline() in time too", async () => {
  for (
    const wait of [
      () => delay(60_000, { signal: gone }),
      () => deadline(never, Infinity, { signal: gone }),
      () => abortable(never, gone),
    ]
  ) await assertRejects(wait, RangeError, "gone");
  const late = await assertRejects(() => deadline(never, 1), DOMException);
  assertEquals(late.name, "TimeoutError");
  assertEquals(
    await abortable(delay(1).then(() => 7), new AbortController().signal),
    7,
  );
});

Deno.test("the streams cut text at line ends and bytes at their limit", async () => {
  const text = ReadableStream.from(["a\r", "\nb", "", "c\n\n", "d\re"]);
  const lines = await Array.fromAsync(text.pipeThrough(new TextLineStream()));
  assertEquals(lines, ["a", "bc", "", "d\re"]);
  const read = (error: boolean) =>
    toText(
      ReadableStream.from(["é", "€"]).pipeThrough(new TextEncoderStream())
        .pipeThrough(new LimitedBytesTransformStream(3, { error })),
    );
  assertEquals(await read(false), "é");
  await assertRejects(() => read(true), RangeError);
});
