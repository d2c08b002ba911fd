/**
 * What the adapters promise, and the packages that `deno.json` names with them:
 * where JSR answers the second ones are the real ones, so that a difference
 * shows.
 *
 * @module
 */
import { mock } from "node:test";
import * as assertions from "@std/assert";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { abortable } from "@std/async/abortable";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { retry, RetryError, type RetryOptions } from "@std/async/retry";
import { ServerSentEventStream } from "@std/http/server-sent-event-stream";
import * as status from "@std/http/status";
import { LimitedBytesTransformStream } from "@std/streams/limited-bytes-transform-stream";
import { TextLineStream } from "@std/streams/text-line-stream";
import { toText } from "@std/streams/to-text";
import * as assertAdapter from "./assert/mod.ts";
import * as asyncAdapter from "./async/mod.ts";
import * as eventStreamAdapter from "./http/server_sent_event_stream.ts";
import * as statusAdapter from "./http/status.ts";
import * as streamsAdapter from "./streams/mod.ts";

const adapters = {
  ...assertAdapter,
  ...asyncAdapter,
  ...eventStreamAdapter,
  ...statusAdapter,
  ...streamsAdapter,
};

testAll("adapter", adapters);
testAll("as deno.json has it", {
  ...assertions,
  ...status,
  // The adapter has only the form for promises.
  abortable: <T>(p: Promise<T>, signal: AbortSignal) => abortable(p, signal),
  deadline,
  delay,
  retry,
  RetryError,
  LimitedBytesTransformStream,
  ServerSentEventStream,
  TextLineStream,
  toText,
});

/** The type makes sure that the real packages have all that the adapters have. */
function testAll(who: string, std: typeof adapters): void {
  const test = (name: string, run: () => void | Promise<void>): void =>
    Deno.test(`${name} (${who})`, run);

  test("abortable() settles as its promise does, or rejects with the signal's reason", async () => {
    const { signal } = new AbortController();
    assertEquals(await std.abortable(Promise.resolve(7), signal), 7);
    await assertRejects(
      () => std.abortable(Promise.reject(new TypeError("no")), signal),
      TypeError,
    );
    const pending = new Promise<void>(() => {});
    await assertRejects(
      () => std.abortable(pending, AbortSignal.abort(new RangeError("over"))),
      RangeError,
    );
    const controller = new AbortController();
    const waiting = assertRejects(
      () => std.abortable(pending, controller.signal),
      RangeError,
    );
    controller.abort(new RangeError("over"));
    await waiting;
  });

  test("delay() follows a fake clock to the millisecond", async () => {
    using clock = fakeClock();
    let done = false;
    const waiting = std.delay(1_000).then(() => done = true);
    clock.tick(999);
    await settled();
    assertEquals(done, false);
    clock.tick(1);
    await waiting;
  });

  test("delay() rejects with the reason of its signal and clears its timer", async () => {
    const control = new AbortController();
    const waiting = std.delay(60_000, { signal: control.signal });
    control.abort(new TypeError("no more"));
    await assertRejects(() => waiting, TypeError);
    await assertRejects(
      () => std.delay(1, { signal: control.signal }),
      TypeError,
    );
  });

  test("delay() does not fire early when it is longer than a timer can be", async () => {
    using clock = fakeClock();
    let done = false;
    const waiting = std.delay(2 ** 31 + 10).then(() => done = true);
    clock.tick(2 ** 31 - 1);
    await settled();
    assertEquals(done, false);
    clock.tick(11);
    await waiting;
  });

  test("deadline() rejects with a TimeoutError, the signal's reason or what the promise does", async () => {
    const never = new Promise<never>(() => {});
    const late = await assertRejects(() => std.deadline(never, 1));
    assertEquals((late as DOMException).name, "TimeoutError");
    const signal = AbortSignal.abort(new TypeError("no more"));
    await assertRejects(
      () => std.deadline(never, Infinity, { signal }),
      TypeError,
    );
    await assertRejects(
      () => std.deadline(Promise.reject(new SyntaxError()), Infinity),
      SyntaxError,
    );
    assertEquals(await std.deadline(Promise.resolve(1), Infinity), 1);
  });

  test("retry() waits longer after each failure, up to maxTimeout", async () => {
    const options = { jitter: 0, minTimeout: 100, maxTimeout: 300 };
    const { calls, error } = await failing(std, options);
    assertEquals(calls, [0, 100, 300, 600, 900]);
    assert(error instanceof std.RetryError && error instanceof Error);
    assertEquals(error.name, "RetryError");
    assertEquals((error.cause as Error).message, "failure 5");
  });

  test("retry() throws at once what is not retriable", async () => {
    const { calls, error } = await failing(std, {
      isRetriable: (error) => (error as Error).message !== "failure 2",
      jitter: 0,
    });
    assertEquals(calls, [0, 1_000]);
    assertEquals((error as Error).message, "failure 2");
  });

  test("retry() ends when its signal aborts, in a wait or before it begins", async () => {
    const control = new AbortController();
    const { signal } = control;
    const waiting = std.retry(() => {
      throw new Error("failure");
    }, { signal });
    control.abort(new TypeError("no more"));
    await assertRejects(() => waiting, TypeError);
    await assertRejects(() => std.retry(() => 1, { signal }), TypeError);
  });

  for (
    const options of [
      { maxAttempts: 0 },
      { maxAttempts: 1.5 },
      { multiplier: 0.5 },
      { multiplier: Infinity },
      { maxTimeout: 0 },
      { minTimeout: -1 },
      { minTimeout: 2, maxTimeout: 1 },
      { jitter: 1.1 },
      { jitter: NaN },
    ]
  ) {
    test(`retry() refuses ${Deno.inspect(options)}`, async () => {
      await assertRejects(() => std.retry(() => 1, options), RangeError);
    });
  }

  test("ServerSentEventStream() writes all fields, a line for each line of text", async () => {
    const text = await std.toText(
      ReadableStream.from([
        { comment: "a\nb" },
        { event: "head", data: "1\r\n2\r3", id: 7, retry: 0 },
        { data: "" },
      ]).pipeThrough(new std.ServerSentEventStream()),
    );
    assertEquals(
      text,
      ":a\n:b\n\nevent:head\ndata:1\ndata:2\ndata:3\nid:7\nretry:0\n\ndata:\n\n",
    );
  });

  for (const message of [{ event: "a\nb" }, { id: "a\rb" }]) {
    test(`ServerSentEventStream() refuses ${JSON.stringify(message)}`, async () => {
      const stream = ReadableStream.from([message]);
      await assertRejects(
        () => std.toText(stream.pipeThrough(new std.ServerSentEventStream())),
        SyntaxError,
      );
    });
  }

  test("TextLineStream() splits at LF and CRLF, whatever the chunks", async () => {
    const chunks = ["a\r", "\nb", "", "c\n\n", "d\re"];
    const lines = await Array.fromAsync(
      ReadableStream.from(chunks).pipeThrough(new std.TextLineStream()),
    );
    assertEquals(lines, ["a", "bc", "", "d\re"]);
  });

  test("LimitedBytesTransformStream() ends before the chunk that is too much", async () => {
    const limited = (error?: boolean): Promise<Uint8Array[]> =>
      Array.fromAsync(
        ReadableStream.from([new Uint8Array(2), new Uint8Array(2)]).pipeThrough(
          new std.LimitedBytesTransformStream(3, error ? { error } : {}),
        ),
      );
    assertEquals(await limited(), [new Uint8Array(2)]);
    await assertRejects(() => limited(true), RangeError);
  });

  test("toText() joins a character that is cut", async () => {
    const bytes = new TextEncoder().encode("é€😀");
    const cut = Array.from(bytes, (byte) => Uint8Array.of(byte));
    assertEquals(await std.toText(ReadableStream.from(cut)), "é€😀");
  });

  test("STATUS_TEXT has a text for every STATUS_CODE", () => {
    const { STATUS_CODE, STATUS_TEXT } = std;
    assertEquals(
      Object.values<number>(STATUS_CODE).toSorted(),
      Object.keys(STATUS_TEXT).map(Number).toSorted(),
    );
    assertEquals(STATUS_TEXT[STATUS_CODE.TooManyRequests], "Too Many Requests");
    assertEquals(
      [200, 302, 404, 503, 599].map((code) => std.isErrorStatus(code)),
      [false, false, true, true, false],
    );
  });

  test("assertEquals() passes and fails as the real one", () => {
    const same: [unknown, unknown][] = [
      [0, -0],
      [NaN, NaN],
      [{ a: 1, b: 2 }, { b: 2, a: 1 }],
      [{ a: 1 }, Object.assign(Object.create(null), { a: 1 })],
      [new Set([{ a: 1 }, 2]), new Set([2, { a: 1 }])],
      [new Map([["a", { b: 1 }]]), new Map([["a", { b: 1 }]])],
      [new Date(1), new Date(1)],
      [new URL("http://a"), new URL("http://a/")],
      [Uint8Array.of(1), Uint8Array.of(1)],
    ];
    const different: [unknown, unknown][] = [
      [1, "1"],
      [{ a: undefined }, {}],
      [{ a: undefined }, { b: undefined }],
      [[1, 2], [2, 1]],
      [[undefined], []],
      [{ 0: 1, length: 1 }, [1]],
      [new Date(1), new Date(2)],
      [/a/, /a/g],
      [new Map([["a", 1]]), new Map([["a", 2]])],
      [Uint8Array.of(1), Int8Array.of(1)],
      [new URL("http://a"), new URL("http://b")],
    ];
    for (const [actual, expected] of same) {
      std.assertEquals(actual, expected);
      fails(() => std.assertNotEquals(actual, expected));
    }
    for (const [actual, expected] of different) {
      std.assertNotEquals(actual, expected);
      fails(() => std.assertEquals(actual, expected));
    }
    fails(() => std.assertStrictEquals(0, -0));
    std.assertStrictEquals<number>(NaN, NaN);
  });

  test("assertObjectMatch() looks at what is expected only, at each depth", () => {
    const actual = { a: 1, b: { c: [{ d: 1, e: 2 }, 3] }, f: undefined };
    std.assertObjectMatch(actual, { b: { c: [{ d: 1 }] } });
    std.assertObjectMatch(actual, { f: undefined });
    fails(() => std.assertObjectMatch(actual, { b: { c: [{ d: 2 }] } }));
    fails(() => std.assertObjectMatch(actual, { g: undefined }));
    fails(() => std.assertObjectMatch(actual, { b: { c: [{}, 3, 4] } }));
  });

  test("assertThrows() checks class and message, and returns the error", () => {
    const error = new RangeError("too far");
    const fn = (): never => {
      throw error;
    };
    assert(std.assertThrows(fn, RangeError, "far") === error);
    assert(std.assertThrows(fn) === error);
    fails(() => std.assertThrows(fn, TypeError));
    fails(() => std.assertThrows(fn, RangeError, "near"));
    fails(() => std.assertThrows(() => 1));
    fails(() => std.assertThrows(() => Promise.reject(error).catch(() => {})));
  });

  test("assertRejects() checks class and message, and fails when nothing rejects", async () => {
    const error = new RangeError("too far");
    const fn = (): Promise<never> => Promise.reject(error);
    assert(await std.assertRejects(fn, RangeError, "far") === error);
    const wrong: Promise<unknown>[] = [
      std.assertRejects(fn, TypeError),
      std.assertRejects(fn, RangeError, "near"),
      std.assertRejects(() => Promise.resolve(1)),
      std.assertRejects(() => {
        throw error;
      }),
    ];
    for (const attempt of await Promise.allSettled(wrong)) {
      assertEquals(attempt.status, "rejected");
      fails(() => {
        throw (attempt as PromiseRejectedResult).reason;
      });
    }
  });

  test("the other assertions pass and fail as their names say", () => {
    std.assertArrayIncludes([{ a: 1 }, 2], [{ a: 1 }]);
    fails(() => std.assertArrayIncludes([1, 2], [3]));
    std.assertAlmostEquals(0.1 + 0.2, 0.3);
    fails(() => std.assertAlmostEquals(0.1, 0.3, 0.1));
    std.assertInstanceOf(new RangeError(), Error);
    fails(() => std.assertInstanceOf({}, Error));
    std.assertExists(0);
    fails(() => std.assertExists(null));
    std.assertGreaterOrEqual(1, 1);
    fails(() => std.assertGreater(1, 1));
    std.assertLessOrEqual(1, 1);
    fails(() => std.assertLess(NaN, 1));
    std.assertMatch("abc", /b/);
    fails(() => std.assertMatch("abc", /d/));
    std.assertStringIncludes("abc", "bc");
    fails(() => std.assertStringIncludes("abc", "d"));
    fails(() => std.fail());
    fails(() => std.assert(0));
  });
}

/** The attempts of a function that always fails, in fake milliseconds, and the error at the end. */
async function failing(
  std: Pick<typeof adapters, "retry">,
  options: RetryOptions,
): Promise<{ calls: number[]; error: unknown }> {
  using clock = fakeClock();
  const calls: number[] = [];
  let error: unknown;
  let ended = false;
  std.retry(() => {
    calls.push(Date.now());
    throw new Error(`failure ${calls.length}`);
  }, options).catch((reason) => error = reason).finally(() => ended = true);
  while (!ended) {
    await settled();
    clock.tick(1);
  }
  return { calls, error };
}

/** The global timers and `Date` stand still until `tick()`. */
function fakeClock(): Disposable & { tick(milliseconds: number): void } {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  return {
    tick: (milliseconds) => mock.timers.tick(milliseconds),
    [Symbol.dispose]: () => mock.timers.reset(),
  };
}

/** Lets what waits for settled promises run, without a timer. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await null;
}

/** The function throws an `AssertionError`. */
function fails(fn: () => unknown): void {
  const error = assertThrows(fn, Error);
  assertEquals(error.name, "AssertionError");
}
