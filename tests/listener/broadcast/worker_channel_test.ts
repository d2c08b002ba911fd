import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Broadcast, mirrorBroadcast, receiveBroadcast } from "@org/beacon-sse";

Deno.test("mirrorBroadcast() and receiveBroadcast() refuse a name that is empty or no string", async () => {
  using broadcast = new Broadcast<number>();
  for (const name of [5, ""]) {
    const words = "name must be a non-empty string";
    await assertRejects(
      () => mirrorBroadcast(broadcast.subscribe(), name as never),
      TypeError,
      words,
    );
    assertThrows(() => receiveBroadcast(name as never), TypeError, words);
  }
});

Deno.test("mirrorBroadcast() counts a value that cannot be cloned as missed", async () => {
  const name = crypto.randomUUID();
  const broadcast = new Broadcast<unknown>();
  const received = receiveBroadcast<unknown>(name);
  const mirroring = mirrorBroadcast(broadcast.subscribe(), name);
  for (const value of ["a", () => "cannot be cloned", "b"]) {
    broadcast.post(value);
  }
  const values: unknown[] = [];
  for await (const { value, missed } of received) {
    values.push([value, missed]);
    if (values.length === 2) break;
  }
  assertEquals(values, [["a", 0], ["b", 1]]);
  broadcast.close();
  await mirroring;
});

Deno.test("mirrorBroadcast() counts what its own subscription dropped as missed", async () => {
  const name = crypto.randomUUID();
  const broadcast = new Broadcast<number>({ capacity: 1 });
  const received = receiveBroadcast<number>(name);
  const subscription = broadcast.subscribe();
  for (const value of [1, 2, 3]) broadcast.post(value);
  const mirroring = mirrorBroadcast(subscription, name);
  for await (const message of received) {
    assertEquals(message, { value: 3, missed: 2 });
    break;
  }
  broadcast.close();
  await mirroring;
});

Deno.test("receiveBroadcast() ends when its signal aborts", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  const all = Array.fromAsync(
    receiveBroadcast(crypto.randomUUID(), { signal }),
  );
  controller.abort();
  assertEquals(await all, []);
});

Deno.test("receiveBroadcast() counts what the channel to a worker lost", async () => {
  const name = crypto.randomUUID();
  const worker = new Worker(new URL("./mirror_worker.ts", import.meta.url), {
    type: "module",
  });
  const started = nextMessage(worker);
  worker.postMessage(name);
  await started;
  const posts = 3000;
  const broadcast = new Broadcast<number>({ capacity: posts });
  const mirroring = mirrorBroadcast(broadcast.subscribe(), name);
  const report = nextMessage<{ received: number; missed: number }>(worker);
  for (let value = 0; value < posts; value++) broadcast.post(value);
  // The channel may lose the last value too, so it is sent until it arrives.
  const timer = setInterval(() => broadcast.post(-1), 20);
  const { received, missed } = await report;
  clearInterval(timer);
  broadcast.close();
  await mirroring;
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
