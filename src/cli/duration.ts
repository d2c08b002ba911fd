/** Durations as people type them: `500ms`, `30s`, `2m`, `1h`, `1m30s`. */

/** The longest duration that a timer can wait, in milliseconds (a little under 25 days). */
export const MAX_DURATION_MS = 2 ** 31 - 1;

const NUMBER = String.raw`(\d+(?:\.\d+)?)`;
const PATTERN = new RegExp(
  `^(?:${NUMBER}h)?(?:${NUMBER}m)?(?:${NUMBER}s)?(?:${NUMBER}ms)?$`,
);
const UNITS_MS = [3_600_000, 60_000, 1000, 1];

/**
 * Reads a duration: each unit at most once, the larger first.
 *
 * @param text The duration, with units.
 * @returns Milliseconds, at least 1 and at most {@linkcode MAX_DURATION_MS}; `undefined` where the
 *   text is not such a duration.
 */
export function parseDuration(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const milliseconds = Math.round(
    UNITS_MS.reduce(
      (sum, unit, i) => sum + Number(match[i + 1] ?? 0) * unit,
      0,
    ),
  );
  return milliseconds >= 1 && milliseconds <= MAX_DURATION_MS
    ? milliseconds
    : undefined;
}
