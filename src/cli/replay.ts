/** `beacon-sse replay`: a recording as a beacon node. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { LogFunction } from "../listener/log.ts";
import { openRecording } from "../testing/recording/recording.ts";
import { RecordedBeaconNode } from "../testing/recording/recorded_beacon_node.ts";
import type { FeedArguments } from "./args.ts";
import { serveHttp } from "./http_server.ts";
import { UsageError } from "./usage_error.ts";
import { untilStopped, watch } from "./watch.ts";

/**
 * Serves a recording at the address of `--serve`; time begins with its first reader. Without `--serve` its
 * events are printed.
 *
 * @param path The file.
 * @param speed How many times as fast as it was recorded.
 * @throws {UsageError} If the file is no recording.
 */
export async function replay(
  path: string,
  speed: number | "max",
  feed: FeedArguments,
  log: LogFunction,
): Promise<void> {
  let node: RecordedBeaconNode;
  try {
    await stat(path);
    const recording = await openRecording(() =>
      Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>
    );
    node = new RecordedBeaconNode(recording, { speed });
  } catch (error) {
    throw new UsageError(
      `replay cannot read the file: ${(error as Error).message}`,
    );
  }
  if (feed.serve === undefined) {
    const nodes = [{ url: node.url, name: "recording" }];
    const { fetch, finished: allSent } = node;
    await watch({ nodes, feed, log, fetch, allSent });
    return;
  }
  const server = await serveHttp(
    feed.serve,
    (request, response) => void answer(node, request, response),
  );
  log({ level: "info", message: `serving the recording on ${server.url}` });
  await untilStopped(feed.forMs);
  await server[Symbol.asyncDispose]();
}

async function answer(
  node: RecordedBeaconNode,
  { url = "/", method = "GET" }: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.on("error", () => {});
  try {
    const { status, headers, body } = await node.fetch(
      new URL(url, node.url),
      { method, signal: gone.signal },
    );
    response.writeHead(status, Object.fromEntries(headers));
    response.flushHeaders();
    for await (const chunk of body ?? []) {
      if (response.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        response.once("drain", resolve);
        response.once("close", resolve);
      });
      if (gone.signal.aborted) break;
    }
    response.end();
  } catch {
    response.destroy();
  }
}
