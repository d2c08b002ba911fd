/** `GET /metrics`: Prometheus' text, or OpenMetrics where the request prefers it. */

import type {
  MetricObjectWithValues,
  MetricValue,
  OpenMetricsContentType,
} from "prom-client";
import type { MetricsRegistry } from "../listener/metrics/registry.ts";
import { loadPromClient } from "../listener/metrics/load_metrics.ts";
import type { Answer, GatewayRequest } from "./answer.ts";

/**
 * Answers with a registry's metrics.
 *
 * @param registry The metrics.
 * @param request The request, for its `accept` header.
 */
export async function answerMetrics(
  registry: MetricsRegistry,
  { headers }: Pick<GatewayRequest, "headers">,
): Promise<Answer> {
  // Without metrics there may be no prom-client to load.
  const hasMetrics = registry.getMetricsAsArray().length > 0;
  const rendered = hasMetrics && acceptsOpenMetrics(headers.get("accept") ?? "")
    ? await toOpenMetrics(registry)
    : registry;
  return {
    status: 200,
    headers: { "content-type": rendered.contentType, vary: "accept" },
    body: await rendered.metrics(),
  };
}

/** Whether OpenMetrics is accepted, and plain text not preferred. */
function acceptsOpenMetrics(accept: string): boolean {
  const quality = (type: string) =>
    Math.max(
      0,
      ...accept.toLowerCase().split(",")
        .filter((range) => range.split(";", 1)[0]!.trim() === type)
        .map((range) => Number(/;\s*q=([\d.]+)/.exec(range)?.[1] ?? 1)),
    );
  const open = quality("application/openmetrics-text");
  return open > 0 && open >= quality("text/plain");
}

/**
 * A registry with the same metrics that renders OpenMetrics. The registry itself is not switched for
 * the time of an answer: another answer may be under way, and prom-client then keeps the shortened
 * names of counters.
 */
async function toOpenMetrics(
  registry: MetricsRegistry,
): Promise<MetricsRegistry> {
  const { Registry } = await loadPromClient();
  const open = new Registry<OpenMetricsContentType>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const metrics = await registry.getMetricsAsJSON() as MetricObjectWithValues<
    MetricValue<string>
  >[];
  for (const metric of metrics) {
    const name = metric.name.replace(/_total$/, "");
    const rendered = { ...metric, name };
    const source = {
      name,
      type: metric.type,
      get: () => Promise.resolve(rendered),
    };
    open.registerMetric(source as never);
  }
  return open;
}
