/** The HTTP server of a simulated node: hands out requests, remembers them, and ends for sure. */

import { delay } from "@std/async/delay";

/** How many requests are remembered. */
const REMEMBERED_REQUESTS = 1_000;
/** How long closing waits for clients to take what was sent, in milliseconds. */
const CLOSING_GRACE_MS = 100;

/** A request that the node has received. */
export interface ReceivedRequest {
  /** HTTP method. */
  readonly method: string;
  /** Path of the URL. */
  readonly path: string;
  /** Query of the URL. */
  readonly query: URLSearchParams;
  /** Headers of the request. */
  readonly headers: Headers;
  /** Unix time, in milliseconds. */
  readonly receivedAt: number;
  /** Status of the answer; 0 where there was none, or is none yet. */
  readonly status: number;
}

/** What is known of a request when it has to be answered. */
export type IncomingRequest = Omit<ReceivedRequest, "status">;

/** Options for {@linkcode HttpServer}. */
export interface HttpServerOptions {
  /** Address to listen on. */
  hostname: string;
  /** TCP port to listen on; 0 takes a free one. */
  port: number;
  /** Answers a request, at once or later. */
  respond: (request: IncomingRequest) => Response | Promise<Response>;
}

/** A server that listens from its construction on until it is closed. */
export class HttpServer {
  /** Base URL, without a slash at its end. */
  readonly url: string;
  readonly #respond: HttpServerOptions["respond"];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  readonly #requests: ReceivedRequest[] = [];

  constructor({ hostname, port, respond }: HttpServerOptions) {
    this.#respond = respond;
    this.#server = Deno.serve({
      hostname,
      port,
      signal: this.#abort.signal,
      onListen: () => {},
    }, (request, info) => this.#handle(request, info));
    const { addr } = this.#server;
    const host = addr.hostname.includes(":")
      ? `[${addr.hostname}]`
      : addr.hostname;
    this.url = `http://${host}:${addr.port}`;
  }

  /** The last 1,000 requests, oldest first. */
  get requests(): readonly ReceivedRequest[] {
    return [...this.#requests];
  }

  /** Waits a moment for answers that are under way, cuts off the rest, and frees the port. */
  async close(): Promise<void> {
    const grace = new AbortController();
    await Promise.race([
      Promise.all(this.#underWay),
      delay(CLOSING_GRACE_MS, { signal: grace.signal }).catch(() => {}),
    ]);
    grace.abort();
    this.#abort.abort();
    await this.#server.finished;
  }

  #handle(
    request: Request,
    info: Deno.ServeHandlerInfo,
  ): Response | Promise<Response> {
    const forget = (): void => void this.#underWay.delete(delivered);
    const delivered: Promise<void> = info.completed.then(forget, forget);
    this.#underWay.add(delivered);
    const { pathname, searchParams } = new URL(request.url);
    const received = {
      method: request.method,
      path: pathname,
      query: searchParams,
      headers: new Headers(request.headers),
      receivedAt: Date.now(),
      status: 0,
    };
    this.#requests.push(received);
    if (this.#requests.length > REMEMBERED_REQUESTS) this.#requests.shift();
    const answered = (response: Response): Response => {
      received.status = response.status;
      return response;
    };
    const answer = this.#respond(received);
    return answer instanceof Response
      ? answered(answer)
      : answer.then(answered);
  }
}
