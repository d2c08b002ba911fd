/** The gateway behind `node:http`, where an idle reader costs a third of the memory. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { refuse } from "../values/check.ts";
import { NO_URL } from "./answer.ts";
import { type Gateway, handleOf } from "./gateway.ts";

/**
 * Makes a gateway a listener for `http.createServer()`.
 *
 * @param gateway The gateway.
 * @throws {TypeError} If it is not one that `createGateway()` returned.
 *
 * @example Usage
 * ```ts
 * import { createServer } from "node:http";
 * import { once } from "node:events";
 * import { SseListener } from "@org/beacon-sse";
 * import { createGateway, toNodeListener } from "@org/beacon-sse/gateway";
 *
 * await using listener = await SseListener.start({ nodes: ["http://localhost:5052"] });
 * const gateway = createGateway(listener);
 * const server = createServer({ headersTimeout: 10_000 }, toNodeListener(gateway));
 * server.listen(0, "127.0.0.1"); // 0: a free port
 * await once(server, "listening");
 *
 * await gateway.close(); // at the end
 * server.close();
 * await once(server, "close");
 * ```
 */
export function toNodeListener(
  gateway: Gateway,
): (request: IncomingMessage, response: ServerResponse) => void {
  const handle = handleOf(gateway) ??
    refuse("serve", "gateway", "a Gateway of createGateway()", gateway);
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const closed = new AbortController();
    response.on("error", () => {});
    response.on("close", () => closed.abort());
    const { method = "GET", headers, socket } = request;
    const { url: target = "/" } = request;
    // A path may begin with two slashes, and is none of a host then.
    const url = URL.parse(
      target.startsWith("/") ? `http://gateway${target}` : target,
    );
    if (url === null) {
      const { status, headers, body } = NO_URL;
      response.writeHead(status, headers).end(body);
      return;
    }
    const isRead = method === "GET" || method === "HEAD";
    const answer = await handle({
      method,
      url,
      headers: new Headers(
        Object.entries(headers).map((
          [name, value],
        ) => [name, String(value)] as [string, string]),
      ),
      address: socket.remoteAddress,
      signal: closed.signal,
      body: isRead ? null : ReadableStream.from(request) as ReadableStream<
        Uint8Array<ArrayBuffer>
      >,
    });
    response.writeHead(answer.status, answer.headers);
    if ("open" in answer) {
      socket.setNoDelay(true);
      const reader = answer.open({
        // Without a copy, and without a view for each reader.
        write: (bytes) => response.write(bytes),
        end: (isCut) => void (isCut ? response.destroy() : response.end()),
      });
      response.on("drain", () => reader.drained());
      response.on("close", () => reader.gone());
      if (response.destroyed) reader.gone();
      return;
    }
    const { body } = answer;
    if (body === null || method === "HEAD") response.end();
    else if (typeof body === "string") response.end(body);
    else {
      try {
        for await (const chunk of body) {
          if (!response.write(chunk)) {
            await new Promise<void>((resolve) => {
              response.once("drain", resolve);
              response.once("close", resolve);
            });
          }
          if (response.destroyed) break;
        }
        response.end();
      } catch {
        response.destroy();
      }
    }
  };
  return (request, response) => {
    // What a node sends may be of no form for an answer: that ends this answer, not the process.
    serve(request, response).catch(() => response.destroy());
  };
}
