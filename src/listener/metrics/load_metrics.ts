/** The metrics and prom-client, loaded when a listener starts that has metrics. */

import type { Registry } from "prom-client";
import type { ListenerMetrics, ListenerMetricsOptions } from "./metrics.ts";
import type { PromClient } from "./registry.ts";

/** @throws {Error} If it cannot be loaded, as in a browser. */
export async function loadPromClient(): Promise<PromClient> {
  try {
    // esbuild does not follow an import with a second argument, Deno and JSR do: so a bundle for a
    // browser needs no stand-in for what prom-client imports of Node.
    return await import("prom-client", {});
  } catch (cause) {
    throw new Error(
      "Cannot start listener: metrics need prom-client, which cannot be loaded here; registry: false starts it without metrics",
      { cause },
    );
  }
}

/** Makes the metrics of a listener; without a registry, in one of their own. */
export type CreateMetrics = (
  options: Omit<ListenerMetricsOptions, "prom" | "registry"> & {
    registry: Registry | undefined;
  },
) => ListenerMetrics;

/** @throws {Error} If prom-client cannot be loaded, as in a browser. */
export async function loadMetrics(): Promise<CreateMetrics> {
  const prom = await loadPromClient();
  const { ListenerMetrics } = await import("./metrics.ts");
  return ({ registry = new prom.Registry(), ...options }) =>
    new ListenerMetrics({ ...options, prom, registry });
}
