/** When the command has to stop: a signal from outside, or the time of `--for`. */

/** Stops that are being waited for; disposing takes the handlers and the timer away. */
export interface Stop extends Disposable {
  /** Aborted when the command should end by itself: a signal, or the time is over. */
  readonly signal: AbortSignal;
  /** Aborted when somebody asked from outside, by SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/**
 * Waits for SIGINT, SIGTERM and the end of the given time. After the first signal the handlers are
 * gone, so that a second one ends the process at once.
 *
 * @param forMs Time after which to stop, in milliseconds; never where absent.
 */
export function waitForStop(forMs: number | undefined): Stop {
  const signals: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  const interrupt = new AbortController();
  const expire = new AbortController();
  const timer = forMs === undefined
    ? undefined
    : setTimeout(() => expire.abort(), forMs);

  for (const name of signals) Deno.addSignalListener(name, onSignal);
  return {
    signal: AbortSignal.any([interrupt.signal, expire.signal]),
    interrupted: interrupt.signal,
    [Symbol.dispose]: dispose,
  };

  function onSignal() {
    dispose();
    interrupt.abort();
  }

  function dispose() {
    clearTimeout(timer);
    for (const name of signals) Deno.removeSignalListener(name, onSignal);
  }
}
