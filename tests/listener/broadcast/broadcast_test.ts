import { assert, assertEquals, assertThrows } from "@std/assert";
import { Broadcast, mergeReorgs } from "@org/beacon-sse";
import type { ChainReorg } from "@org/beacon-sse";

function reorg(epoch: number): ChainReorg {
  return {
    epoch,
    slot: epoch * 32 + 2,
    depth: 2,
    oldHeadBlock: "0xaa",
    newHeadBlock: "0xbb",
    node: "a",
    receivedAt: 0,
  };
}

Deno.test("Broadcast() refuses bounds that are not positive integers", () => {
  for (const capacity of [0, -1, 1.5, NaN]) {
    assertThrows(
      () => new Broadcast({ capacity }),
      RangeError,
      String(capacity),
    );
    assertThrows(
      () => new Broadcast({ maxBytes: capacity }),
      RangeError,
      "maxBytes",
    );
  }
});

Deno.test("Broadcast.subscribe() delivers to each subscriber all that is posted later", async () => {
  const broadcast = new Broadcast<number>();
  const first = broadcast.subscribe();
  broadcast.post(1);
  const second = broadcast.subscribe();
  broadcast.post(2);
  broadcast.close();
  assertEquals(await Array.fromAsync(first), [1, 2]);
  assertEquals(await Array.fromAsync(second), [2]);
});

Deno.test("Broadcast.subscribe() wakes a reader that waits", async () => {
  using broadcast = new Broadcast<number>();
  const reader = broadcast.subscribe()[Symbol.asyncIterator]();
  const pending = [reader.next(), reader.next()];
  broadcast.post(1);
  broadcast.post(2);
  assertEquals(await Promise.all(pending), [{ done: false, value: 1 }, {
    done: false,
    value: 2,
  }]);
});

Deno.test("Broadcast.subscribe() drops a slow subscriber's oldest values and counts them", async () => {
  const broadcast = new Broadcast<number>({ capacity: 3 });
  const slow = broadcast.subscribe();
  for (let value = 0; value < 100; value++) broadcast.post(value);
  broadcast.close();
  assertEquals(slow.dropped, 97);
  assertEquals(broadcast.lost, 97);
  assertEquals(await Array.fromAsync(slow), [97, 98, 99]);
});

Deno.test("Broadcast.post() drops the oldest values when their bytes exceed the bound", async () => {
  const lost: string[] = [];
  const broadcast = new Broadcast<{ raw: string }>({
    maxBytes: 100,
    sizeOf: ({ raw }) => 2 * raw.length,
    onLost: ({ raw }) => lost.push(raw),
  });
  const slow = broadcast.subscribe();
  for (const length of [20, 20, 10, 45]) {
    broadcast.post({ raw: "x".repeat(length) });
  }
  broadcast.close();
  assertEquals(lost.map((raw) => raw.length), [20, 20, 10]);
  assertEquals(slow.dropped, 3);
  assertEquals((await Array.fromAsync(slow)).length, 1);
});

Deno.test("Broadcast.post() keeps the newest value, however large", async () => {
  const broadcast = new Broadcast<string>({ maxBytes: 10 });
  const slow = broadcast.subscribe();
  for (const value of ["a", "x".repeat(1000)]) broadcast.post(value);
  broadcast.close();
  assertEquals((await Array.fromAsync(slow)).map(({ length }) => length), [
    1000,
  ]);
});

Deno.test("Broadcast.post() frees the bytes of what was read", async () => {
  using broadcast = new Broadcast<string>({
    maxBytes: 100,
    sizeOf: ({ length }) => length,
  });
  const subscription = broadcast.subscribe();
  const reader = subscription.values({ preventCancel: true });
  for (let round = 0; round < 50; round++) {
    broadcast.post("x".repeat(60));
    broadcast.post("x".repeat(40));
    await reader.next();
    await reader.next();
  }
  assertEquals(subscription.dropped, 0);
});

Deno.test("Broadcast.post() merges reorgs when their bytes exceed the bound", async () => {
  const broadcast = new Broadcast<ChainReorg>({
    maxBytes: 1000,
    merge: mergeReorgs,
  });
  const slow = broadcast.subscribe();
  for (let epoch = 100; epoch > 0; epoch--) broadcast.post(reorg(epoch));
  broadcast.close();
  const received = await Array.fromAsync(slow, ({ epoch }) => epoch);
  assertEquals(received.at(-1), 1);
  assertEquals(received.length + slow.merged, 100);
  assert(received.length < 10);
});

Deno.test("Broadcast.post() merges a slow subscriber's reorgs and keeps the lowest epoch", async () => {
  const broadcast = new Broadcast<ChainReorg>({
    capacity: 2,
    merge: mergeReorgs,
  });
  const slow = broadcast.subscribe();
  for (const epoch of [9, 8, 3, 7]) broadcast.post(reorg(epoch));
  broadcast.close();
  const received = await Array.fromAsync(
    slow,
    ({ epoch, merged }) => [epoch, merged],
  );
  assertEquals(received, [[9, undefined], [3, 2]]);
  assertEquals([slow.merged, slow.dropped], [2, 0]);
});

Deno.test("Broadcast.subscribe() delivers only what its filter wants, and drops only that", async () => {
  const broadcast = new Broadcast<number>({ capacity: 2 });
  const even = broadcast.subscribe({ filter: (value) => value % 2 === 0 });
  for (const value of [1, 2, 3, 4, 5]) broadcast.post(value);
  broadcast.close();
  assertEquals(await Array.fromAsync(even), [2, 4]);
  assertEquals(even.dropped, 0);
});

Deno.test("Subscription() ends when its loop is left, and is forgotten", async () => {
  using broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  broadcast.post(1);
  for await (const value of subscription) {
    assertEquals(value, 1);
    break;
  }
  assertEquals(broadcast.subscribers, 0);
});

Deno.test("Subscription() ends when its signal aborts, also for a reader that waits", async () => {
  using broadcast = new Broadcast<number>();
  const controller = new AbortController();
  const subscription = broadcast.subscribe({ signal: controller.signal });
  const all = Array.fromAsync(subscription);
  controller.abort();
  assertEquals(await all, []);
  assertEquals(broadcast.subscribers, 0);
  assertEquals(
    await Array.fromAsync(broadcast.subscribe({ signal: controller.signal })),
    [],
  );
});

Deno.test("Subscription() is a ReadableStream that pipes and cancels", async () => {
  using broadcast = new Broadcast<number>();
  const doubled = broadcast.subscribe().pipeThrough(
    new TransformStream<number, number>({
      transform(value, controller) {
        controller.enqueue(value * 2);
      },
    }),
  );
  const reader = doubled.getReader();
  broadcast.post(21);
  assertEquals(await reader.read(), { done: false, value: 42 });
  await reader.cancel();
  assertEquals(broadcast.subscribers, 0);
});

Deno.test("Broadcast.subscribe() may be called from inside a loop over another one", async () => {
  const broadcast = new Broadcast<number>();
  const inner: number[] = [];
  const outer = broadcast.subscribe();
  broadcast.post(1);
  for await (const _ of outer) {
    const nested = broadcast.subscribe();
    broadcast.post(2);
    for await (const value of nested) {
      inner.push(value);
      break;
    }
    break;
  }
  assertEquals(inner, [2]);
  broadcast.close();
});

Deno.test("Subscription.values() refuses a stream that a reader has locked", () => {
  using broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  const _reader = subscription.getReader();
  assertThrows(() => subscription.values(), TypeError, "locked");
});

Deno.test("Subscription() never yields undefined where an iterator and a reader share it", async () => {
  using broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  const iterator = subscription.values({ preventCancel: true });
  const values: unknown[] = [];
  const keep = ({ value }: { value?: unknown }) => values.push(value);
  for (let first = 0; first < 40; first += 4) {
    const reader = subscription.getReader();
    const pending = [
      reader.read().then(keep),
      iterator.next().then(keep),
      reader.read().then(keep),
      iterator.next().then(keep),
    ];
    if (first % 8 === 0) await Promise.resolve();
    for (let value = first; value < first + 4; value++) broadcast.post(value);
    await Promise.all(pending);
    reader.releaseLock();
  }
  assertEquals(values.toSorted((a, b) => Number(a) - Number(b)), [
    ...Array(40).keys(),
  ]);
});

Deno.test("Subscription() ends both an iterator and a reader that wait", async () => {
  const broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  const next = subscription.values().next();
  const read = subscription.getReader().read();
  broadcast.close();
  assert((await next).done);
  assert((await read).done);
});

Deno.test("Subscription.values() keeps the subscription with preventCancel", async () => {
  using broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  broadcast.post(1);
  broadcast.post(2);
  for await (const value of subscription.values({ preventCancel: true })) {
    assertEquals(value, 1);
    break;
  }
  for await (const value of subscription) {
    assertEquals(value, 2);
    break;
  }
  assertEquals(broadcast.subscribers, 0);
});
