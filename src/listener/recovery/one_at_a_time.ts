/** For work that may be asked for a thousand times in a second and is worth doing once. */

import { delay } from "@std/async/delay";

/**
 * Runs a task at least once behind each time that it is asked for, but never twice at a time, nor
 * twice within a quarter of a second.
 *
 * @param task What to run, with what it was last asked with.
 * @param signal Ends the waits when aborted.
 */
export function oneAtATime<T>(
  task: (input: T) => Promise<void>,
  signal: AbortSignal,
): (input: T) => Promise<void> {
  let isRunning = false;
  let asked: { input: T } | undefined;
  return async (input) => {
    asked = { input };
    if (isRunning) return;
    isRunning = true;
    try {
      while (asked !== undefined) {
        const { input }: { input: T } = asked;
        asked = undefined;
        await task(input);
        await delay(INTERVAL_MS, { signal });
      }
    } finally {
      isRunning = false;
    }
  };
}

const INTERVAL_MS = 250;
