/** What follows the end of a connection: how long to wait, and whether to negotiate the topics first. */

import type { Wait } from "./backoff.ts";
import type { ConnectionEnd } from "./connection_end.ts";

/** What to do after a connection ended. */
export interface RetryPlan extends Wait {
  /**
   * Whether the end reveals something about the topics. Where the negotiation then finds another
   * request, that one is sent at once; else the wait applies.
   */
  negotiate?: true;
}

/**
 * Decides what to do after a connection ended.
 *
 * @param end How it ended.
 * @param slotDurationMs Length of a slot; `undefined` until the node has reported it.
 */
export function planRetry(
  end: ConnectionEnd,
  slotDurationMs: number | undefined,
): RetryPlan {
  const soon: RetryPlan = {
    capMs: Math.min(
      CAP_MS,
      Math.max(LEAST_CAP_MS, slotDurationMs ?? CAP_WITHOUT_CLOCK_MS),
    ),
  };
  switch (end.kind) {
    case "unreachable":
    case "network":
    case "protocol":
    case "eof":
    case "stalled":
      return soon;
    case "idle":
      return { ...soon, bound: "steady" };
    case "unanswered":
      return { ...soon, bound: "steady", negotiate: true };
    case "emptied":
    case "topics_regained":
      return { ...soon, negotiate: true };
    case "wrong_chain":
      return LATE;
    case "refused": {
      const { status, retryAfterMs = 0 } = end.error;
      const leastMs = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
      if (status === 400) return { ...LATE, negotiate: true };
      if (status === 429) return { capMs: CAP_MS, leastMs };
      if (status === 503) return { ...soon, leastMs };
      return status > 400 && status < 500 ? LATE : soon;
    }
  }
}

const CAP_MS = 30_000;
const CAP_WITHOUT_CLOCK_MS = 12_000;
/** A development chain may have slots of milliseconds. */
const LEAST_CAP_MS = 1000;
const MAX_RETRY_AFTER_MS = 300_000;
/** Time alone will hardly heal it: a wrong key, a wrong path, another chain. */
const LATE: RetryPlan = { bound: "longest", capMs: CAP_MS };
