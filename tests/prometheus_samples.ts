/** Reads the metrics of a registry. */

/** A line of Prometheus text. */
export interface Sample {
  /** Name of the metric. */
  name: string;
  /** Its labels. */
  labels: Record<string, string>;
  /** Its value. */
  value: number;
}

/** Every sample, in order. */
export function parseSamples(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) continue;
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

/** The value of the sample that has these labels and no others, `undefined` where there is none. */
export function sample(
  metrics: string,
  name: string,
  labels: Record<string, string>,
): number | undefined {
  const count = Object.keys(labels).length;
  return parseSamples(metrics).find((sample) =>
    sample.name === name && Object.keys(sample.labels).length === count &&
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  )?.value;
}
