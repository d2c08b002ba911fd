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

/** Decides what to do after a connection ended. */
export function planRetry(end: ConnectionEnd): RetryPlan {
  switch (end.kind) {
    case "unreachable":
    case "network":
    case "protocol":
    case "eof":
    case "idle":
    case "stalled":
      return SOON;
    case "unanswered":
    case "emptied":
    case "topics_regained":
      return { ...SOON, negotiate: true };
    case "wrong_chain":
      return LATE;
    case "refused": {
      const { status, retryAfterMs = 0 } = end.error;
      if (status === 400) return { ...LATE, negotiate: true };
      if (status === 429 || status === 503) {
        return { ...SOON, leastMs: Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) };
      }
      return status > 400 && status < 500 ? LATE : SOON;
    }
  }
}

const CAP_MS = 30_000;
const MAX_RETRY_AFTER_MS = 300_000;
const SOON: RetryPlan = { capMs: CAP_MS };
/** Time alone will hardly heal it: a wrong key, a wrong path, another chain. */
const LATE: RetryPlan = { bound: "longest", capMs: CAP_MS };
