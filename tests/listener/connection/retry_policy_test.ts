import { assertEquals } from "@std/assert";
import { BeaconHttpError } from "../../../src/beacon/http/errors.ts";
import type { ConnectionEnd } from "../../../src/listener/connection/connection_end.ts";
import {
  Backoff,
  planRetry,
} from "../../../src/listener/connection/retry_policy.ts";
import {
  ChainChangedError,
  WrongChainError,
} from "../../../src/listener/chain/chain_errors.ts";

const error = new Error("made for a test");

function refused(status: number, retryAfterMs?: number): ConnectionEnd {
  const answer = { status, url: "", body: "", retryAfterMs };
  return {
    kind: "refused",
    error: new BeaconHttpError("", answer),
    afterMs: 0,
  };
}

const SLOT_MS = 12_000;
/** One slot: the node cannot be reached, or its stream broke. */
const soon = { capMs: SLOT_MS };
/** The stream may live, or be dead together with all connections of the runtime's pool. */
const afterSilence = {
  ...soon,
  bound: "steady",
  keepsStream: true,
  renewsClient: true,
} as const;
/** A retry soon would fail too. */
const late = { capMs: 30_000, bound: "longest" } as const;

const TABLE: [string, ConnectionEnd, ReturnType<typeof planRetry>][] = [
  ["unreachable", { kind: "unreachable", error }, {
    ...soon,
    renewsClient: true,
  }],
  ["network", { kind: "network", error }, soon],
  ["protocol", { kind: "protocol", error }, soon],
  ["eof", { kind: "eof", error }, soon],
  ["stalled", { kind: "stalled", error }, { ...soon, keepsStream: true }],
  ["idle", { kind: "idle", error }, afterSilence],
  ["slept", { kind: "slept", error }, afterSilence],
  ["hopeless", { kind: "hopeless", error }, undefined],
  [
    "unanswered",
    { kind: "unanswered", error },
    { ...afterSilence, negotiate: "in_pairs" },
  ],
  [
    "emptied",
    { kind: "emptied", error, reason: "eof", afterMs: 0 },
    { ...soon, negotiate: "alone" },
  ],
  [
    "topics_regained",
    { kind: "topics_regained", error },
    { ...soon, negotiate: "alone" },
  ],
  [
    "wrong_chain",
    {
      kind: "wrong_chain",
      error: new WrongChainError("node", { root: "0x1", time: 0 }, {
        root: "0x2",
        time: 0,
      }),
    },
    { ...late, untilWelcome: true },
  ],
  [
    "chain_changed",
    { kind: "chain_changed", error: new ChainChangedError() },
    { bound: "steady", capMs: 0 },
  ],
  ["400", refused(400), { ...late, negotiate: "alone" }],
  ["401", refused(401), late],
  ["404", refused(404), late],
  ["429", refused(429), { capMs: 30_000, leastMs: 0 }],
  ["429 with Retry-After", refused(429, 7000), {
    capMs: 30_000,
    leastMs: 7000,
  }],
  ["500", refused(500), soon],
  ["503", refused(503), { ...soon, leastMs: 0 }],
  ["503 with Retry-After", refused(503, 7000), { ...soon, leastMs: 7000 }],
  [
    "503 with a Retry-After of a day",
    refused(503, 86_400_000),
    { ...soon, leastMs: 300_000 },
  ],
  ["a redirect without a target", refused(302), soon],
];

for (const [name, end, plan] of TABLE) {
  Deno.test(`planRetry() knows what follows ${name}`, () => {
    assertEquals(planRetry(end, SLOT_MS), plan);
  });
}

Deno.test("planRetry() caps waits at a slot, between one and thirty seconds, and at 12 s until it is known", () => {
  const end: ConnectionEnd = { kind: "network", error };
  const caps = [undefined, 200, 6000, 60_000].map((slotDurationMs) =>
    planRetry(end, slotDurationMs)?.capMs
  );
  assertEquals(caps, [12_000, 1000, 6000, 30_000]);
});

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
