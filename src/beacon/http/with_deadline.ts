import { deadline } from "@std/async/deadline";
import { BeaconTimeoutError } from "./errors.ts";

interface WithDeadlineOptions {
  timeoutMs: number;
  signal: AbortSignal;
  describe: string;
}

/**
 * Runs requests to a node within a time. Their signal is always aborted at the end, so that none
 * goes on.
 *
 * @throws {BeaconTimeoutError} If it took too long; its phase is `"probe"`.
 */
export async function withDeadline<T>(
  run: (signal: AbortSignal) => Promise<T>,
  options: WithDeadlineOptions,
): Promise<T> {
  const { timeoutMs, describe } = options;
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  try {
    return await deadline(run(signal), timeoutMs, { signal });
  } catch (cause) {
    if (!(cause instanceof DOMException && cause.name === "TimeoutError")) {
      throw cause;
    }
    options.signal.throwIfAborted();
    throw new BeaconTimeoutError(
      `${describe} within ${timeoutMs} ms`,
      "probe",
      { cause },
    );
  } finally {
    ended.abort();
  }
}
