import { assertEquals } from "@std/assert";
import { Backoff } from "../../../src/listener/connection/backoff.ts";

const capMs = 30_000;

function waits(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next({ capMs }));
}

Deno.test("Backoff.next() doubles its upper bound up to the cap", () => {
  const backoff = new Backoff(() => 0.999999);
  assertEquals(
    waits(backoff, 8),
    [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  waits(backoff, 2000);
  assertEquals(backoff.next({ capMs }), 30_000);
});

Deno.test("Backoff.next() spreads waits over the whole range", () => {
  assertEquals(waits(new Backoff(() => 0.5), 3), [500, 1000, 2000]);
});

Deno.test("Backoff.next() is never zero", () => {
  assertEquals(waits(new Backoff(() => 0), 3), [100, 100, 100]);
});

Deno.test("Backoff.next() waits longest where `random` draws no number", () => {
  assertEquals(waits(new Backoff(() => NaN), 2), [1000, 2000]);
});

Deno.test("Backoff.next() draws from up to the cap at once where the bound is the longest", () => {
  const backoff = new Backoff(() => 0.5);
  assertEquals(backoff.next({ bound: "longest", capMs }), 15_000);
});

Deno.test("Backoff.next() does not grow with steady waits", () => {
  const backoff = new Backoff(() => 0.5);
  const steady = () => backoff.next({ bound: "steady", capMs });
  assertEquals([steady(), steady(), ...waits(backoff, 2)], [
    500,
    500,
    500,
    1000,
  ]);
});

Deno.test("Backoff.next() waits at least as long as it must", () => {
  const backoff = new Backoff(() => 0.5);
  assertEquals(backoff.next({ capMs, leastMs: 7000 }), 7000);
});

Deno.test("Backoff.reset() starts from the base again", () => {
  const backoff = new Backoff(() => 0.5);
  waits(backoff, 2);
  backoff.reset();
  assertEquals(waits(backoff, 1), [500]);
});

Deno.test("Backoff.setBase() keeps a server's retry within the bounds", () => {
  for (
    const [retry, wait] of [[0, 500], [5000, 2500], [
      86_400_000,
      15_000,
    ]] as const
  ) {
    const backoff = new Backoff(() => 0.5);
    backoff.setBase(retry);
    assertEquals(waits(backoff, 1), [wait]);
  }
});
