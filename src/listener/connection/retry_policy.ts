/** What follows the end of a connection: how long to wait, and whether to negotiate the topics first. */

import type { ConnectionEnd } from "./connection_end.ts";

export interface Wait {
  /**
   * Its upper bound: `"growing"` doubles it with each wait, `"steady"` stays at the base and does
   * not count as a failure, `"longest"` is the cap at once.
   *
   * @default {"growing"}
   */
  bound?: "growing" | "steady" | "longest";
  capMs: number;
  leastMs?: number;
}

export interface RetryPlan extends Wait {
  /**
   * Whether the end reveals something about the topics, and how they are probed if that is needed. If
   * it leads to another request, that one is sent at once.
   */
  negotiate?: "alone" | "in_pairs";
  /** Whether the wait is over as soon as the listener follows the node's chain. */
  untilWelcome?: true;
  /** Whether the stream may still live, so that it is read until the next one is open. */
  keepsStream?: true;
  /** Whether the next attempt must not use a connection of the runtime's pool: they may be dead. */
  renewsClient?: true;
}

/** @returns `undefined` where no retry can succeed. */
export function planRetry(
  end: ConnectionEnd,
  slotDurationMs: number | undefined,
): RetryPlan | undefined {
  const soon: RetryPlan = {
    capMs: Math.min(
      CAP_MS,
      Math.max(LEAST_CAP_MS, slotDurationMs ?? CAP_WITHOUT_CLOCK_MS),
    ),
  };
  /** The node answers its probe, or did: silence is no failure, and no backoff grows from it. */
  const afterSilence: RetryPlan = {
    ...soon,
    bound: "steady",
    keepsStream: true,
    renewsClient: true,
  };
  switch (end.kind) {
    case "network":
    case "protocol":
    case "eof":
      return soon;
    case "unreachable":
      return { ...soon, renewsClient: true };
    case "stalled":
      return { ...soon, keepsStream: true };
    case "idle":
    case "slept":
      return afterSilence;
    case "unanswered":
      return { ...afterSilence, negotiate: "in_pairs" };
    case "hopeless":
      return undefined;
    case "emptied":
    case "topics_regained":
      return { ...soon, negotiate: "alone" };
    case "wrong_chain":
      return { ...LATE, untilWelcome: true };
    case "chain_changed":
      return AT_ONCE;
    case "refused": {
      const { status, retryAfterMs = 0 } = end.error;
      const leastMs = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS);
      if (status === 400) return { ...LATE, negotiate: "alone" };
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
/** Nothing is wrong with the node: the shortest wait there is. */
const AT_ONCE: RetryPlan = { bound: "steady", capMs: 0 };
/** A retry soon would fail too: a wrong key, a wrong path, another chain. */
const LATE: RetryPlan = { bound: "longest", capMs: CAP_MS };

/**
 * Exponential with full jitter, so that a thousand listeners that lost the same node do not come
 * back at the same moment.
 */
export class Backoff {
  readonly #random: () => number;
  #baseMs = BASE_MS;
  #failures = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  next({ bound = "growing", capMs, leastMs = 0 }: Wait): number {
    const growth = bound === "steady" ? 1 : 2 ** this.#failures++;
    const boundMs = bound === "longest"
      ? capMs
      : Math.min(capMs, this.#baseMs * growth);
    const waitMs = Math.round(this.#random() * boundMs);
    // A user's `random` may return NaN; that must not become a wait of zero.
    const drawnMs = Number.isNaN(waitMs) ? boundMs : waitMs;
    return Math.max(LEAST_WAIT_MS, leastMs, drawnMs);
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Takes a server's `retry:` as the new base; the cap bounds each wait all the same. */
  setBase(milliseconds: number): void {
    this.#baseMs = Math.max(BASE_MS, milliseconds);
  }
}

const BASE_MS = 1000;
/** Jitter may draw zero; a backoff must prevent a busy loop against a node that refuses. */
const LEAST_WAIT_MS = 100;
