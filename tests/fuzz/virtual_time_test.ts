import { assertEquals } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { VirtualTime } from "./virtual_time.ts";

function start(): VirtualTime {
  return new VirtualTime({ startAt: 1_000_000, random: () => 0.5 });
}

Deno.test("VirtualTime.pass() fires timers in order, those of one moment as they were set", async () => {
  using time = start();
  const fired: string[] = [];
  setTimeout(() => fired.push(`b ${Date.now()}`), 20);
  setTimeout(() => fired.push(`a ${Date.now()}`), 10);
  setTimeout(() => fired.push(`c ${Date.now()}`), 20);
  await time.pass(20);
  assertEquals(fired, ["a 1000010", "b 1000020", "c 1000020"]);
});

Deno.test("VirtualTime.pass() lets promises settle between two timers", async () => {
  using time = start();
  const seen: string[] = [];
  (async () => {
    await delay(10);
    for (let i = 0; i < 1000; i++) await null;
    seen.push(`promises ${Date.now()}`);
  })();
  time.after(10, () => seen.push("second timer"));
  await time.pass(10);
  assertEquals(seen, ["promises 1000010", "second timer"]);
});

Deno.test("VirtualTime drives setInterval, performance.now and AbortSignal.timeout", async () => {
  using time = start();
  let ticks = 0;
  const interval = setInterval(() => ticks++, 100);
  const never = deadline(new Promise(() => {}), 250).catch((error) =>
    error.name
  );
  await time.pass(250);
  assertEquals(ticks, 2);
  assertEquals(performance.now(), 250);
  assertEquals(await never, "TimeoutError");
  clearInterval(interval);
  assertEquals(time.foreignTimers, 0);
});

Deno.test("VirtualTime counts the timers that code under test leaves behind", async () => {
  using time = start();
  const timer = setTimeout(() => {}, 1000);
  setTimeout(() => {}, 5);
  time.after(1000, () => {});
  assertEquals(time.foreignTimers, 2);
  await time.pass(5);
  assertEquals(time.foreignTimers, 1);
  clearTimeout(timer);
  assertEquals(time.foreignTimers, 0);
});

Deno.test("VirtualTime gives the globals back when disposed", () => {
  const before = [
    setTimeout,
    clearTimeout,
    Date.now,
    Math.random,
    performance.now,
  ];
  {
    using _time = start();
    assertEquals(Math.random(), 0.5);
  }
  const after = [
    setTimeout,
    clearTimeout,
    Date.now,
    Math.random,
    performance.now,
  ];
  assertEquals(after.every((value, index) => value === before[index]), true);
});
