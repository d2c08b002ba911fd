/** A server on loopback that answers as a test says. */

/** A request as it came. */
export interface ReceivedRequest {
  /** Its method. */
  method: string;
  /** Its URL, with the query. */
  url: string;
  /** A copy of its headers, which outlives the connection. */
  headers: Headers;
}

/** Answers until it is disposed. */
export class HttpServer implements AsyncDisposable {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** Every request that came. */
  readonly requests: ReceivedRequest[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #ended = new AbortController();

  /** @param answer Answers a request to a path; its query is left out. */
  constructor(
    answer: (path: string, request: Request) => Response | Promise<Response>,
  ) {
    this.#server = Deno.serve(
      {
        hostname: "127.0.0.1",
        port: 0,
        onListen() {},
        signal: this.#ended.signal,
      },
      (request) => {
        const { method, url, headers } = request;
        this.requests.push({ method, url, headers: new Headers(headers) });
        return answer(new URL(request.url).pathname, request);
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#server.finished;
  }
}

/** A server that answers each connection with these bytes and closes it, whatever they announce. */
export class RawServer implements AsyncDisposable {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting: Promise<void>;

  /** @param answer The whole answer, its head included. */
  constructor(answer: string) {
    this.url = `http://127.0.0.1:${this.#listener.addr.port}`;
    this.#accepting = this.#accept(new TextEncoder().encode(answer));
  }

  async #accept(answer: Uint8Array): Promise<void> {
    for await (const connection of this.#listener) {
      using _open = connection;
      await connection.read(new Uint8Array(4096));
      await connection.write(answer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
  }
}

/** A port on loopback where nobody listens. */
export function unusedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** All that an error shows when printed, its causes and stacks included. */
export function inspect(error: unknown): string {
  return Deno.inspect(error, { depth: 20, strAbbreviateSize: 1e6 });
}
