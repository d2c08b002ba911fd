/** What `--serve` offers: `/metrics`, `/healthz` and `/readyz`. */

import { STATUS_CODE, STATUS_TEXT, type StatusCode } from "@std/http/status";
import type { NodeSnapshot } from "../listener/node_state.ts";
import type { SseListener } from "../listener/sse_listener.ts";

/** The part of a listener that is shown. */
export type ServedListener = Pick<
  SseListener,
  "registry" | "nodes" | "clock" | "finished"
>;

/**
 * Makes the handler over a listener.
 *
 * - `/metrics`: its registry in Prometheus' text format.
 * - `/healthz`: 200 while the listener runs, else 503.
 * - `/readyz`: 200 while the slot clock is known and a node is connected, else 503; JSON with the
 *   state of each node.
 *
 * Other paths are 404, other methods than GET and HEAD 405.
 *
 * @param listener The listener.
 * @returns A handler for `Deno.serve` and its like.
 */
export function createHandler(
  listener: ServedListener,
): (request: Request) => Promise<Response> {
  let isRunning = true;
  const stop = () => {
    isRunning = false;
  };
  listener.finished.then(stop, stop);

  const routes: Record<string, () => Response | Promise<Response>> = {
    "/metrics": async () => {
      const { registry } = listener;
      const headers = { "content-type": registry.contentType };
      return new Response(await registry.metrics(), { headers });
    },
    "/healthz": () =>
      text(isRunning ? STATUS_CODE.OK : STATUS_CODE.ServiceUnavailable),
    "/readyz": () => {
      const hasClock = listener.clock !== undefined;
      const ready = isRunning && hasClock &&
        listener.nodes.some((node) => node.state === "connected");
      const status = ready ? STATUS_CODE.OK : STATUS_CODE.ServiceUnavailable;
      const nodes = listener.nodes.map(showNode);
      return Response.json({ ready, clock: hasClock, nodes }, { status });
    },
  };

  return async (request) => {
    const { pathname } = new URL(request.url);
    const route = Object.hasOwn(routes, pathname)
      ? routes[pathname]
      : undefined;
    const response = await answer(request.method, route);
    response.headers.set("cache-control", "no-store");
    return request.method === "HEAD" ? new Response(null, response) : response;
  };
}

/** A node as JSON: of an error only its message, which holds no credentials. */
function showNode({ lastError, ...node }: NodeSnapshot): object {
  return { ...node, lastError: lastError?.message };
}

async function answer(
  method: string,
  route: (() => Response | Promise<Response>) | undefined,
): Promise<Response> {
  if (route === undefined) return text(STATUS_CODE.NotFound);
  if (method !== "GET" && method !== "HEAD") {
    const response = text(STATUS_CODE.MethodNotAllowed);
    response.headers.set("allow", "GET, HEAD");
    return response;
  }
  try {
    return await route();
  } catch {
    // A metric of the user's registry may throw in its collect(); its message is not for the net.
    return text(STATUS_CODE.InternalServerError);
  }
}

function text(status: StatusCode): Response {
  const body = status === STATUS_CODE.OK ? "ok" : STATUS_TEXT[status];
  return new Response(`${body}\n`, {
    status,
    headers: { "content-type": "text/plain" },
  });
}
