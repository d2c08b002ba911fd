/**
 * Stand-in for the part of `@std/async` that this project uses, for places
 * where JSR does not answer: {@linkcode abortable} (of a promise),
 * {@linkcode deadline}, {@linkcode delay}, {@linkcode retry}. Never published; see `tests/offline/switch.ts`.
 *
 * Timers are the global `setTimeout`, so that a fake clock drives them.
 *
 * @module
 */

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Rejects the wait with its reason. */
  signal?: AbortSignal;
  /**
   * Whether the timer alone keeps the process alive.
   *
   * @default {true}
   */
  persistent?: boolean;
}

/** Options for {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Rejects the wait with its reason, before the time is over. */
  signal?: AbortSignal;
}

/** Options for {@linkcode retry}. */
export interface RetryOptions {
  /**
   * Factor by which the wait grows after each failure.
   *
   * @default {2}
   */
  multiplier?: number;
  /**
   * Longest wait, in milliseconds.
   *
   * @default {60000}
   */
  maxTimeout?: number;
  /**
   * How often the function is called before giving up.
   *
   * @default {5}
   */
  maxAttempts?: number;
  /**
   * First wait, in milliseconds.
   *
   * @default {1000}
   */
  minTimeout?: number;
  /**
   * Share of the wait that is random: 0 none of it, 1 all of it.
   *
   * @default {1}
   */
  jitter?: number;
  /**
   * Whether another attempt makes sense after this failure.
   *
   * @default {() => true}
   */
  isRetriable?: (err: unknown) => boolean;
  /** Ends the attempts and the waits between them with its reason. */
  signal?: AbortSignal;
}

/** What {@linkcode retry} throws after the last attempt; `cause` is its failure. */
export class RetryError extends Error {
  /** Wraps the `cause` of the last of so many `attempts`. */
  constructor(cause: unknown, attempts: number) {
    super(`All attempts failed: maxAttempts is ${attempts}`);
    this.name = "RetryError";
    this.cause = cause;
  }
}

/** Longest time that one timer can hold; longer ones fire at once. */
const MAX_TIMER = 2 ** 31 - 1;

/** Resolves after so many milliseconds; rejects when the signal aborts. */
export function delay(ms: number, options: DelayOptions = {}): Promise<void> {
  const { signal, persistent = true } = options;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let left = ms > 0 ? Math.trunc(ms) : 0;
  let timer: number;
  const arm = (): void => {
    const step = Math.min(left, MAX_TIMER);
    left -= step;
    timer = Number(setTimeout(left > 0 ? arm : done, step));
  };
  const done = (): void => {
    signal?.removeEventListener("abort", abort);
    resolve();
  };
  const abort = (): void => {
    clearTimeout(timer);
    reject(signal?.reason);
  };
  arm();
  if (!persistent) globalThis.Deno?.unrefTimer(timer!);
  signal?.addEventListener("abort", abort, { once: true });
  return promise;
}

/** Settles as the promise does, or rejects with a `TimeoutError` after so many milliseconds. */
export async function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  const limits = options.signal ? [options.signal] : [];
  if (ms < Number.MAX_SAFE_INTEGER) limits.unshift(AbortSignal.timeout(ms));
  return await abortable(p, AbortSignal.any(limits));
}

/** Settles as the promise does, or rejects with the signal's reason when it aborts. */
export async function abortable<T>(
  p: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted, p]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Calls the function until it succeeds, with a growing, jittered wait after each failure. */
export async function retry<T>(
  fn: (() => Promise<T>) | (() => T),
  options: RetryOptions = {},
): Promise<T> {
  const {
    multiplier = 2,
    maxTimeout = 60_000,
    maxAttempts = 5,
    minTimeout = 1_000,
    jitter = 1,
    isRetriable = () => true,
    signal,
  } = options;
  const valid = {
    maxAttempts: Number.isInteger(maxAttempts) && maxAttempts > 0,
    multiplier: Number.isFinite(multiplier) && multiplier >= 1,
    maxTimeout: maxTimeout > 0,
    minTimeout: minTimeout >= 0 && minTimeout <= maxTimeout,
    jitter: jitter >= 0 && jitter <= 1,
  };
  for (const [name, ok] of Object.entries(valid)) {
    if (ok) continue;
    const value = options[name as keyof RetryOptions];
    throw new RangeError(`Cannot retry: ${name} is out of range, got ${value}`);
  }
  for (let attempt = 1;; attempt++) {
    signal?.throwIfAborted();
    try {
      return await fn();
    } catch (error) {
      if (!isRetriable(error)) throw error;
      if (attempt >= maxAttempts) throw new RetryError(error, maxAttempts);
    }
    const wait = Math.min(maxTimeout, minTimeout * multiplier ** (attempt - 1));
    await delay(wait * (1 - jitter * Math.random()), signal ? { signal } : {});
  }
}
