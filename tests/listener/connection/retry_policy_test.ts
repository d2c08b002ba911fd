import { assertEquals } from "@std/assert";
import { BeaconHttpError } from "../../../src/beacon/http/errors.ts";
import type { ConnectionEnd } from "../../../src/listener/connection/connection_end.ts";
import { planRetry } from "../../../src/listener/connection/retry_policy.ts";
import { WrongChainError } from "../../../src/listener/connection/wrong_chain_error.ts";

const error = new Error("made for a test");

function refused(status: number, retryAfterMs?: number): ConnectionEnd {
  const answer = { status, url: "", body: "", retryAfterMs };
  return {
    kind: "refused",
    error: new BeaconHttpError("", answer),
    afterMs: 0,
  };
}

const TABLE: [string, ConnectionEnd, ReturnType<typeof planRetry>][] = [
  ["unreachable", { kind: "unreachable", error }, { capMs: 30_000 }],
  ["network", { kind: "network", error }, { capMs: 30_000 }],
  ["protocol", { kind: "protocol", error }, { capMs: 30_000 }],
  ["eof", { kind: "eof", error }, { capMs: 30_000 }],
  ["idle", { kind: "idle", error }, { capMs: 30_000 }],
  ["stalled", { kind: "stalled", error }, { capMs: 30_000 }],
  ["unanswered", { kind: "unanswered", error }, {
    capMs: 30_000,
    negotiate: true,
  }],
  ["emptied", { kind: "emptied", error, reason: "eof", afterMs: 0 }, {
    capMs: 30_000,
    negotiate: true,
  }],
  ["topics_regained", { kind: "topics_regained", error }, {
    capMs: 30_000,
    negotiate: true,
  }],
  ["wrong_chain", {
    kind: "wrong_chain",
    error: new WrongChainError("node", "0x1", "0x2"),
  }, { capMs: 30_000, bound: "longest" }],
  ["400", refused(400), { capMs: 30_000, bound: "longest", negotiate: true }],
  ["401", refused(401), { capMs: 30_000, bound: "longest" }],
  ["404", refused(404), { capMs: 30_000, bound: "longest" }],
  ["429", refused(429), { capMs: 30_000, leastMs: 0 }],
  ["429 with Retry-After", refused(429, 7000), {
    capMs: 30_000,
    leastMs: 7000,
  }],
  ["500", refused(500), { capMs: 30_000 }],
  ["503", refused(503), { capMs: 30_000, leastMs: 0 }],
  ["503 with Retry-After", refused(503, 7000), {
    capMs: 30_000,
    leastMs: 7000,
  }],
  ["503 with a Retry-After of a day", refused(503, 86_400_000), {
    capMs: 30_000,
    leastMs: 300_000,
  }],
  ["a redirect that is none", refused(302), { capMs: 30_000 }],
];

for (const [name, end, plan] of TABLE) {
  Deno.test(`planRetry() knows what follows ${name}`, () => {
    assertEquals(planRetry(end), plan);
  });
}
