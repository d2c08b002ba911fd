import { assert, assertEquals } from "@std/assert";
import { Backoff } from "../../../src/listener/connection/backoff.ts";

const BOUNDS = { baseMs: 1000, capMs: 30_000 };

Deno.test("Backoff.next() doubles its upper bound up to the cap", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => 0.999999 });
  const waits = Array.from({ length: 8 }, () => backoff.next());
  assertEquals(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

Deno.test("Backoff.next() spreads waits over the whole range", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => 0.5 });
  const waits = Array.from({ length: 7 }, () => backoff.next());
  assertEquals(waits, [500, 1000, 2000, 4000, 8000, 15_000, 15_000]);
});

Deno.test("Backoff.next() is never zero", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => 0 });
  for (let attempt = 0; attempt < 100; attempt++) assert(backoff.next() > 0);
});

Deno.test("Backoff.next() waits longest where `random` draws no number", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => NaN });
  assertEquals([backoff.next(), backoff.next()], [1000, 2000]);
});

Deno.test("Backoff.next() stays finite after very many failures", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => 0.999999 });
  for (let attempt = 0; attempt < 2000; attempt++) backoff.next();
  assertEquals(backoff.next(), 30_000);
});

Deno.test("Backoff.reset() begins anew", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => 0.5 });
  backoff.next();
  backoff.next();
  backoff.reset();
  assertEquals(backoff.next(), 500);
});

Deno.test("Backoff.nextAtCap() waits as after many failures", () => {
  const backoff = new Backoff({ ...BOUNDS, random: () => 0.5 });
  assertEquals(backoff.nextAtCap(), 15_000);
});

Deno.test("Backoff.setBase() keeps a server's retry within the bounds", () => {
  for (
    const [retry, wait] of [[0, 500], [5000, 2500], [
      86_400_000,
      15_000,
    ]] as const
  ) {
    const backoff = new Backoff({ ...BOUNDS, random: () => 0.5 });
    backoff.setBase(retry);
    assertEquals(backoff.next(), wait);
  }
});
