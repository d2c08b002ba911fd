import { assert, assertEquals, assertThrows } from "@std/assert";
import { Broadcast, mergeReorgs, receiveBroadcast } from "@org/beacon-sse";
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

Deno.test("Broadcast.mirror() and receiveBroadcast() refuse what is no name", () => {
  const broadcast = new Broadcast<number>();
  for (const name of [5, ""]) {
    assertThrows(
      () => broadcast.mirror(name as never),
      TypeError,
      "name must be a non-empty string",
    );
    assertThrows(
      () => receiveBroadcast(name as never),
      TypeError,
      "name must be a non-empty string",
    );
  }
});

Deno.test("Broadcast() refuses a capacity that is no positive integer", () => {
  for (const capacity of [0, -1, 1.5, NaN]) {
    assertThrows(
      () => new Broadcast({ capacity }),
      RangeError,
      String(capacity),
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

Deno.test("Broadcast.mirror() reaches a receiver of the same name, holes shown", async () => {
  const name = crypto.randomUUID();
  using broadcast = new Broadcast<unknown>();
  const received = receiveBroadcast<unknown>(name);
  using mirror = broadcast.mirror(name);
  broadcast.post("a");
  broadcast.post(() => "cannot be cloned");
  broadcast.post("b");
  const values: unknown[] = [];
  for await (const { value, missed } of received) {
    values.push([value, missed]);
    if (values.length === 2) break;
  }
  assertEquals(values, [["a", 0], ["b", 1]]);
  assertEquals(mirror.dropped, 1);
});

Deno.test("Broadcast.mirror() reaches a worker, which sees what the channel loses", async () => {
  const name = crypto.randomUUID();
  const worker = new Worker(new URL("./mirror_worker.ts", import.meta.url), {
    type: "module",
  });
  const started = nextMessage(worker);
  worker.postMessage(name);
  await started;
  using broadcast = new Broadcast<number>();
  using _mirror = broadcast.mirror(name);
  const posts = 3000;
  const report = nextMessage<{ received: number; missed: number }>(worker);
  for (let value = 0; value < posts; value++) broadcast.post(value);
  // The channel may drop the burst's last messages too: the end is told until it is heard.
  const timer = setInterval(() => broadcast.post(-1), 20);
  const { received, missed } = await report;
  clearInterval(timer);
  worker.terminate();
  assert(received > 0);
  assert(
    received + missed >= posts,
    `${received} received and ${missed} missed of ${posts}`,
  );
});

function nextMessage<T>(worker: Worker): Promise<T> {
  return new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data), {
      once: true,
    });
  });
}

Deno.test("Subscription.values() refuses a stream that a reader has locked", () => {
  using broadcast = new Broadcast<number>();
  const subscription = broadcast.subscribe();
  const _reader = subscription.getReader();
  assertThrows(() => subscription.values(), TypeError, "locked");
});
