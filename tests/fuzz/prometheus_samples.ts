/** Reads what a registry of metrics has to say. */

/** A line of Prometheus text. */
export interface Sample {
  /** Name of the metric. */
  name: string;
  /** Its labels. */
  labels: Record<string, string>;
  /** Its value. */
  value: number;
}

/** Every sample but the buckets of histograms. */
export function parseSamples(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null || match[1]!.endsWith("_bucket")) continue;
    const labels = [...(match[2] ?? "").matchAll(/(\w+)="([^"]*)"/g)];
    samples.push({
      name: match[1]!,
      labels: Object.fromEntries(
        labels.map(([, key, value]) => [key!, value!]),
      ),
      value: Number(match[3]),
    });
  }
  return samples;
}

/** The sum over all samples of a name that have these labels. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number {
  return samples
    .filter((sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, value]) =>
        sample.labels[key] === value
      )
    )
    .reduce((sum, { value }) => sum + value, 0);
}
