/**
 * Stand-in for the part of `@std/async` that this project uses. Timers are the global `setTimeout`,
 * so that a fake clock drives them.
 *
 * @module
 */

/** Resolves after so many milliseconds; rejects with the signal's reason when it aborts. */
export function delay(
  ms: number,
  { signal, persistent }: { signal?: AbortSignal; persistent?: boolean } = {},
): Promise<void> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    // A longer timer would fire at once. The real one can wait longer.
    if (ms > 2 ** 31 - 1) throw new RangeError(`Cannot wait for ${ms} ms`);
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, Math.max(0, Math.trunc(ms)));
    if (persistent === false) Deno.unrefTimer(Number(timer));
    signal?.addEventListener("abort", abort, { once: true });
  });
}

/** Settles as the promise does, or rejects with a `TimeoutError` after so many milliseconds. */
export function deadline<T>(
  p: Promise<T>,
  ms: number,
  { signal }: { signal?: AbortSignal } = {},
): Promise<T> {
  const signals = signal === undefined ? [] : [signal];
  if (ms < Number.MAX_SAFE_INTEGER) signals.unshift(AbortSignal.timeout(ms));
  return abortable(p, AbortSignal.any(signals));
}

/** Settles as the promise does, or rejects with the signal's reason when it aborts. */
export async function abortable<T>(
  p: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([aborted, p]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
