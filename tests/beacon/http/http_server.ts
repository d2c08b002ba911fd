/** Servers on loopback that answer as a test needs it. */

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

  /**
   * @param answer Answers a request to a path; its query is left out.
   * @param tls Its certificate and key, for HTTPS.
   */
  constructor(
    answer: (path: string, request: Request) => Response | Promise<Response>,
    tls?: Deno.TlsCertifiedKeyPem,
  ) {
    this.#server = Deno.serve(
      {
        ...tls,
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
    const scheme = tls === undefined ? "http" : "https";
    this.url = `${scheme}://127.0.0.1:${this.#server.addr.port}`;
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

/** Passes connections on to a server, and can leave them half-open. */
export class StoppingRelay implements AsyncDisposable {
  /** Base URL, with the server's scheme, without a trailing slash. */
  readonly url: string;
  /** How many connections were opened. */
  opened = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting: Promise<void>;
  /** The open connections; those that were stopped stay open and pass nothing on. */
  readonly #connections = new Set<{ isStopped: boolean; ends: Deno.Conn[] }>();

  /** @param target Base URL of the server. */
  constructor(target: string) {
    const { protocol, port } = new URL(target);
    this.url = `${protocol}//127.0.0.1:${this.#listener.addr.port}`;
    this.#accepting = this.#accept(Number(port));
  }

  /** From now on the open connections pass nothing on. New ones do. */
  stop(): void {
    for (const connection of this.#connections) connection.isStopped = true;
  }

  async #accept(port: number): Promise<void> {
    const passing: Promise<unknown>[] = [];
    for await (const client of this.#listener) {
      this.opened++;
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      const connection = { isStopped: false, ends: [client, server] };
      this.#connections.add(connection);
      const pass = async (from: Deno.Conn, to: Deno.Conn) => {
        const buffer = new Uint8Array(16_384);
        try {
          for (let size; (size = await from.read(buffer)) !== null;) {
            if (!connection.isStopped) await to.write(buffer.subarray(0, size));
          }
          if (!connection.isStopped) to.close();
        } catch {
          // One of the ends is closed.
        }
      };
      passing.push(pass(client, server), pass(server, client));
    }
    await Promise.all(passing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const { ends } of this.#connections) {
      for (const end of ends) {
        try {
          end.close();
        } catch {
          // It is closed already.
        }
      }
    }
    await this.#accepting;
  }
}

/** A port on loopback without a server. */
export function unusedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** All that an error shows when printed, its causes and stacks included. */
export function inspect(error: unknown): string {
  return Deno.inspect(error, { depth: 20, strAbbreviateSize: 1e6 });
}
