/**
 * The HTTP server behind `--serve`. It is that of `node:http`: there an idle reader costs a third of
 * the memory, and a peer that sends its headers slowly is cut off.
 */

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServeAddress } from "./flag_values.ts";

/** How long answers that are under way may take when the command ends, in milliseconds. */
const GRACE_MS = 200;
/** How long it may take to send a whole request. */
const REQUEST_MS = 60_000;

/** The address of `--serve` cannot be listened on. */
export class ServeError extends Error {
  /** Whether another process listens there. */
  readonly isTaken: boolean;

  constructor(address: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`--serve cannot listen on ${address}: ${reason}`, { cause });
    this.name = "ServeError";
    this.isTaken = (cause as { code?: string }).code === "EADDRINUSE";
  }
}

/**
 * Starts to serve.
 *
 * @param listener What answers; it must not throw.
 * @param headersMs How long a peer may take to send its headers, in milliseconds.
 * @returns What ends it, and where it listens, such as `http://127.0.0.1:9464`.
 * @throws {ServeError} If the address cannot be listened on.
 */
export async function serveHttp(
  { hostname, port }: ServeAddress,
  listener: RequestListener,
  headersMs = 10_000,
): Promise<AsyncDisposable & { url: string }> {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: REQUEST_MS,
      connectionsCheckingInterval: headersMs / 10,
    },
    listener,
  );
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(port, hostname, resolve);
  try {
    await promise;
  } catch (error) {
    throw new ServeError(`${host}:${port}`, error);
  }
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearTimeout(cut);
    },
  };
}
