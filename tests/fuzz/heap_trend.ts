/** Whether a heap grows: the slope through its samples, and how sure one can be of it. */

/** A size at a time. */
export interface HeapSample {
  /** When, in milliseconds. */
  at: number;
  /** How much was in use, in bytes. */
  bytes: number;
}

/** A line through samples. */
export interface HeapTrend {
  /** Slope in KiB a minute. */
  slope: number;
  /** Standard error of the slope, in KiB a minute. */
  error: number;
}

/** Least squares; without three samples there is no trend. */
export function heapTrend(
  samples: readonly HeapSample[],
): HeapTrend | undefined {
  if (samples.length < 3) return undefined;
  const points = samples.map(({ at, bytes }) => ({
    x: at / 60_000,
    y: bytes / 1024,
  }));
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  const slope = sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) /
    spread;
  const residuals = points.map(({ x, y }) => y - meanY - slope * (x - meanX));
  const variance = sum(residuals.map((residual) => residual ** 2)) /
    (points.length - 2);
  return { slope, error: Math.sqrt(variance / spread) };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
