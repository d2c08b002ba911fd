/** The gateway behind `fetch`: an answer as a `Response`. */

import { type Handle, NO_URL } from "./answer.ts";
import type { OpenReader, ReaderHandle } from "./events/reader.ts";

/** What a server knows of a connection; `Deno.serve` passes it as the second argument. */
export interface ConnectionInfo {
  /** The peer's address. */
  remoteAddr?: { hostname?: string } | object;
  /** Settles when the answer is sent, or the peer is gone. */
  completed?: Promise<void>;
}

/** Answers a web request. */
export async function toResponse(
  handle: Handle,
  request: Request,
  info: ConnectionInfo | undefined,
): Promise<Response> {
  const { method, headers, body } = request;
  const { remoteAddr } = info ?? {};
  const url = URL.parse(request.url);
  if (url === null) return new Response(NO_URL.body, NO_URL);
  const signal = endOf(request, info);
  const answer = await handle({
    method,
    url,
    headers,
    address: remoteAddr !== undefined && "hostname" in remoteAddr
      ? remoteAddr.hostname
      : undefined,
    signal,
    body,
  });
  const { status } = answer;
  const content = "open" in answer
    ? toStream(answer.open, signal)
    : answer.body;
  if (method === "HEAD" && content !== null) {
    if (typeof content !== "string") await content.cancel();
    return new Response(null, { status, headers: answer.headers });
  }
  return new Response(content, { status, headers: answer.headers });
}

/** Aborts when the peer is gone. A server may end a request without cancelling the body. */
function endOf(
  request: Request,
  info: ConnectionInfo | undefined,
): AbortSignal {
  if (info?.completed === undefined) return request.signal;
  const ended = new AbortController();
  const end = () => ended.abort();
  info.completed.then(end, end);
  return ended.signal;
}

/** A body without a queue of its own: the ring is the only buffer. */
function toStream(
  open: OpenReader,
  signal: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let reader: ReaderHandle;
  const abort = () => reader.gone();
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      reader = open({
        write(bytes) {
          controller.enqueue(bytes);
          return false;
        },
        end(isCut) {
          signal.removeEventListener("abort", abort);
          if (isCut) controller.error(new Error("The reader does not read"));
          else controller.close();
        },
      });
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
    },
    pull: () => reader.drained(),
    cancel() {
      signal.removeEventListener("abort", abort);
      reader.gone();
    },
  }, { highWaterMark: 0 });
}
