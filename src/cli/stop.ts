/** When the command has to stop: a signal from outside, or the time of `--for`. */

/** Waits for reasons to stop; disposing takes the handlers and the timer away. */
export interface Stop extends Disposable {
  /** Aborted when the command should end by itself: a signal, or the time is over. */
  readonly signal: AbortSignal;
  /** Aborted by SIGINT or SIGTERM. */
  readonly interrupted: AbortSignal;
}

/**
 * Waits for SIGINT, SIGTERM and the end of the given time. After the first signal the handlers are
 * gone, so that a second one ends the process at once.
 *
 * @param forMs Time after which to stop, in milliseconds; never where absent.
 */
export function waitForStop(forMs: number | undefined): Stop {
  const names: Deno.Signal[] = Deno.build.os === "windows"
    ? ["SIGINT"]
    : ["SIGINT", "SIGTERM"];
  const interrupt = new AbortController();
  const expire = new AbortController();
  const timer = forMs && setTimeout(() => expire.abort(), forMs);
  const onSignal = () => {
    dispose();
    interrupt.abort();
  };
  const dispose = () => {
    clearTimeout(timer);
    for (const name of names) Deno.removeSignalListener(name, onSignal);
  };
  for (const name of names) Deno.addSignalListener(name, onSignal);
  return {
    signal: AbortSignal.any([interrupt.signal, expire.signal]),
    interrupted: interrupt.signal,
    [Symbol.dispose]: dispose,
  };
}
