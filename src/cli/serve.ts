/** What `--serve` offers: the nodes as one beacon node. */

import { readFile } from "node:fs/promises";
import type { EventHistory } from "../beacon/events/event_history.ts";
import { createGateway, toNodeListener } from "../gateway/mod.ts";
import type { LogFunction } from "../listener/log.ts";
import type { SseListener } from "../listener/sse_listener.ts";
import type { FeedArguments } from "./args.ts";
import type { ServeAddress } from "./flag_values.ts";
import { ServeError, serveHttp } from "./http_server.ts";
import { UsageError } from "./usage_error.ts";

/**
 * Serves a gateway over a listener, as far as the flags want it.
 *
 * @param fallback Where to serve if `--serve` is not given; on a free port where that is taken.
 * @returns What ends it; `undefined` where nothing is served.
 * @throws {ServeError} If the address of `--serve` cannot be listened on.
 * @throws {UsageError} If the token cannot be used.
 */
export async function serveGateway(
  listener: SseListener,
  { serve, tokenFile, passAll = false }: FeedArguments,
  fallback: ServeAddress | undefined,
  log: LogFunction,
  history?: EventHistory,
): Promise<AsyncDisposable | undefined> {
  const address = serve ?? fallback;
  if (address === undefined) return undefined;
  const token = tokenFile === undefined
    ? undefined
    : await readToken(tokenFile);
  const gateway = createGateway(listener, {
    passAll,
    ...(history !== undefined && { history }),
    ...(token !== undefined && { token }),
  });
  const start = (address: ServeAddress) =>
    serveHttp(address, toNodeListener(gateway));
  try {
    const server = await start(address).catch((error) => {
      const isTaken = error instanceof ServeError && error.isTaken;
      if (serve !== undefined || !isTaken) throw error;
      return start({ ...address, port: 0 });
    });
    log({
      level: "info",
      message: `serving /, /eth/v1/events, /metrics, /healthz on ${server.url}`,
    });
    if (
      token === undefined && !/^(127\.|localhost$|::1$)/.test(address.hostname)
    ) {
      const message = "anyone who reaches it may read: see --token-file";
      log({ level: "warn", message });
    }
    return {
      async [Symbol.asyncDispose]() {
        await gateway.close();
        await server[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

/** The token in the first line of a file. */
async function readToken(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(
      `--token-file cannot be read: ${(error as Error).message}`,
    );
  }
  const token = text.split("\n", 1)[0]!.trim();
  if (/^[!-~]{1,1024}$/.test(token)) return token;
  throw new UsageError(
    `--token-file must begin with a line of 1 to 1024 visible ASCII characters, got ${token.length} characters`,
  );
}
