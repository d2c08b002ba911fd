/** The HTTP server behind `--serve`. */

import { deadline } from "@std/async/deadline";
import type { ServeAddress } from "./flag_values.ts";

/** How long answers that are under way may take when the command ends, in milliseconds. */
const GRACE_MS = 200;

/** A server that is listening. */
export interface HttpServer extends AsyncDisposable {
  /** Where it listens, such as `http://127.0.0.1:9464`. */
  readonly url: string;
}

/** The address of `--serve` cannot be listened on. */
export class ServeError extends Error {
  /**
   * @param address The address.
   * @param cause Why not.
   */
  constructor(address: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`--serve cannot listen on ${address}: ${reason}`, { cause });
    this.name = "ServeError";
  }
}

/**
 * Starts to serve.
 *
 * @param address Where to listen.
 * @param handler What answers; it must not throw.
 * @throws {ServeError} If the address cannot be listened on.
 */
export function serveHttp(
  { hostname, port }: ServeAddress,
  handler: (request: Request) => Promise<Response>,
): HttpServer {
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  const abort = new AbortController();
  const underWay = new Set<Promise<void>>();
  const server = listen();

  return {
    url: `http://${host}:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await deadline(Promise.all(underWay), GRACE_MS).catch(() => {});
      abort.abort();
      await server.finished;
    },
  };

  function listen(): Deno.HttpServer<Deno.NetAddr> {
    try {
      return Deno.serve({
        hostname,
        port,
        signal: abort.signal,
        onListen() {},
      }, (request, { completed }) => {
        const forget = () => void underWay.delete(delivered);
        const delivered: Promise<void> = completed.then(forget, forget);
        underWay.add(delivered);
        return handler(request);
      });
    } catch (error) {
      throw new ServeError(`${host}:${port}`, error);
    }
  }
}
